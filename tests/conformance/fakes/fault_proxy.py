"""A reverse proxy on loopback that keeps a log of calls and spoils those that its rules name."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.fakes.loopback import Answer, Handler, Server, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPMessage

HOP_BY_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing the socket sends RST instead of FIN."""
PATIENCE = 30.0
"""Seconds after which an upstream that says nothing, or a call that never arrives, fails the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Close the client's connection with RST, before the upstream hears of the call or after it has answered."""

    after_forward: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """Forward, then send the answer's head and half of its body, and close."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Forward, then hold the answer for so many seconds or until `FaultProxy.release`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Forward, then change the JSON document of the answer; the status stays."""

    function: Callable[[Any], Any]

    def rewritten(self, answer: Answer) -> Answer:
        """Give the changed answer."""
        return replace(answer, body=json.dumps(self.function(answer.document)).encode())


Key = tuple[str, str, bytes]
"""Tells requests apart: name, path, body."""
Fault = Answer | Reset | Cut | Hang | Rewrite
"""An `Answer` is given instead of forwarding; `answers` has some ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, and in the log what came of it."""

    method: str
    path: str
    """As on the wire, query included."""
    headers: HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)
    forwarded: int | None = None
    """The status that the upstream answered; None: it has not heard of the call."""
    answer: Answer | None = None
    """What the client was sent, whole also where it was cut or lost; None: nothing."""
    fault: Fault | None = None
    """What was done to it; the answer itself where it came from a frozen listing."""

    @property
    def name(self) -> str:
        """The operation of AWS's JSON protocol, such as `ListSecrets`; else `METHOD /path`, without the query."""
        target = self.headers.get("X-Amz-Target")
        return target.rpartition(".")[2] if target else f"{self.method} {self.path.partition('?')[0]}"

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A fault, and which calls it befalls."""

    fault: Fault
    calls: str | Callable[[Call], bool] = "*"
    """A glob of names (`List*`, `GET /v1/secret/data/*`), or a predicate."""
    after: int = 0
    """So many fitting calls pass first."""
    times: int | None = None
    """So many are spoilt, then no more; None: without end."""
    share: float = 1.0
    """The part that is spoilt, thrown with `seed`: the same calls by number in every run."""
    seed: int = 0

    def fits(self, call: Call) -> bool:
        """Whether a call counts for this rule."""
        return _fits(self.calls, call)


def _fits(calls: str | Callable[[Call], bool], call: Call) -> bool:
    return fnmatchcase(call.name, calls) if isinstance(calls, str) else calls(call)


class _Counted:
    """A rule, and how far it is."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.fitting = 0
        self.spoilt = 0
        self.dice = random.Random(rule.seed)  # noqa: S311  # a test's dice

    def due(self, call: Call) -> bool:
        """Count a call, and say whether it is to be spoilt."""
        if not self.rule.fits(call):
            return False
        self.fitting += 1
        hit = self.dice.random() < self.rule.share
        return hit and self.fitting > self.rule.after and self.spoilt != self.rule.times


class FaultProxy:
    """What a test holds of a proxy. Safe to use from any thread."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.url = ""
        """Where the proxy listens."""
        self.log: list[Call] = []
        """Calls in the order in which they were answered or reset."""
        self._seen: list[Call] = []
        self._rules: list[_Counted] = []
        self._frozen: dict[Key, Answer] = {}
        self._released = threading.Event()
        self.holding = threading.Event()
        """Set once an answer hangs; cleared with the rules."""
        self._changed = threading.Condition()

    def set(self, *rules: Rule) -> None:
        """Put rules in the place of those there are, their counts at zero; of several that are due the first wins."""
        with self._changed:
            self._rules = [_Counted(rule) for rule in rules]
            self._released = threading.Event()
            self.holding.clear()

    def clear(self) -> None:
        """Forget rules, log and frozen listings; what is held is let go."""
        self.release()
        self.thaw()
        self.set()
        with self._changed:
            self.log.clear()
            self._seen.clear()

    def calls(self, names: str = "*") -> list[Call]:
        """Give the calls of the log whose name fits a glob."""
        return [call for call in list(self.log) if fnmatchcase(call.name, names)]

    def wait_for(self, names: str, times: int = 1) -> None:
        """Return when so many calls have arrived whose name fits a glob, answered or not.

        Raises:
            TimeoutError: they have not come within `PATIENCE`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._arrived(names)) >= times, PATIENCE):
                message = f"{len(self._arrived(names))} of {times} calls {names} arrived"
                raise TimeoutError(message)

    def release(self) -> None:
        """Let go of every answer that hangs, and hold none until rules are set."""
        self._released.set()

    def freeze(self, names: str | Callable[[Call], bool]) -> None:
        """Let listings lag: answer them from now on as the upstream would have answered at this moment.

        Each listing that was asked for so far is asked for again, all its pages, and those answers are kept by request.
        A request that was never made before is not among them and is forwarded; rules go first.

        Raises:
            LookupError: nobody has made such a call, so there is nothing to freeze.
        """
        with self._changed:
            asked = {_key(call, None): call for call in self._arrived(names)}
        if not asked:
            message = f"no call {names} to freeze"
            raise LookupError(message)
        with closing(_connection(self.upstream)) as connection:
            for call in asked.values():
                self._frozen.update(_pages(connection, call))

    def thaw(self) -> None:
        """Forward listings again."""
        self._frozen = {}

    @contextmanager
    def lagging(self, names: str | Callable[[Call], bool]) -> Iterator[None]:
        """Freeze on the way in, thaw on the way out."""
        self.freeze(names)
        try:
            yield
        finally:
            self.thaw()

    def arrive(self, call: Call) -> Fault | None:
        """Count a call for every rule, and give what is to befall it."""
        with self._changed:
            self._seen.append(call)
            self._changed.notify_all()
            due = [counted for counted in self._rules if counted.due(call)]
            if not due:
                return self._frozen.get(_key(call, _next_token(call.body))) if self._frozen else None
            due[0].spoilt += 1
            return due[0].rule.fault

    def hold(self, seconds: float) -> None:
        """Wait for the seconds to pass or for `release`."""
        self.holding.set()
        self._released.wait(seconds)

    def _arrived(self, names: str | Callable[[Call], bool]) -> list[Call]:
        return [call for call in self._seen if _fits(names, call)]


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Stand in front of the server at a base URL, in threads of this process."""
    proxy = FaultProxy(upstream)
    with running(_Server(proxy)) as proxy.url:
        try:
            yield proxy
        finally:
            proxy.release()


class _Server(Server):
    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(_Handler)
        self.proxy = proxy


class _Handler(Handler):
    """One client's connection, and one of its own to the upstream."""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self.proxy = self.server.proxy
        self.upstream = _connection(self.proxy.upstream)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def respond(self) -> None:
        """Forward the call or spoil it; where the upstream gives no answer, the connection ends without one."""
        self.call = Call(method=self.command, path=self.path, headers=self.headers, body=self.body())
        fault = self.proxy.arrive(self.call)
        self.call = replace(self.call, fault=fault)
        match fault:
            case None:
                self._give(self._forward())
            case Answer():
                self._give(fault)
            case Rewrite():
                self._give(fault.rewritten(self._forward()))
            case Hang():
                answer = self._forward()
                self.proxy.hold(fault.seconds)
                self._give(answer)
            case Cut():
                self.close_connection = True
                self._give(self._forward(), share=0.5)
            case Reset():
                self._reset(self._forward() if fault.after_forward else None)

    def _forward(self) -> Answer:
        answer = _forward(self.upstream, self.call)
        self.call = replace(self.call, forwarded=answer.status)
        return answer

    def _give(self, answer: Answer, share: float = 1.0) -> None:
        self.proxy.log.append(replace(self.call, answer=answer))
        self.send(answer, share=share)

    def _reset(self, lost: Answer | None) -> None:
        self.proxy.log.append(replace(self.call, answer=lost))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        os.close(self.connection.detach())  # an orderly shutdown would say FIN first
        self.close_connection = True


def _connection(upstream: str) -> HTTPConnection:
    """Prepare a connection, opened by its first call."""
    return HTTPConnection(urlsplit(upstream).netloc, timeout=PATIENCE)


def _forward(connection: HTTPConnection, call: Call) -> Answer:
    connection.putrequest(call.method, call.path, skip_host=True, skip_accept_encoding=True)
    for name, text in call.headers.items():
        if name.lower() not in HOP_BY_HOP | {"content-length"}:
            connection.putheader(name, text)
    if call.body or "Content-Length" in call.headers:
        connection.putheader("Content-Length", str(len(call.body)))
    connection.endheaders(call.body or None)
    answer = connection.getresponse()
    dropped = HOP_BY_HOP if call.method == "HEAD" else HOP_BY_HOP | {"content-length"}
    headers = tuple((name, text) for name, text in answer.getheaders() if name.lower() not in dropped)
    return Answer(status=answer.status, headers=headers, body=answer.read())


def _pages(connection: HTTPConnection, call: Call) -> Iterator[tuple[Key, Answer]]:
    """Ask for a listing from its first page to its last, and give each answer with the key of its request."""
    token = None
    while True:
        answer = _forward(connection, replace(call, body=_with_token(call.body, token)))
        yield _key(call, token), answer
        token = _next_token(answer.body)
        if token is None:
            return


def _key(call: Call, token: str | None) -> Key:
    return call.name, call.path, _with_token(call.body, token)


def _with_token(body: bytes, token: str | None) -> bytes:
    """Set or drop AWS's `NextToken` in a JSON body and sort it; any other body has no pages and stays."""
    document = _mapping(body)
    if document is None:
        return body
    document.pop("NextToken", None)
    return json.dumps(document | ({"NextToken": token} if token else {}), sort_keys=True).encode()


def _next_token(body: bytes) -> str | None:
    return (_mapping(body) or {}).get("NextToken")


def _mapping(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
