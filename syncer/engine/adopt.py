"""Takes what is there for known: unmanaged secrets under management, drift as accepted."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.engine import compare
from syncer.engine.guard import emptied
from syncer.engine.prepare import Request, check_selection, left_out, look_around, selector, since
from syncer.engine.readback import fingerprints, unread, unseen
from syncer.engine.refresh import look_again, source_digest
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound
from syncer.model import Origin
from syncer.plans import DriftKind, Plan
from syncer.state.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.engine.session import Session
    from syncer.model import Address, Fingerprint, Observed, Secret
    from syncer.plans import Drift, Selection
    from syncer.state.model import State


def find_drift(session: Session, selection: Selection, *, verify_values: bool = False) -> Plan:
    """Compare each record with what its backend says now: a plan without changes.

    No source is asked, and no value is read unless `verify_values` says so.
    """
    state = session.state_store.read()
    chosen = selector(selection)
    check_selection(selection, state.records)
    observed, backends = look_around(session, Request(selection=selection), state, chosen)
    outside = session.surroundings
    records = {address: record for address, record in state.records.items() if chosen(address)}
    actual = fingerprints(session, records, observed, backends, verify=verify_values)
    state, moved = since(session, state)
    busy = sorted(filter(chosen, moved))
    found = [
        drift
        for address, record in sorted(records.items())
        if address not in moved and record.backend in backends
        for drift in _drift(
            address,
            record,
            observed[record.backend].get(address),
            actual.get(address),
            backends[record.backend].capabilities,
        )
    ]
    return Plan(
        project=state.project,
        changes=(),
        drift=tuple(found),
        diagnostics=(
            *unseen(records.values(), backends),
            *(unread(records, observed, backends, actual) if verify_values else ()),
            *emptied(found, records.values()),
            *((left_out(len(busy)),) if busy else ()),
        ),
        unchecked=tuple(busy),
        origins=_origins(session, records),
        timestamp=outside.clock(),
        lineage=state.lineage,
        serial=state.serial,
        manifest_digest=session.manifest.digest,
        selection=selection,
        records=len(state.records),
        calls=session.calls(),
    )


def _origins(session: Session, addresses: Iterable[Address]) -> dict[Address, Origin]:
    """Tell where each is declared; what no longer is, stands for the manifest."""
    manifest = session.manifest
    nowhere = Origin(file=str(manifest.path), line=1)
    return {address: s.origin if (s := manifest.secrets.get(address)) else nowhere for address in addresses}


def _drift(
    address: Address,
    record: Record,
    there: Observed | None,
    actual: Fingerprint | None,
    capabilities: frozenset[Capability],
) -> Iterable[Drift]:
    """Give what differs; of somebody else's secret that came where ours was taken out, nothing is ours to accept."""
    if there is not None and compare.never_marked(record, there, capabilities):
        return ()
    return compare.drift(address, record, there, actual, versioned=Capability.VERSION_IN_LIST in capabilities)


def accept_drift(session: Session, report: Plan) -> State:
    """Write into state what was observed, so that it no longer counts as drift. Needs the lock.

    The next plan compares it with the manifest: a value that is not what the source yields is rotated again.
    """
    state = session.state_store.fold()
    puts: dict[Address, Record | None] = {}
    for drift in report.drift:
        record = puts[drift.address] if drift.address in puts else state.records.get(drift.address)
        if record is not None:
            puts[drift.address] = _accepted(session, drift, record)
    after = state.advance(puts, lineage=state.lineage or str(uuid.uuid4()))
    session.state_store.write(after)
    return after


def _accepted(session: Session, drift: Drift, record: Record) -> Record | None:
    match drift.kind:
        case DriftKind.MISSING:
            return None
        case DriftKind.TAGS:
            return replace(record, tags=drift.after)
        case DriftKind.ENABLED:
            return replace(record, enabled=drift.after)
        case DriftKind.DESCRIPTION:
            return replace(record, description=drift.after or None)
        case DriftKind.VALUE:
            return _accepted_value(session, drift, record)


def _accepted_value(session: Session, drift: Drift, record: Record) -> Record:
    by_version = drift.before == record.version
    fingerprint = _fingerprint(session, record.backend, drift.address, record.fingerprint)
    version = drift.after if by_version else record.version
    return replace(record, version=version, fingerprint=fingerprint, rotated=session.surroundings.clock())


def adopt(session: Session, addresses: Iterable[Address]) -> dict[Address, Record]:
    """Take declared secrets that are there already under management. Needs the lock.

    Where the backend lets us read, the value is fingerprinted, so that one which is right already stays; where it
    does not, the next plan rotates it. Raise InvalidConfiguration, NotFound: nothing is adopted then.
    """
    state = session.state_store.fold()
    wanted = frozenset(addresses)
    for address in sorted(wanted):
        _check_adoptable(session, state, address)
    observed, backends = look_around(session, Request(only=wanted), state, wanted.__contains__)
    outside = session.surroundings
    for name, backend in backends.items():
        if backend.listing_lags:  # and there is no record that could tell
            there = [address for address in sorted(wanted) if session.manifest.secrets[address].backend == name]
            look_again(backend, there, observed[name], outside.retry, outside.parallelism)
    adopted = {
        address: _adopted(session, session.manifest.secrets[address], observed, state.records.get(address))
        for address in sorted(wanted)
    }
    session.state_store.write(state.advance(dict(adopted), lineage=state.lineage or str(uuid.uuid4())))
    return adopted


def _check_adoptable(session: Session, state: State, address: Address) -> None:
    if address not in session.manifest.secrets:
        message = f"{address} is not in the manifest"
        raise InvalidConfiguration(message, hint="declare it first: its source, tags and scope")
    record = state.records.get(address)
    if record is not None and not _may_replace(session, address, record):
        message = f"{address} is under management already"
        raise InvalidConfiguration(message)


def _may_replace(session: Session, address: Address, record: Record) -> bool:
    """Whether a record does not know what is there: it is elsewhere, its create was cut off, or ours was taken out."""
    if record.backend != session.manifest.secrets[address].backend:
        return True
    removes = Capability.DISABLE_REMOVES in session.backend(record.backend).capabilities
    return (removes and not record.enabled) or (record.version is None and record.interrupted)


def _adopted(
    session: Session, secret: Secret, observed: Mapping[str, Mapping[Address, Observed]], replaced: Record | None
) -> Record:
    address = secret.address
    there = observed.get(secret.backend, {}).get(address)
    if there is None or there.deleted:
        message = f"{address} is not on backend `{secret.backend}`"
        raise NotFound(message, hint="a plan would create it; there is nothing to import")
    if there.owner not in (None, session.manifest.project):
        message = f"{address} belongs to project {there.owner}"
        raise InvalidConfiguration(message, hint="take it out of that project first")
    now = session.surroundings.clock()
    return Record(
        backend=secret.backend,
        remote_id=there.remote_id,
        version=there.version,
        fingerprint=_fingerprint(session, secret.backend, address, None),
        source=source_digest(secret.source),
        tags={},
        enabled=there.enabled,
        description=None,
        on_remove=secret.on_remove,
        rotation=secret.rotate.version,
        created=now,
        rotated=now,
        previous_backend=replaced.backend if replaced and replaced.backend != secret.backend else None,
    )


def _fingerprint(session: Session, name: str, address: Address, like: Fingerprint | None) -> Fingerprint | None:
    """Read the value and fingerprint it; None where we cannot or may not read."""
    backend = session.backend(name)
    if Capability.READ not in backend.capabilities:
        return None
    try:
        value = session.surroundings.retry.call(lambda: backend.read(address))
    except (AccessDenied, NotFound):  # there, but with nothing in it that is ours to read
        return None
    return crypto.fingerprint(session.keyring.subkey(crypto.FINGERPRINTS), value, address, like)
