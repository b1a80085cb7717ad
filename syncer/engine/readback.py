"""Reads values back and fingerprints them: all when asked to, else those whose version may mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.errors import AccessDenied, NotFound
from syncer.parallel import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.backends.base import Backend
    from syncer.engine.refresh import Observations
    from syncer.engine.session import Session
    from syncer.model import Address, Fingerprint, Observed
    from syncer.state.model import Record

Records = dict["Address", "Record"]


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
            if record.backend == name and _readable(backend, there.get(address))
        }
        if not verify:
            wanted = {a: record for a, record in wanted.items() if _misleading(backend, record, there[a])}
        found.update(_read(session, backend, wanted, forgiving=not verify))
    return found


def _readable(backend: Backend, seen: Observed | None) -> bool:
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
    session: Session, backend: Backend, records: Records, *, forgiving: bool
) -> Iterator[tuple[Address, Fingerprint]]:
    if not records:
        return
    outside = session.surroundings
    key = session.keyring.subkey(crypto.FINGERPRINTS)

    def batch(addresses: list[Address]) -> list[tuple[Address, Fingerprint]]:
        try:
            values = outside.retry.call(lambda: list(backend.read_many(addresses)))
        except AccessDenied:
            if not forgiving:
                raise
            return []
        except NotFound:
            # One holds no value, or no longer is: its version tells, and the others are read without it.
            return [] if len(addresses) == 1 else [found for one in addresses for found in batch([one])]
        return [(a, crypto.fingerprint(key, value, a, records[a].fingerprint)) for a, value in values]

    addresses = sorted(records)
    batches = [addresses[start : start + backend.batch] for start in range(0, len(addresses), backend.batch)]
    for some in run(batch, batches, min(outside.parallelism, backend.concurrency)):
        yield from some
