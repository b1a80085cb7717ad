"""Resolve sources and observe backends: everything a plan needs to know, read and never written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.engine.parallel import run
from syncer.errors import SourceError, SyncerError
from syncer.model import Desired, Observed
from syncer.plans import Diagnostic, Severity, Values
from syncer.registry import source_class
from syncer.sources.base import SourceContext
from syncer.state.model import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.backends.base import Backend
    from syncer.model import Address, Fingerprint, Secret, SourceSpec
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
        return _open(secret.source).resolve(self._context(secret.address))

    def _context(self, address: Address) -> SourceContext:
        return SourceContext(self.project, address, self.environ, self.subkey)

    def _one(self, key: bytes, secret: Secret, source: Source, like: Like) -> Desired | tuple[Address, str]:
        try:
            value = source.resolve(self._context(secret.address))
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
    backends: Mapping[str, Backend], wanted: Mapping[str, set[Address]], retry: Retry, width: int
) -> Observations:
    """Ask each backend for the scopes that hold what is wanted, backends side by side."""

    def ask(name: str) -> tuple[str, dict[Address, Observed]]:
        addresses = wanted[name]
        scopes = sorted({address.scope for address in addresses})
        found = retry.call(lambda: list(backends[name].observe(scopes, addresses)))
        return name, {observed.address: observed for observed in found}

    return dict(run(ask, [name for name, addresses in wanted.items() if addresses], width))


def remembered(state: State) -> Observations:
    """Take the records for what is there, without asking anybody."""
    found: Observations = defaultdict(dict)
    for address, record in state.records.items():
        seen = Observed(
            address=address,
            version=record.version or "",
            tags=record.tags,
            enabled=record.enabled,
            description=record.description,
            owner=state.project,
            remote_id=record.remote_id,
        )
        found[record.backend][address] = seen
        if record.previous_backend is not None:
            found[record.previous_backend][address] = seen
    return found


def read_back(
    backends: Mapping[str, Backend],
    records: Mapping[Address, Record],
    observed: Observations,
    key: bytes,
    context: tuple[Retry, int],
) -> dict[Address, Fingerprint]:
    """Read the values that are on record and there, and fingerprint them under the records' salts."""
    retry, width = context

    def fingerprint(address: Address) -> tuple[Address, Fingerprint]:
        record = records[address]
        value = retry.call(lambda: backends[record.backend].read(address))
        return address, crypto.fingerprint(key, value, address, record.fingerprint)

    present = [
        address
        for address, record in records.items()
        if record.backend in backends
        and Capability.READ in backends[record.backend].capabilities
        and (seen := observed.get(record.backend, {}).get(address)) is not None
        and not seen.deleted
    ]
    width = min([width, *(backends[records[address].backend].concurrency for address in present)])
    return dict(run(fingerprint, present, width))


def unsupported(desired: Iterable[Desired], backends: Mapping[str, Backend]) -> list[Diagnostic]:
    """Find the declared secrets and resolved values that their backend cannot hold."""
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


def _unsupported(secret: Secret, error: SyncerError) -> Diagnostic:
    return Diagnostic(
        severity=Severity.ERROR,
        code="unsupported",
        message=error.message,
        address=secret.address,
        hint=error.hint,
        origin=secret.origin,
    )
