"""Opens what a run needs, when it needs it, and closes it at the end."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from syncer.backends.base import Backend, BackendContext
from syncer.engine.credentials import ask
from syncer.engine.refresh import Resolver
from syncer.errors import InvalidConfiguration
from syncer.model import DEFAULT_BACKEND
from syncer.registry import backend_class, source_class
from syncer.retry import DEFAULT, Retry
from syncer.state.key import Keyring
from syncer.state.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from syncer.model import BackendSpec, Manifest
    from syncer.plans import Calls
    from syncer.sensitive import Sensitive
    from syncer.state.lock import Holder
    from syncer.state.store import StateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run takes from outside the manifest."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Looked up as needed: to copy ten thousand variables takes longer than to read those that are used."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0)
    retry: Retry = DEFAULT
    parallelism: int = 10
    """Addresses, sources or backends at once."""
    open_backend: Callable[[BackendSpec, BackendContext], Backend] = lambda spec, context: backend_class(
        spec.type
    ).open(spec.options, context)
    """Makes the backends that the manifest declares; a test of one backend gives its own."""
    key_made: Callable[[Path], None] = lambda _path: None
    """Told of a project key that was made because there was none."""
    lock_news: Callable[[str], None] = lambda _news: None
    """Told, in words for people, of a lock that was taken over from a run that is gone, or that could not be let go."""


class Session:
    """One run over one manifest. A context manager; leaving it closes the backends."""

    def __init__(self, manifest: Manifest, surroundings: Surroundings | None = None) -> None:
        self.manifest = manifest
        self.surroundings = surroundings or Surroundings()
        self._backends: dict[str, Backend] = {}
        self._outlines: dict[str, Backend] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:  # the others too where one cannot be closed
            for backend in self._backends.values():
                stack.callback(backend.close)

    @cached_property
    def keyring(self) -> Keyring:
        """The project key, found or made when first asked."""
        outside = self.surroundings
        return Keyring(outside.environ, self.manifest.folder, may_make=self._may_make_key, announce=outside.key_made)

    @cached_property
    def state_store(self) -> StateStore:
        """The state as declared."""
        outside = self.surroundings
        return open_store(
            self.manifest, self.keyring, environ=outside.environ, retry=outside.retry, tell=outside.lock_news
        )

    @cached_property
    def resolver(self) -> Resolver:
        """Asks the sources."""
        return Resolver(
            project=self.manifest.project,
            environ=self.surroundings.environ,
            subkey=self.keyring.subkey,
            backend=self.backend,
        )

    def backend(self, name: str) -> Backend:
        """Open a declared backend, once. Raise InvalidConfiguration."""
        if name not in self._backends:
            self._backends[name] = self._opened(name, self.context())
        return self._backends[name]

    def outline(self, name: str) -> Backend:
        """Give a declared backend that knows what its options say and is never asked: it needs no credential.

        Raise InvalidConfiguration.
        """
        if name not in self._outlines:
            self._outlines[name] = self._opened(name, replace(self.context(), offline=True))
        return self._outlines[name]

    def _opened(self, name: str, context: BackendContext) -> Backend:
        spec = self.manifest.backends[name]
        try:
            return self.surroundings.open_backend(spec, context)
        except InvalidConfiguration as error:
            message = f"{spec.origin}: backend `{name}`: {error.message}"
            raise InvalidConfiguration(message, hint=error.hint) from None

    def context(self) -> BackendContext:
        """Give what a backend may ask of what is around it."""
        return BackendContext(
            project=self.manifest.project,
            folder=self.manifest.folder,
            subkey=self.keyring.subkey,
            key_id=self.keyring.key_id,
            has_key=lambda: self.keyring.present,
            environ=self.surroundings.environ,
            retry=self.surroundings.retry,
            width=self.surroundings.parallelism,
            credential=self._credential,
        )

    def _credential(self, option: str, given: Mapping[str, Any]) -> Sensitive:
        return ask(
            option,
            given,
            folder=self.manifest.folder,
            project=self.manifest.project,
            environ=self.surroundings.environ,
            subkey=self.keyring.subkey,
        )

    def calls(self) -> dict[str, Calls]:
        """What was asked of each backend so far."""
        return {name: backend.meter.total for name, backend in sorted((self._outlines | self._backends).items())}

    def lock(
        self, operation: str, *, timeout: float = 0.0, waiting: Callable[[Holder], None] = lambda _holder: None
    ) -> AbstractContextManager[object]:
        """Give the lock of the state, to be entered; `timeout` in seconds."""
        outside = self.surroundings
        return self.state_store.lock(
            operation, now=outside.clock(), timeout=timeout, waiting=waiting, retry=outside.retry
        )

    def _may_make_key(self) -> bool:
        """Whether a new key opens all that is there, and a backend in use has a need of it."""
        secrets = self.manifest.secrets.values()
        kinds = {secret.source.type for secret in secrets}
        if self.state_store.exists or any(source_class(kind).opened_by_key for kind in kinds):
            return False
        takes = {name: self.backend(name).takes_new_key() for name in self.manifest.backends}
        used = {secret.backend for secret in secrets} or {DEFAULT_BACKEND}
        return False not in takes.values() and any(takes[name] for name in used)
