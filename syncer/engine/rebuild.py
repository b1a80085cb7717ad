"""Makes a lost state again: what bears the project's mark is on record once more, its value proven where it can be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer import crypto
from syncer.backends.base import Capability
from syncer.engine.marked import look_for_marks
from syncer.engine.readback import NOT_TO_BE_HAD, read_each, readable
from syncer.engine.refresh import source_digest
from syncer.engine.standing import Found, Standing, judged, passed
from syncer.errors import AccessDenied, Corrupt, NotFound, SourceError, StateError
from syncer.model import Fingerprint, OnRemove
from syncer.parallel import run
from syncer.plans import Values
from syncer.registry import source_class
from syncer.sensitive import Sensitive
from syncer.state.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.engine.marked import Marked, Places
    from syncer.engine.session import Session
    from syncer.errors import SyncerError
    from syncer.model import Address, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a new state would hold, and what it would not."""

    found: tuple[Found, ...]
    """By address."""
    passed: tuple[tuple[Address, str], ...]
    """Declared, there and not taken, or ours and pending deletion; and why."""
    others: int
    """How many entries beside them are somebody else's, undeclared."""
    skipped: Mapping[str, str]
    """Backends that could not be asked for copies of what is on another one, and why."""

    def number(self, standing: Standing) -> int:
        """Count those of whom so much is known."""
        return sum(each.standing is standing for each in self.found)

    @property
    def withdrawn(self) -> int:
        """How many the next plan takes away from consumers."""
        return sum(each.withdrawn for each in self.found)


def rebuild(session: Session, *, read: bool = True, declared_only: bool = False) -> Rebuilt:
    """Find what a lost state held; nothing is written. Needs the lock.

    With `read`, values are read where they may be, and compared with what their sources yield. Raise StateError where
    there is a state, NotFound where nothing bears the project's mark.
    """
    check_lost(session)
    # Declared first: a backend may look for what is said there.
    declared = {a: session.backend(each.backend).declare(each) for a, each in session.manifest.secrets.items()}
    marked = look_for_marks(session)
    heirs = _heirs(session, declared, marked)
    if declared_only:
        marked.ours = {address: places for address, places in marked.ours.items() if address in heirs}
    if not marked.ours:
        message = f"nothing on the backends bears the mark of project {session.manifest.project}"
        hint = "is it the right account, region, address, path? `syncer import` takes what nobody marked"
        raise NotFound(message, hint=hint)
    values = _read(session, marked, heirs) if read else {}
    doubts = _compare(session, heirs, values)
    found = []
    for address, places in sorted(marked.ours.items()):
        secret = heirs.get(address)
        record = _record(session, secret, places, values.get(address))
        doubt = doubts.get(address) or _unknown(values.get(address))
        found.append(judged(session, record, secret, places, doubt))
    return Rebuilt(
        found=tuple(found),
        passed=tuple(passed(session, marked)),
        others=sum(there.seen.address not in declared for there in marked.foreign),
        skipped=marked.skipped,
    )


def write_rebuilt(session: Session, rebuilt: Rebuilt) -> State:
    """Write what was found as a new state with a history of its own. Needs the lock. Raise StateError."""
    check_lost(session)
    records = {each.address: each.record for each in rebuilt.found}
    after = State(project=session.manifest.project).advance(records, lineage=str(uuid.uuid4()))
    session.state_store.write(after)
    return after


def check_lost(session: Session) -> None:
    """Raise StateError where there is a state, be it of use or not: none is ever replaced."""
    store = session.state_store
    if not store.exists:
        return
    try:
        store.read()
    except StateError as error:
        reason = error.message
    else:
        message = "there is a state; nothing to rebuild"
        raise StateError(message, hint="`syncer plan` shows what is to be done, `syncer import` takes what it lacks")
    spec = session.manifest.state
    away = f"delete branch {spec.branch}" if spec.in_branch else f"move {spec.path} and its journal away"
    message = f"there is a state, and it is of no use: {reason}"
    raise StateError(message, hint=f"put an older one back, or {away} and rebuild")


def _heirs(session: Session, declared: Mapping[Address, Secret], marked: Marked) -> dict[Address, Secret]:
    """Give the declaration behind each address: its own, or that of the name which it is still to move to."""
    moved = (move for move in session.manifest.moved if move.target not in marked.ours)
    return {**{move.source: declared[move.target] for move in moved}, **declared}


_Values = dict["Address", "Fingerprint | str"]
"""What a value is, or why that is not known."""


def _read(session: Session, marked: Marked, heirs: Mapping[Address, Secret]) -> _Values:
    wanted: dict[str, list[Address]] = defaultdict(list)
    found: _Values = {}
    for address in heirs.keys() & marked.ours.keys():
        there = marked.ours[address].first
        backend = session.backend(there.backend)
        if readable(backend, there.seen):
            wanted[there.backend].append(address)
        elif Capability.READ in backend.capabilities:
            found[address] = "it is disabled, and its backend shows no such value"
        else:
            found[address] = f"backend `{there.backend}` does not give values back"
    key = session.keyring.subkey(crypto.FINGERPRINTS)
    for name, addresses in wanted.items():
        for address, value in read_each(session, session.backend(name), addresses, spared=(*NOT_TO_BE_HAD, Corrupt)):
            found[address] = crypto.fingerprint(key, value, address) if isinstance(value, Sensitive) else _reason(value)
    return found


def _reason(error: SyncerError) -> str:
    if isinstance(error, AccessDenied):
        return "its value may not be read"
    return "its value is damaged" if isinstance(error, Corrupt) else "there is no value of ours in it"


def _unknown(value: Fingerprint | str | None) -> tuple[Standing, str] | None:
    if isinstance(value, Fingerprint):
        return None
    return Standing.UNKNOWN, f"{value or 'its value was not read'}, so the next plan rotates it"


def _compare(session: Session, heirs: Mapping[Address, Secret], values: _Values) -> dict[Address, tuple[Standing, str]]:
    """Ask the sources for what was read; give what keeps a value from being proven."""
    known = {a: value for a, value in values.items() if isinstance(value, Fingerprint) and not _is_made(heirs[a])}

    def one(address: Address) -> tuple[Standing, str] | None:
        secret = heirs[address]
        try:
            desired = session.resolver.resolve([secret], lambda _: known[address], Values.RESOLVED, 1)
        except SourceError as error:
            return Standing.UNKNOWN, f"its value was read, and cannot be compared: {error.message}"
        if desired[secret.address].fingerprint == known[address]:
            return None
        return Standing.DIFFERS, "its source yields another value, so the next plan rotates it"

    told = zip(known, run(one, known, session.surroundings.parallelism), strict=True)
    return {address: doubt for address, doubt in told if doubt is not None}


def _is_made(secret: Secret) -> bool:
    return source_class(secret.source.type).made_at_apply


def _record(session: Session, secret: Secret | None, places: Places, value: Fingerprint | str | None) -> Record:
    """Give the record: of tags and description what is declared, as it is there, so that the next plan mends it."""
    now, seen = session.surroundings.clock(), places.first.seen
    return Record(
        backend=places.first.backend,
        remote_id=seen.remote_id,
        version=seen.version,
        fingerprint=value if isinstance(value, Fingerprint) else None,
        source=source_digest(secret.source) if secret else "",
        tags={name: seen.tags[name] for name in secret.tags if name in seen.tags} if secret else {},
        enabled=seen.enabled,
        description=(seen.description or None) if secret and secret.description else None,
        on_remove=secret.on_remove if secret else _on_remove(session, seen.address),
        rotation=secret.rotate.version if secret else 0,
        created=now,
        rotated=now,
        previous_backend=places.copy.backend if places.copy else None,
    )


def _on_remove(session: Session, address: Address) -> OnRemove:
    """Give what becomes of an orphan: what the manifest says of it, or of the name that it had moved to."""
    manifest = session.manifest
    moved = (manifest.secrets[move.target].on_remove for move in manifest.moved if move.source == address)
    return manifest.removed.get(address) or next(moved, OnRemove.DISABLE)
