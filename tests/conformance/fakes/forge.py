"""What fakes of GitHub and GitLab share: a server that tests spoil and look into, and a storage that wants no token."""

from __future__ import annotations

import json
import secrets
import threading
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from conformance.fakes.clock import Clock, dated
from conformance.fakes.logged import Logged
from conformance.fakes.loopback import Answer, running
from conformance.fakes.secured import SecuredHandler, SecuredServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from conformance.fakes.secured import Tls

JSON = ("Content-Type", "application/json; charset=utf-8")
PLAN_FILE = "syncer-plan.json"
PATIENCE = 30.0
"""Seconds after which a call that hangs ends."""


def new_sha() -> str:
    """Name a commit."""
    return secrets.token_hex(20)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files as an artifact is packed."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class Fault(Enum):
    """What befalls a call."""

    DROP = auto()
    """The connection ends before anybody has looked at the call."""
    LOSE = auto()
    """The call is carried out, and the connection ends without an answer."""
    CUT = auto()
    """The call is carried out, and half of its answer is sent."""
    HANG = auto()
    """Nothing happens until the server is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    """Unquoted, without the query."""
    raw: str
    """As on the wire, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    """By names in small letters."""
    body: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """How globs know it."""
        return f"{self.method} {self.path}"

    @property
    def document(self) -> dict[str, Any]:
        """The JSON that it brings."""
        found = json.loads(self.body or b"{}")
        assert isinstance(found, dict)
        return found


@dataclass(slots=True, kw_only=True)
class Rule:
    """Whom a spoiler befalls, and how often."""

    calls: str
    spoiler: Any
    times: int
    after: int

    def due(self, call: Call) -> bool:
        """Count a call, and say whether it is to be spoilt."""
        if not fnmatchcase(call.name, self.calls) or self.times == 0:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        self.times -= 1
        return True


class Refused(Exception):
    """Ends a call with an error."""

    def __init__(self, status: int, document: object) -> None:
        super().__init__(status)
        self.answer = answer(status, document)


def answer(status: int, document: object, *headers: tuple[str, str]) -> Answer:
    """Spell a document; None is no body at all."""
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(status=status, headers=(JSON, *headers), body=body)


class ForgeHandler(SecuredHandler):
    """Hands each call to the forge of its server."""

    server: ForgeServer

    def respond(self) -> None:
        """Answer one call, or let it down."""
        parts = urlsplit(self.path)
        call = Call(
            method=self.command,
            path=unquote(parts.path),
            raw=parts.path,
            query={name: found[-1] for name, found in parse_qs(parts.query, keep_blank_values=True).items()},
            headers=self.lowered(),
            body=self.body(),
        )
        fault, found = self.server.answers(call)
        if fault in (Fault.DROP, Fault.LOSE, Fault.HANG):
            self.close_connection = True
            return
        if fault is Fault.CUT:
            self.close_connection = True
        self.send(found, share=0.5 if fault is Fault.CUT else 1.0)


class ForgeServer(SecuredServer):
    """A forge, or its storage, behind a socket."""

    def __init__(self, answers: Callable[[Call], tuple[Fault | None, Answer]], tls: Tls | None = None) -> None:
        super().__init__(ForgeHandler, tls, None)
        self.answers = answers


class Forge:
    """A platform that serves in threads of this process, from `start` to `stop`, or while a `with` block runs."""

    def __init__(self, tls: Tls | None = None) -> None:
        self.clock = Clock()
        self.log: list[Logged] = []
        self.lock = threading.RLock()
        """Held while a call is answered; a test that changes things meanwhile takes it."""
        self._rules: list[Rule] = []
        self._stored: dict[str, bytes] = {}
        self._stopped = threading.Event()
        self._http = ForgeServer(self._answers, tls)
        self._storage = ForgeServer(self._fetches)
        self._running = ExitStack()

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._http.url

    def start(self) -> Self:
        """Serve."""
        self._running.enter_context(running(self._http))
        self._running.enter_context(running(self._storage))
        return self

    def stop(self) -> None:
        """Serve no more."""
        self._stopped.set()
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def spoil(
        self, calls: str, spoiler: Answer | Fault | Callable[[], object], *, times: int = 1, after: int = 0
    ) -> None:
        """Let something befall the calls that a glob of `METHOD /path` names, once so many of them have passed.

        That is an answer instead of the right one, a fault, or what is to happen just before the call is looked at.
        """
        self._rules.append(Rule(calls=calls, spoiler=spoiler, times=times, after=after))

    def heal(self) -> None:
        """Forget what was to be spoilt."""
        self._rules.clear()

    def names(self) -> list[str]:
        """Give the calls that were answered, as globs know them."""
        return [one.name for one in self.log]

    def store(self, data: bytes) -> str:
        """Put something into the storage, and give the URL by which whoever knows it reads it, without a token."""
        name = secrets.token_hex(8)
        self._stored[name] = data
        return f"{self._storage.url}/container/{name}?sig={secrets.token_hex(8)}"

    def empty_storage(self) -> None:
        """Let every URL of the storage end."""
        self._stored.clear()

    def _answers(self, call: Call) -> tuple[Fault | None, Answer]:
        with self.lock:
            self.clock.tick()
            spoiler = next((rule.spoiler for rule in self._rules if rule.due(call)), None)
        if spoiler is Fault.HANG:
            self._stopped.wait(PATIENCE)
        if spoiler in (Fault.HANG, Fault.DROP):
            return spoiler, Answer()
        if isinstance(spoiler, Answer):
            return None, self._logged(call, spoiler)
        if callable(spoiler):
            spoiler()
        with self.lock:
            found = self._logged(call, self._reply(call))
        return spoiler if isinstance(spoiler, Fault) else None, found

    def _reply(self, call: Call) -> Answer:
        try:
            return self.reply(call)
        except Refused as refused:
            return refused.answer

    def reply(self, call: Call) -> Answer:
        """Carry a call out. Raise Refused."""
        raise NotImplementedError

    def who(self, call: Call) -> str:
        """Give the name behind a call's token; empty for nobody."""
        raise NotImplementedError

    def _logged(self, call: Call, found: Answer) -> Answer:
        query = "&".join(f"{name}={text}" for name, text in call.query.items())
        self.log.append(
            Logged(method=call.method, path=call.path, query=query, status=found.status, who=self.who(call))
        )
        return Answer(status=found.status, headers=(*found.headers, dated(self.clock.now)), body=found.body)

    def _fetches(self, call: Call) -> tuple[Fault | None, Answer]:
        """Answer as a storage does, which takes any token for a wrong one of its own."""
        with self.lock:
            spoiler = next((rule.spoiler for rule in self._rules if rule.due(call)), None)
            if isinstance(spoiler, Answer):
                return None, spoiler
            tokens = {"authorization", "private-token", "job-token"} & call.headers.keys()
            data = self._stored.get(call.path.rpartition("/")[2])
        if tokens:
            return None, Answer(status=400, body=b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        if data is None or "sig" not in call.query:
            return None, Answer(status=403, body=b"<Error><Code>AuthenticationFailed</Code></Error>")
        return (spoiler if isinstance(spoiler, Fault) else None), Answer(
            headers=(("Content-Type", "application/zip"),), body=data
        )
