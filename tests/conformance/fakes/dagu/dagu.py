"""A Dagu of our own, without a network: what it answers, and what a test sees and does behind its back."""

from __future__ import annotations

import base64
import gzip
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from conformance.fakes.clock import Clock, dated
from conformance.fakes.dagu.accounts import ADMIN_KEY, MODES, PASSWORD, USER, Accounts, ApiKey, spelled
from conformance.fakes.dagu.exchange import Exchange, elsewhere, slashed
from conformance.fakes.dagu.names import GLOBAL
from conformance.fakes.dagu.records import Metadata, Status
from conformance.fakes.dagu.requests import Request
from conformance.fakes.dagu.roles import Role
from conformance.fakes.dagu.state import State
from conformance.fakes.dagu.workspaces import Workspace
from conformance.fakes.logged import Logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.fakes.dagu.profile_store import Profile
    from conformance.fakes.dagu.records import Record
    from conformance.fakes.loopback import Answer

API = "/api/v1"


class Dagu:
    """Keeps the real server's rules, its faults too. Requests run side by side, as there."""

    def __init__(self, auth: str = "builtin", base_path: str = "", *, clock: Clock | None = None) -> None:
        """Take the mode, `builtin`, `basic` or `none`, and the path that everything stands below."""
        assert auth in MODES
        self.base_path = base_path.rstrip("/")
        self.state = State(accounts=Accounts(mode=auth), clock=clock or Clock())
        now = self.state.tick()
        self.state.accounts.add(ApiKey(spelling=ADMIN_KEY, name="admin", role=Role.ADMIN, created=now, updated=now))

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Carry a request out, and note it; names of headers are in lower case."""
        path, _, query = target.partition("?")
        root = self.base_path + API
        below = path == root or path.startswith(f"{root}/")
        inner = path.removeprefix(root) if below else path
        request = Request(method=method, path=inner, query=query, headers=headers, body=body)
        exchange = Exchange(self.state, request)
        if path.endswith("/") and path != "/":
            reply = slashed(method, path, query)
        else:
            reply = exchange.reply() if below else elsewhere(method)
        self.log.append(Logged(method=method, path=inner, query=query, status=reply.status, who=exchange.who.name))
        answer = replace(reply.answer(), headers=(*reply.headers, dated(self.clock.now)))
        return self._compressed(answer) if below and "gzip" in headers.get("accept-encoding", "") else answer

    @property
    def authorization(self) -> str:
        """What an administrator sends as `Authorization`; empty where nobody has to."""
        mode = self.state.accounts.mode
        if mode == "basic":
            return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return f"Bearer {ADMIN_KEY}" if mode == "builtin" else ""

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.state.clock

    @property
    def log(self) -> list[Logged]:
        """What was asked of it, in the order of the replies; a test may clear it."""
        return self.state.log

    @property
    def secrets(self) -> dict[str, Record]:
        """All secrets by id, values and all, those behind profiles too."""
        return self.state.secrets.records

    @property
    def profiles(self) -> dict[str, Profile]:
        """All profiles by name, and the layers `_global` and `_workspaces/NAME`."""
        return self.state.profiles.by_name

    @property
    def workspaces(self) -> dict[str, Workspace]:
        """All workspaces by id."""
        return self.state.workspaces.by_id

    def calls(self, names: str = "*") -> list[Logged]:
        """Give the requests of the log whose `METHOD /path` fits a glob, such as `POST /secrets/*/disable`."""
        return [logged for logged in list(self.log) if fnmatchcase(logged.name, names)]

    def meanwhile(self, action: Callable[[], object], calls: str = "*") -> None:
        """Do something once, between the read and the write of the next request that fits a glob and has both."""
        self.state.interludes.add(action, calls)

    def secret(self, ref: str, workspace: str = GLOBAL) -> Record | None:
        """Give what is held under a ref of a scope."""
        return self.state.secrets.by_ref(workspace, ref)

    def plant(  # what a secret is
        self,
        ref: str,
        value: str | None,
        workspace: str = GLOBAL,
        *,
        description: str = "",
        enabled: bool = True,
    ) -> str:
        """Make a secret behind everybody's back, or write a version of the one there is; give its id."""
        now = self.state.tick()
        record = self.secret(ref, workspace)
        if record is None:
            made = Metadata(workspace=workspace, ref=ref, created=now, updated=now)
            self.state.secrets.create(made, value)
            record = self.secrets[made.id]
        elif value is not None:
            self.state.secrets.append(record.metadata.id, value, now)
        status = Status.ACTIVE if enabled else Status.DISABLED
        record.metadata = replace(record.metadata, description=description, status=status)
        return record.metadata.id

    def resolve(self, workspace: str, ref: str) -> str:
        """Give the value that a run gets which is labelled with a workspace, or with none if that is empty.

        Raises:
            Unresolved: the run would fail instead.
        """
        with self.run(workspace, ref) as value:
            return value

    @contextmanager
    def run(self, workspace: str, ref: str) -> Iterator[str]:
        """Read a secret's file as a run does on the way in, and write it back on the way out.

        A run is a process of its own and heeds no lock of the server: whatever is written in between is undone, a value
        and a deletion too.
        """
        copy = self.state.secrets.read(workspace or GLOBAL, ref, self.state.tick())
        yield copy.served or ""
        self.state.secrets.overwrite(copy)

    def workspace(self, name: str) -> str:
        """Make a workspace, and give its id."""
        now = self.state.tick()
        made = Workspace(name=name, created=now, updated=now)
        assert self.state.workspaces.put(made)
        return made.id

    def api_key(self, role: Role = Role.ADMIN, grants: Mapping[str, Role] | None = None) -> str:
        """Make a key for all workspaces or for some, however many there are, and give its spelling."""
        now = self.state.tick()
        top = role if grants is None else Role.VIEWER
        name = f"key-{len(self.state.accounts.keys)}"
        key = ApiKey(spelling=f"dagu_{spelled(44)}", name=name, role=top, grants=grants, created=now, updated=now)
        return self.state.accounts.add(key).spelling

    def revoke(self, key: str) -> None:
        """Take a key away."""
        del self.state.accounts.keys[key]

    def _compressed(self, answer: Answer) -> Answer:
        if not answer.body or not self.state.compresses:
            return answer
        headers = (*answer.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return replace(answer, headers=headers, body=gzip.compress(answer.body, mtime=0))
