"""What the conformance tests stand on: the hooks for a backend's author, and how values are compared."""
# ruff: noqa: S101  # a suite asserts

from __future__ import annotations

import base64
import os
import traceback
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from syncer import crypto
from syncer.backends.base import Backend, BackendContext, Capability
from syncer.engine.credentials import ask
from syncer.errors import SyncerError
from syncer.model import DEFAULT_BACKEND, NO_ROTATION, Address, Observed, OnRemove, Origin, Secret, SourceSpec
from syncer.retry import Retry
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

PROJECT = "conformance"
OTHER_PROJECT = "somebody-else"

CANARY = b"canary-7f3a9c-never-print-me"
"""A value that must never show."""

PATIENT = Retry(base=0.01, cap=0.1)
"""Tries as often as a user's run, but does not wait as long."""

_KEY = os.urandom(crypto.KEY_BYTES)
_NOWHERE = Address("none", "none")


class ConformanceBase(ABC):
    """Subclass `BackendConformance`, set `type_name`, and give `open_backend` and `plant`; the rest is optional."""

    type_name: ClassVar[str] = ""
    """The type under which the registry knows the backend."""
    scopes: ClassVar[tuple[str, str]] = ("conformance", "conformance-two")
    """Two scopes that the store can hold."""
    many: ClassVar[int] = 250
    """Entries that are more than one page of the store."""
    marks_owner: ClassVar[bool] = True
    """Whether the store holds an owner mark."""
    max_value: ClassVar[int | None] = None
    """Bytes of the longest value that the store holds. None: it holds all that the suite has."""
    refuses: ClassVar[frozenset[bytes]] = frozenset()
    """Texts of the suite that the store cannot hold, short as they are."""

    @abstractmethod
    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open the backend as `project`; the same folder must lead to the same store. The suite closes it."""

    @abstractmethod
    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Put an entry into the store behind the backend's back, marked for `owner` or, with None, unmarked."""

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Give the value that the store holds; override where the backend cannot read."""
        return backend.read(address)

    def busy(self, backend: Backend) -> AbstractContextManager[None]:  # noqa: ARG002  # an override needs it
        """Make the store refuse every call as too busy while the context lasts; override where it can be."""
        pytest.skip("this store cannot be made busy")

    def ref(self, name: str) -> str:
        """Spell a ref of letters, digits and dashes as the store allows it."""
        return name

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        """The backend, opened for this test."""
        with self.opened(tmp_path) as backend:
            yield backend

    @contextmanager
    def opened(self, folder: Path, project: str = PROJECT) -> Iterator[Backend]:
        """Open the backend and close it at the end."""
        backend = self.open_backend(folder, project)
        try:
            yield backend
        finally:
            backend.close()

    def address(self, name: str = "db-password", scope: int = 0) -> Address:
        """Give an address in the first or second scope."""
        return Address(self.scopes[scope], self.ref(name))

    def everything(self, backend: Backend) -> dict[Address, Observed]:
        """Observe both scopes; an address must not come twice."""
        found = list(backend.observe(self.scopes, [self.address()]))
        by_address = {entry.address: entry for entry in found}
        assert len(by_address) == len(found), "an address was observed twice"
        return by_address

    def holds(self, backend: Backend, address: Address, value: bytes) -> bool:
        """Whether the store holds exactly these bytes."""
        return same(self.stored(backend, address), Sensitive(value))


def declared(address: Address, *, tags: Mapping[str, str] | None = None, description: str = "") -> Secret:
    """Declare a secret whose source is never asked."""
    return Secret(
        address=address,
        source=SourceSpec(type="env", argument="UNUSED", options={}, folder=Path()),
        tags=tags or {},
        enabled=True,
        description=description,
        rotate=NO_ROTATION,
        on_remove=OnRemove.DISABLE,
        backend=DEFAULT_BACKEND,
        origin=Origin(file="syncer.yaml", line=1),
    )


def context(
    folder: Path, project: str, key: bytes = b"k" * crypto.KEY_BYTES, environ: Mapping[str, str] | None = None
) -> BackendContext:
    """Give what a session would tell a backend, under a fixed key; without `environ`, with that of the process."""
    return BackendContext(
        project=project,
        folder=folder,
        subkey=lambda label: crypto.derive(key, label),
        key_id=lambda: crypto.key_id(key),
        has_key=lambda: True,
        environ=os.environ if environ is None else environ,
        retry=PATIENT,
        width=8,
        credential=lambda option, given: ask(
            option,
            given,
            folder=folder,
            project=project,
            environ=os.environ if environ is None else environ,
            subkey=lambda label: crypto.derive(key, label),
        ),
    )


def needs(backend: Backend, *capabilities: Capability) -> None:
    """Skip the test where the backend says that it cannot; that it then really cannot is a test of its own."""
    for capability in capabilities:
        if capability not in backend.capabilities:
            pytest.skip(f"{backend.type_name} does not claim {capability}")


def needs_one(backend: Backend, capabilities: Collection[Capability]) -> None:
    """Skip the test where the backend says that it can none of these."""
    if not backend.capabilities.intersection(capabilities):
        pytest.skip(f"{backend.type_name} claims none of {', '.join(sorted(capabilities))}")


def at(entry: Observed, address: Address, *, remote_id: str = "") -> Observed:
    """Give the same entry at another address."""
    return replace(entry, address=address, remote_id=remote_id)


def error_of(attempt: Callable[[], object]) -> object:
    """Give what an attempt returns, or the error that it raises."""
    try:
        return attempt()
    except SyncerError as error:
        return error


def same(one: Sensitive, other: Sensitive) -> bool:
    """Compare values by fingerprint, as all of the tool does."""
    return crypto.fingerprint(_KEY, one, _NOWHERE) == crypto.fingerprint(_KEY, other, _NOWHERE)


def assert_no_leak(canary: bytes, *things: object) -> None:
    """Fail where the canary, or a usual encoding of it, shows in the text of a thing or anywhere in an error.

    That is its traceback, its arguments and attributes, and those of every error that it came from, also where that
    one is not shown.
    """
    shapes = (canary.decode(), base64.b64encode(canary).decode(), canary.hex(), repr(canary)[2:-1])
    for thing in things:
        text = _all_of(thing) if isinstance(thing, BaseException) else f"{thing!r} {thing}"
        assert not any(shape in text for shape in shapes), f"a value shows in the text of a {type(thing).__name__}"


def _all_of(error: BaseException) -> str:
    texts = ["".join(traceback.format_exception(error))]
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            texts.append(f"{one!r} {one} {one.args!r} {vars(one)!r}")
            todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return "\n".join(texts)
