"""A fake Kestra behind a proxy that spoils calls, and backends that go there."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from conformance.fakes.fault_proxy import Cut, Rewrite, Rule
from conformance.fakes.kestra.kestra import TOKEN
from conformance.fakes.kestra.kestra import Kestra as Fake
from conformance.fakes.kestra.quirks import Quirks
from support import PROJECT, House

from syncer.backends.kestra.backend import Kestra
from syncer.model import Address
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing.base import context, declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conformance.fakes.fault_proxy import Call, Fault, FaultProxy
    from conformance.fakes.kestra.records import Secret as Held
    from conformance.fakes.kestra.server import HttpServer

    from syncer.backends.base import Backend
    from syncer.model import Observed

TEAM = "company.team"
DB = Address(TEAM, "prod/db")
KEY = "PROD_DB"
"""What Kestra calls it."""
LIST, PUT, PATCH, DELETE = (
    "GET /secrets",
    f"PUT /namespaces/{TEAM}/secrets",
    f"PATCH /namespaces/{TEAM}/secrets/{KEY}",
    f"DELETE /namespaces/{TEAM}/secrets/{KEY}",
)
OURS = {"syncer-project": PROJECT, "syncer-address": str(DB)}
ROOT = "/api/v1/main"


class Served(Fake):
    """A Kestra that answers at a socket from now on, in the place of the one before it."""

    def __init__(self, http: HttpServer, auth: str = "token", tenant: str = "main", version: str = "2.0") -> None:
        super().__init__(auth, tenant, version=version, quirks=Quirks())
        self.http = http
        http.kestra = self

    @property
    def root(self) -> str:
        """The path that everything of the tenant stands below."""
        return f"/api/v1/{self.tenant}".rstrip("/")


@dataclass
class Bench:
    """One server, and every backend that a test opened on it."""

    folder: Path
    fake: Served
    proxy: FaultProxy
    stack: ExitStack = field(default_factory=ExitStack)
    slept: list[float] = field(default_factory=list)

    def serve(self, auth: str = "token", tenant: str = "main", version: str = "2.0") -> None:
        """Put another server in the place of this one."""
        self.fake = Served(self.fake.http, auth, tenant, version)

    def open(
        self,
        project: str = PROJECT,
        *,
        key: str = TOKEN,
        width: int = 4,
        attempts: int = 3,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Kestra:
        """Open a backend, through the proxy; with a token for everything unless the options say otherwise."""
        told = context(self.folder, project, environ={"KESTRA_TOKEN": key, **(environ or {})})
        patient = Retry(attempts=attempts, patience=attempts, sleep=self.slept.append, jitter=lambda low, _high: low)
        given = {"url": self.proxy.url, "token": {"env": "KESTRA_TOKEN"}, "tenant": self.fake.tenant, **options}
        kept = {name: option for name, option in given.items() if option is not None}
        backend = Kestra.open(kept, replace(told, width=width, retry=patient))
        self.stack.callback(backend.close)
        return backend

    def create(self, backend: Backend, value: bytes = b"v1", address: Address = DB, **facts: Any) -> Observed:
        """Create a secret."""
        return backend.create(declared(address, **facts), Sensitive(value))

    def spoil(self, calls: str, fault: Fault, times: int | None = None, after: int = 0) -> None:
        """Have calls below the tenant's root answered so instead."""
        method, _, path = calls.partition(" ")
        self.proxy.set(Rule(fault=fault, calls=f"{method} {self.fake.root}{path}", times=times, after=after))

    def rewrite(self, calls: str, function: Callable[[Any], Any], times: int | None = None, after: int = 0) -> None:
        """Have the documents of answers changed."""
        self.spoil(calls, Rewrite(function), times, after)

    def after(self, calls: str, action: Callable[[], object], times: int = 1) -> None:
        """Do something after calls that fit a glob, as the next one arrives, before the server hears of it."""
        passed: list[bool] = []
        done: list[object] = []

        def arrived(call: Call) -> bool:
            if passed and len(done) < times:
                passed.clear()
                done.append(action())
            if fnmatchcase(call.name, calls):
                passed.append(True)
            return False

        self.proxy.set(Rule(fault=Cut(), calls=arrived))

    def calls(self) -> list[str]:
        """Name the calls that were made since last asked, less the tenant's root."""
        names = [call.name.replace(f" {self.fake.root}/", " /", 1) for call in self.proxy.log]
        self.proxy.log.clear()
        return names

    def writes(self) -> list[str]:
        """Name the writes that were made since last asked."""
        return [name for name in self.calls() if not name.startswith("GET ")]

    def plant(self, key: str = KEY, value: str = "theirs", namespace: str = TEAM, **facts: Any) -> None:
        """Write a secret behind our back."""
        self.fake.plant(namespace, key, value, **facts)

    def held(self, key: str = KEY, namespace: str = TEAM) -> Held:
        """Give what the server holds, which must be there."""
        found = self.fake.secret(namespace, key)
        assert found, (namespace, key)
        return found

    def tags(self, key: str = KEY, namespace: str = TEAM) -> dict[str, str]:
        """Give the tags that the server holds."""
        return dict(self.held(key, namespace).tags)

    def house(self, **options: Any) -> House:
        """Give a project whose runs go to the server."""
        return House(self.folder, wrap=lambda _memory: self.open(**options))


def seen(backend: Backend, *scopes: str, asked: tuple[Address, ...] = ()) -> dict[str, Observed]:
    """Observe, by address; none must come twice."""
    found = list(backend.observe(scopes or (TEAM,), asked))
    by_address = {str(entry.address): entry for entry in found}
    assert len(by_address) == len(found)
    return by_address
