"""Reads values back and fingerprints them: all when asked to, else those whose version may mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.errors import AccessDenied, NotFound
from syncer.parallel import run
from syncer.plans import Diagnostic, Severity
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.backends.base import Backend
    from syncer.engine.refresh import Observations
    from syncer.engine.session import Session
    from syncer.errors import SyncerError
    from syncer.model import Address, Fingerprint, Observed
    from syncer.state.model import Record

Records = dict["Address", "Record"]


def unseen(records: Iterable[Record], backends: Mapping[str, Backend]) -> Iterator[Diagnostic]:
    """Note each backend that shows neither values nor versions, so that nobody can tell whether somebody was there."""
    for name in sorted({record.backend for record in records} & backends.keys()):
        if not {Capability.READ, Capability.VERSION_IN_LIST} & backends[name].capabilities:
            message = (
                f"backend `{name}` shows neither values nor versions: a value that somebody changed there is not seen, "
                "and rotation goes by the fingerprint of what was written"
            )
            yield Diagnostic(severity=Severity.NOTE, code="values_not_seen", message=message)


def unread(
    records: Records, observed: Observations, backends: Mapping[str, Backend], found: Mapping[Address, Fingerprint]
) -> Iterator[Diagnostic]:
    """Warn of each value that was to be verified and could not be read, and of each backend that gives none back."""
    for name in sorted({record.backend for record in records.values()} & backends.keys()):
        if Capability.READ not in backends[name].capabilities:
            message = f"backend `{name}` does not give values back, so none of them was verified"
            yield Diagnostic(severity=Severity.WARNING, code="not_verified", message=message)
    for address, record in sorted(records.items()):
        backend = backends.get(record.backend)
        seen = observed.get(record.backend, {}).get(address)
        if backend is not None and readable(backend, seen) and address not in found:
            message = "its value could not be read back, so only its version was compared"
            yield Diagnostic(severity=Severity.WARNING, code="not_verified", message=message, address=address)


def fingerprints(
    session: Session, records: Records, observed: Observations, backends: Mapping[str, Backend], *, verify: bool
) -> dict[Address, Fingerprint]:
    """Fingerprint what the backends hold under the records' salts: all of it, or what only reading can tell.

    With `verify`, raise AccessDenied where a value may not be read. Without, that one stays as its version says.
    """
    found: dict[Address, Fingerprint] = {}
    for name, backend in backends.items():
        there = observed.get(name, {})
        wanted = {
            address: record
            for address, record in records.items()
            if record.backend == name and readable(backend, there.get(address))
        }
        if not verify:
            wanted = {a: record for a, record in wanted.items() if _misleading(backend, record, there[a])}
        # Nobody but we ourselves may be denied a disabled one: whoever heeds the mark denies it to all.
        denied = {a for a in wanted if not (verify and there[a].enabled)}
        found.update(_read(session, backend, wanted, denied))
    return found


def readable(backend: Backend, seen: Observed | None) -> bool:
    """Whether the backend gives the value of what is there back, to whoever has the right."""
    can = backend.capabilities
    return (
        Capability.READ in can
        and seen is not None
        and not seen.deleted
        and (seen.enabled or Capability.READ_DISABLED in can)
    )


def _misleading(backend: Backend, record: Record, seen: Observed) -> bool:
    """Whether the version moved, and perhaps for the sake of what somebody else keeps there."""
    return backend.version_is_shared and seen.version != record.version and record.fingerprint is not None


def _read(
    session: Session, backend: Backend, records: Records, may_be_denied: set[Address]
) -> Iterator[tuple[Address, Fingerprint]]:
    if not records:
        return
    key = session.keyring.subkey(crypto.FINGERPRINTS)
    for address, value in read_each(session, backend, records):
        if isinstance(value, Sensitive):
            yield address, crypto.fingerprint(key, value, address, records[address].fingerprint)
        elif isinstance(value, AccessDenied) and address not in may_be_denied:
            raise value


NOT_TO_BE_HAD = (AccessDenied, NotFound)
"""Errors about one value that say nothing of the others."""


def read_each(
    session: Session,
    backend: Backend,
    addresses: Iterable[Address],
    *,
    spared: tuple[type[SyncerError], ...] = NOT_TO_BE_HAD,
) -> Iterator[tuple[Address, Sensitive | SyncerError]]:
    """Give the value at each address, in batches side by side, and the error in its place where that is `spared`.

    Other errors are raised, after the tries that the session allows.
    """
    outside = session.surroundings

    def batch(some: list[Address]) -> list[tuple[Address, Sensitive | SyncerError]]:
        try:
            return list(outside.retry.call(lambda: list(backend.read_many(some))))
        except spared as error:
            if len(some) == 1:
                return [(some[0], error)]
        # One may not be read, holds no value or no longer is: the others are read without it.
        return [found for one in some for found in batch([one])]

    wanted = sorted(addresses)
    batches = [wanted[start : start + backend.batch] for start in range(0, len(wanted), backend.batch)]
    for found in run(batch, batches, min(outside.parallelism, backend.concurrency)):
        yield from found
