"""A project made by hand, without a manifest file: its secrets, its backends, its runs."""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.memory import STORES, MemoryBackend, MemoryStore

from syncer import crypto
from syncer.backends.local import LocalBackend
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.session import Session, Surroundings
from syncer.model import (
    DEFAULT_BACKEND,
    NO_ROTATION,
    Address,
    BackendSpec,
    Manifest,
    Observed,
    OnRemove,
    Origin,
    Scope,
    Secret,
    SourceSpec,
    StateSpec,
)
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.state.model import State, canonical
from syncer.testing.base import context

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Fingerprint, Move, Rotation
    from syncer.plans import Outcome, Plan

PROJECT = "shop"
KEY = b"k" * crypto.KEY_BYTES
NOW = datetime(2030, 1, 1, tzinfo=UTC)
ORIGIN = Origin(file="syncer.yaml", line=7)
GENERATE = SourceSpec(type="generate", argument={"type": "hex"}, options={}, folder=Path())


def env(name: str) -> SourceSpec:
    """Declare an environment variable as the source."""
    return SourceSpec(type="env", argument=name, options={}, folder=Path())


def secret(  # noqa: PLR0913  # what a manifest may say
    name: str,
    source: SourceSpec | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    enabled: bool = True,
    description: str = "",
    rotate: Rotation = NO_ROTATION,
    on_remove: OnRemove = OnRemove.DISABLE,
    backend: str = DEFAULT_BACKEND,
) -> Secret:
    """Declare the secret `scope:ref`; without a source, the variable `VALUE`."""
    return Secret(
        address=Address.parse(name),
        source=source or env("VALUE"),
        tags=tags or {},
        enabled=enabled,
        description=description,
        rotate=rotate,
        on_remove=on_remove,
        backend=backend,
        origin=ORIGIN,
    )


def fingerprint(value: bytes, name: str, like: Fingerprint | None = None) -> Fingerprint:
    """Fingerprint a value as the engine does."""
    key = crypto.derive(KEY, crypto.FINGERPRINTS)
    return crypto.fingerprint(key, Sensitive(value), Address.parse(name), like)


@dataclass
class House:
    """One project in a folder. Its backends are called `default`, `west` and, without a declaration, nothing else."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {"VALUE": "v1"})
    secrets: dict[Address, Secret] = field(default_factory=dict)
    moved: tuple[Move, ...] = ()
    removed: dict[Address, OnRemove] = field(default_factory=dict)
    backends: dict[str, dict[str, object]] = field(default_factory=lambda: {DEFAULT_BACKEND: {}, "west": {}})
    """Name to the options of a memory backend; `{"type": "local"}` for a local one."""
    wrap: Callable[[Backend], Backend] = lambda backend: backend
    """Stands between the engine and each backend."""
    now: datetime = NOW
    parallelism: int = 1
    slept: list[float] = field(default_factory=list)

    def declare(self, *secrets: Secret) -> None:
        """Put entries into the manifest."""
        self.secrets.update({each.address: each for each in secrets})

    def withdraw(self, *names: str) -> None:
        """Take entries out of the manifest."""
        for name in names:
            del self.secrets[Address.parse(name)]

    @property
    def manifest(self) -> Manifest:
        """The manifest as it stands."""
        told = [sorted(map(repr, self.secrets.values())), repr(self.moved), repr(self.removed)]
        scopes = {address.scope: each.backend for address, each in self.secrets.items()}
        return Manifest(
            path=self.folder / "syncer.yaml",
            project=PROJECT,
            backends={
                name: BackendSpec(name=name, type="memory", options=options, origin=ORIGIN)
                for name, options in self.backends.items()
            },
            state=StateSpec(),
            scopes={name: Scope(name=name, backend=backend) for name, backend in scopes.items()},
            secrets=dict(self.secrets),
            moved=self.moved,
            removed=dict(self.removed),
            digest=hashlib.sha256(canonical(told)).hexdigest(),
        )

    @property
    def surroundings(self) -> Surroundings:
        """A fixed key and clock, and a retry that does not wait."""
        return Surroundings(
            environ={"SYNCER_KEY": base64.b64encode(KEY).decode(), **self.environ},
            clock=lambda: self.now,
            retry=Retry(attempts=4, sleep=self.slept.append, jitter=lambda low, _high: low),
            parallelism=self.parallelism,
        )

    def open(self, name: str) -> Backend:
        """Open a backend on what is in it; the caller closes it."""
        told = context(self.folder, PROJECT, KEY)
        options = dict(self.backends[name])
        if options.pop("type", "memory") == "local":
            return LocalBackend.open({"path": f".syncer/{name}.db", **options}, told)
        return MemoryBackend.open({"name": name, **options}, told)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Start a run."""
        with HouseSession(self) as session:
            yield session

    def plan(self, request: Request | None = None) -> Plan:
        """Plan in a run of its own."""
        with self.session() as session:
            return make_plan(session, request or Request())

    def apply(self, plan: Plan | None = None, *, stop: threading.Event | None = None) -> Outcome:
        """Plan unless there is a plan, and apply, in one run under the lock."""
        with self.session() as session, session.lock("apply"):
            made = plan or make_plan(session, Request())
            return apply_plan(session, made, allow_mass_change=True, stop=stop)

    def state(self) -> State:
        """Read the state."""
        with self.session() as session:
            return session.state_store.read()

    def put_state(self, state: State) -> None:
        """Write the state by hand."""
        with self.session() as session:
            session.state_store.write(replace(state, lineage=state.lineage or "lineage"))

    def store(self, name: str = DEFAULT_BACKEND) -> MemoryStore:
        """What a memory backend holds."""
        return STORES.setdefault((self.folder, name), MemoryStore())

    def plant(self, name: str, value: bytes, *, backend: str = DEFAULT_BACKEND, **facts: object) -> Observed:
        """Put an entry into a memory backend behind our back; its version is the next of the store."""
        given = {"version": "", "tags": {}, "enabled": True, "description": "", "owner": PROJECT, **facts}
        entry = Observed(address=Address.parse(name), **given)  # type: ignore[arg-type]  # what a test says
        return self.store(backend).put(entry, Sensitive(value))

    def holds(self, name: str, value: bytes, backend: str = DEFAULT_BACKEND) -> bool:
        """Whether a memory backend holds exactly this value at the address."""
        held = self.store(backend).values.get(Address.parse(name))
        return held is not None and fingerprint(held.reveal(), name) == fingerprint(value, name)


class HouseSession(Session):
    """A session whose backends are those of the house."""

    def __init__(self, house: House) -> None:
        super().__init__(house.manifest, house.surroundings)
        self.house = house

    def backend(self, name: str) -> Backend:
        """Open a declared backend, once."""
        if name not in self._backends:
            self._backends[name] = self.house.wrap(self.house.open(name))
        return self._backends[name]

    def outline(self, name: str) -> Backend:
        """Open one that is not to be asked: the same, so that a test sees whether it was."""
        return self.backend(name)


def actions(changes: Iterable[object]) -> list[str]:
    """Name changes as `action(reason)`, in order."""
    return [f"{change.action}({change.reason})" for change in changes]  # type: ignore[attr-defined]


def days(number: int) -> timedelta:
    """Spell a span."""
    return timedelta(days=number)
