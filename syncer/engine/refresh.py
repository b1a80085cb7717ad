"""Resolve sources and observe backends: everything a plan needs to know, read and never written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.engine import compare
from syncer.errors import AccessDenied, SourceError, SyncerError, Unsupported
from syncer.model import Desired, Observed
from syncer.parallel import run
from syncer.plans import Action, Diagnostic, Severity, Values
from syncer.registry import source_class
from syncer.sources.base import SourceContext
from syncer.state.model import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Address, Fingerprint, Secret, SourceSpec
    from syncer.plans import Change
    from syncer.retry import Retry
    from syncer.sensitive import Sensitive
    from syncer.sources.base import Source
    from syncer.state.model import Record, State

Like = Callable[["Address"], "Fingerprint | None"]
"""The fingerprint on record whose salt the next one of an address must share, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Turns declarations into desired values, or into declarations only where values are skipped."""

    project: str
    environ: Mapping[str, str]
    subkey: Callable[[str], bytes]
    backend: Callable[[str], Backend]
    """By name, opened when first asked: it says in which form it will give a value back."""

    def resolve(self, secrets: Iterable[Secret], like: Like, values: Values, width: int) -> dict[Address, Desired]:
        """Give what is desired of each address. Raise SourceError that names every source without a value."""
        if values is Values.SKIPPED:
            return {secret.address: _declared(secret) for secret in secrets}
        key = self.subkey(crypto.FINGERPRINTS)
        desired: dict[Address, Desired] = {}
        errors: list[tuple[Address, str]] = []
        blocking: list[tuple[Secret, Source]] = []
        for secret in secrets:
            source = _open(secret.source)
            if source.made_at_apply:
                desired[secret.address] = _declared(secret)
            elif source.blocking:
                blocking.append((secret, source))
            else:
                self._note(self._one(key, secret, source, like), desired, errors)
        for found in run(lambda pair: self._one(key, *pair, like), blocking, width):
            self._note(found, desired, errors)
        if errors:
            raise SourceError("\n".join(text for _, text in sorted(errors)), hint="nothing was written")
        return desired

    def value(self, secret: Secret) -> Sensitive:
        """Ask the source once. Raise SourceError."""
        return self._shaped(secret, _open(secret.source))

    def _shaped(self, secret: Secret, source: Source) -> Sensitive:
        return self.backend(secret.backend).shape(secret, source.resolve(self._context(secret.address)))

    def _context(self, address: Address) -> SourceContext:
        return SourceContext(self.project, address, self.environ, self.subkey)

    def _one(self, key: bytes, secret: Secret, source: Source, like: Like) -> Desired | tuple[Address, str]:
        try:
            value = self._shaped(secret, source)
        except SyncerError as error:
            return secret.address, f"{secret.address}: {error.message} ({secret.origin})"
        address = secret.address
        return Desired(secret=secret, value=value, fingerprint=crypto.fingerprint(key, value, address, like(address)))

    @staticmethod
    def _note(
        found: Desired | tuple[Address, str], desired: dict[Address, Desired], errors: list[tuple[Address, str]]
    ) -> None:
        if isinstance(found, Desired):
            desired[found.secret.address] = found
        else:
            errors.append(found)


def source_digest(spec: SourceSpec) -> str:
    """Digest a declaration, which holds no value: `type:hash`."""
    declaration = canonical([spec.type, spec.argument, dict(spec.options)])
    return f"{spec.type}:{hashlib.sha256(declaration).hexdigest()[:32]}"


def _declared(secret: Secret) -> Desired:
    at_apply = source_class(secret.source.type).made_at_apply
    return Desired(secret=secret, source_digest=source_digest(secret.source), made_at_apply=at_apply)


def _open(spec: SourceSpec) -> Source:
    return source_class(spec.type)(spec)


Observations = dict[str, dict["Address", Observed]]
"""By the name of the backend, then by address."""


def observe(
    backends: Mapping[str, Backend], wanted: Mapping[str, set[Address]], state: State, retry: Retry, width: int
) -> Observations:
    """Ask each backend for the scopes that hold what is wanted, backends side by side."""

    def ask(name: str) -> tuple[str, dict[Address, Observed]]:
        addresses, backend = wanted[name], backends[name]
        scopes = sorted({address.scope for address in addresses})
        backend.recall(_recorded(state, name))
        found = {seen.address: seen for seen in retry.call(lambda: list(backend.observe(scopes, addresses)))}
        if backend.listing_lags:
            doubtful = [a for a in sorted(addresses) if _doubtful(state, name, a, found.get(a))]
            look_again(backend, doubtful, found, retry, width)
        if Capability.DISABLE_REMOVES in backend.capabilities:
            found |= _taken_out(state, name, addresses - found.keys())
        return name, found

    return dict(run(ask, [name for name, addresses in wanted.items() if addresses], width))


def _doubtful(state: State, backend: str, address: Address, seen: Observed | None) -> bool:
    """Whether a listing says something else than we know: it may not show yet what we did a moment ago."""
    record = state.records.get(address)
    if record is None or record.backend != backend:
        return seen is not None and seen.owner == state.project
    # A mark that is missing may be one that we have just set.
    unmarked = seen is not None and seen.owner is None
    return unmarked or record.interrupted or any(compare.drift(address, record, seen, None, versioned=True))


def look_again(
    backend: Backend, doubtful: list[Address], found: dict[Address, Observed], retry: Retry, width: int
) -> None:
    """Put what is there now in the place of what the listing said; where we may not look, its word stands."""

    def look(address: Address) -> Observed | None:
        try:
            return retry.call(lambda: backend.look(address))
        except AccessDenied:
            return found.get(address)

    for address, seen in zip(doubtful, run(look, doubtful, min(width, backend.concurrency)), strict=True):
        found.pop(address, None)
        if seen is not None:
            found[address] = seen


def _recorded(state: State, backend: str) -> Iterator[tuple[str, str]]:
    records = (record for record in state.records.values() if record.backend == backend)
    return ((record.remote_id, record.version) for record in records if record.version is not None)


def _taken_out(state: State, backend: str, absent: set[Address]) -> dict[Address, Observed]:
    """Give what is absent because it is disabled: all that such a store knows of it is what we remember."""
    known = ((address, state.records.get(address)) for address in absent)
    return {
        address: _as_recorded(address, record, state.project)
        for address, record in known
        if record is not None and record.backend == backend and not record.enabled
    }


def remembered(state: State) -> Observations:
    """Take the records for what is there, without asking anybody."""
    found: Observations = defaultdict(dict)
    for address, record in state.records.items():
        seen = _as_recorded(address, record, state.project)
        found[record.backend][address] = seen
        if record.previous_backend is not None:
            found[record.previous_backend][address] = seen
    return found


def _as_recorded(address: Address, record: Record, owner: str) -> Observed:
    return Observed(
        address=address,
        version=record.version or "",
        tags=record.tags,
        enabled=record.enabled,
        description=record.description,
        owner=owner,
        remote_id=record.remote_id,
    )


def unsupported(
    desired: Iterable[Desired], backends: Mapping[str, Backend], others: Iterable[Secret]
) -> list[Diagnostic]:
    """Find the declared secrets and resolved values that their backend cannot hold.

    The `others`, which the plan is not about, are shown to their backends first: what is planned must not clash.
    """
    for secret in others:
        with suppress(SyncerError):
            backends[secret.backend].check(secret)
    found = []
    for wanted in desired:
        secret = wanted.secret
        backend = backends[secret.backend]
        try:
            backend.check(secret)
            if wanted.value is not None:
                backend.check_value(secret, wanted.value)
        except SyncerError as error:
            found.append(_unsupported(secret, error))
    return found


def unready(changes: Iterable[Change], backends: Mapping[str, Backend], retry: Retry) -> list[Diagnostic]:
    """Find the secrets that are to be created in a scope that takes none, such as one that is not there."""
    waiting: dict[tuple[str, str], list[Secret]] = defaultdict(list)
    for change in changes:
        if change.action is Action.CREATE and change.secret is not None:
            waiting[change.backend, change.address.scope].append(change.secret)
    found = []
    for (name, scope), secrets in waiting.items():
        try:
            retry.call(partial(backends[name].check_scope, scope))
        except Unsupported as error:
            found += [_unsupported(secret, error) for secret in secrets]
    return found


def _unsupported(secret: Secret, error: SyncerError) -> Diagnostic:
    return Diagnostic(
        severity=Severity.ERROR,
        code="unsupported",
        message=error.message,
        address=secret.address,
        hint=error.hint,
        origin=secret.origin,
    )
