"""A fake Dagu behind a proxy that spoils calls, and backends that go there."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from conformance.fakes.dagu.accounts import ADMIN_KEY
from conformance.fakes.dagu.dagu import Dagu as Fake
from conformance.fakes.fault_proxy import Cut, Rewrite, Rule
from conformance.raw_dagu import RawDagu
from support import PROJECT, House

from syncer.backends.dagu.backend import Dagu
from syncer.model import Address
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conformance.fakes.dagu.records import Record
    from conformance.fakes.dagu.server import HttpServer
    from conformance.fakes.fault_proxy import Call, Fault, FaultProxy

    from syncer.backends.base import Backend
    from syncer.model import Observed

DB = Address("payments", "prod/db")
EVERYWHERE = Address("global", "prod/db")
KEY = Address("profile/blue", "DB")
"""An entry of a profile."""
BLUE = "runtime-profiles/blue/key-4442"
"""The ref behind it."""
LISTING = "GET /api/v1/secrets"
JSON = (("Content-Type", "application/json"),)

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Served(Fake):
    """A Dagu that answers at a socket from now on, in the place of the one before it."""

    def __init__(self, http: HttpServer, auth: str = "builtin", base_path: str = "") -> None:
        super().__init__(auth, base_path)
        self.http = http
        http.dagu = self


@dataclass
class Bench:
    """One server with the workspace `payments` and the profile `blue`, and every backend that a test opened on it."""

    folder: Path
    fake: Served
    proxy: FaultProxy
    stack: ExitStack = field(default_factory=ExitStack)
    slept: list[float] = field(default_factory=list)

    @property
    def raw(self) -> RawDagu:
        """The server, asked by hand and past the proxy."""
        return RawDagu(address=self.fake.http.url, authorization=self.fake.authorization)

    def open(
        self,
        project: str = PROJECT,
        *,
        key: str = ADMIN_KEY,
        width: int = 4,
        attempts: int = 3,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Dagu:
        """Open a backend, through the proxy; with a key for everything unless the options say otherwise."""
        told = context(self.folder, project, environ={"DAGU_TOKEN": key, **(environ or {})})
        patient = Retry(attempts=attempts, patience=attempts, sleep=self.slept.append, jitter=lambda low, _high: low)
        given = {"url": self.proxy.url, "token": {"env": "DAGU_TOKEN"}, **options}
        kept = {name: option for name, option in given.items() if option is not None}
        backend = Dagu.open(kept, replace(told, width=width, retry=patient))
        self.stack.callback(backend.close)
        return backend

    def create(self, backend: Backend, value: bytes = b"v1", address: Address = DB, **facts: Any) -> Observed:
        """Create a secret."""
        return backend.create(declared(address, **facts), Sensitive(value))

    def spoil(self, calls: str, fault: Fault, times: int | None = None, after: int = 0) -> None:
        """Have calls answered so instead."""
        self.proxy.set(Rule(fault=fault, calls=calls, times=times, after=after))

    def rewrite(self, calls: str, function: Callable[[Any], Any], times: int | None = None, after: int = 0) -> None:
        """Have the documents of answers changed."""
        self.fake.state.compresses = False
        self.spoil(calls, Rewrite(function), times, after)

    def calls(self) -> list[str]:
        """Name the calls that were made since last asked, less the API's root; ids are called `ID`."""
        names = [_ID.sub("ID", call.name.replace("/api/v1", "")) for call in self.proxy.log]
        self.proxy.log.clear()
        return names

    def record(self, address: Address = DB) -> Record:
        """Give what the server holds at an address, which must be there."""
        record = self.found(address)
        assert record, address
        return record

    def found(self, address: Address = DB) -> Record | None:
        """Give what the server holds at an address."""
        if not address.scope.startswith("profile/"):
            return self.fake.secret(address.ref, address.scope)
        profile = self.fake.profiles.get(address.scope.removeprefix("profile/"))
        entry = profile and profile.entries.get(address.ref)
        return self.fake.secrets.get(entry.secret) if entry else None

    def run(self, address: Address = DB) -> Callable[[], None]:
        """Start a run that reads a secret, and give what ends it: it then puts back what it has read."""
        metadata = self.record(address).metadata
        running = ExitStack()
        running.enter_context(self.fake.run(metadata.workspace, metadata.ref))
        return running.close

    def before(self, calls: str, *actions: Callable[[], object]) -> None:
        """Do something as the next calls arrive that fit a glob, one thing each, before the server hears of them."""
        waiting = list(actions)

        def arrived(call: Call) -> bool:
            if waiting and fnmatchcase(call.name, calls):
                waiting.pop(0)()
            return False

        self.proxy.set(Rule(fault=Cut(), calls=arrived))

    def house(self, **options: Any) -> House:
        """Give a project whose runs go to the server."""
        return House(self.folder, wrap=lambda _memory: self.open(**options))


def seen(backend: Backend, *scopes: str) -> dict[str, Observed]:
    """Observe, by address; none must come twice."""
    found = list(backend.observe(scopes, []))
    by_address = {str(entry.address): entry for entry in found}
    assert len(by_address) == len(found)
    return by_address
