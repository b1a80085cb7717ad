"""Makes a plan: state, sources and backends in, changes out; nothing is written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from syncer.engine.facts import Facts, Findings
from syncer.engine.guard import emptied
from syncer.engine.places import renamed, with_records
from syncer.engine.planner import diff
from syncer.engine.readback import fingerprints, unread, unseen
from syncer.engine.refresh import Observations, observe, remembered, unready, unsupported
from syncer.engine.violations import violations
from syncer.errors import InvalidConfiguration
from syncer.plans import Diagnostic, Plan, Selection, Severity, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from syncer.backends.base import Backend
    from syncer.engine.session import Session
    from syncer.model import Address, Desired, Fingerprint, Move, Secret
    from syncer.state.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a plan."""

    selection: Selection = field(default_factory=Selection)
    values: Values = Values.RESOLVED
    refresh: bool = True
    """Ask the backends; without it the records are taken for what is there."""
    verify_values: bool = False
    """Read values back instead of trusting version tokens."""
    only: frozenset[Address] | None = None
    """Exactly these addresses, as when a saved plan is checked again."""
    now: datetime | None = None
    """The moment by which rotations are due; None for the clock's."""


def make_plan(session: Session, request: Request) -> Plan:
    """Compare the manifest with the backends. Raise SourceError, BackendError, StateError."""
    manifest = session.manifest
    authentic = request.values is Values.RESOLVED or session.keyring.present
    state = session.state_store.read(authenticate=authentic)
    moves = tuple(move for move in manifest.moved if move.source in state.records)
    chosen = _chosen(session, request, state, moves)
    desired = _desired(session, request, (state, moves), chosen)
    before = session.state_store.read(authenticate=authentic)  # once more: sources may have taken their time
    observed, backends = look_around(session, request, before, chosen)
    known = renamed(desired, observed, before, backends)
    actual = _actual(session, request, (with_records(before, known), chosen), (observed, backends))
    state, moved = since(session, before, authenticate=authentic)
    renames = {address: record for address, record in known.items() if address not in moved}
    state = with_records(state, renames)
    now = session.surroundings.clock()
    facts = Facts(
        project=manifest.project,
        desired=desired,
        observed=observed,
        state=state,
        capabilities={name: backend.capabilities for name, backend in backends.items()},
        now=request.now or now,
        moved=moves,
        removed=manifest.removed,
        destroy=request.selection.destroy,
        values=request.values,
        selected=lambda address: chosen(address) and address not in moved,
        rotate=matcher(request.selection.rotate),
        actual=actual,
    )
    found = diff(facts)
    found.diagnostics.extend(violations(manifest, facts, found))
    others = (s for a, s in manifest.secrets.items() if a not in desired and s.backend in backends)
    found.diagnostics.extend(unsupported(desired.values(), backends, others))
    if request.refresh:
        wrong = {d.address for d in found.diagnostics if d.severity is Severity.ERROR}
        creating = (change for change in found.changes if change.address not in wrong)
        found.diagnostics.extend(unready(creating, backends, session.surroundings.retry))
    used = {address: record for address, record in state.records.items() if chosen(address)}
    found.diagnostics.extend(unseen(used.values(), backends))
    if request.verify_values:
        found.diagnostics.extend(unread(used, observed, backends, actual))
    found.diagnostics.extend(emptied(found.drift, (r for address, r in state.records.items() if chosen(address))))
    if busy := sorted(filter(chosen, moved)):
        found.unchecked[:] = sorted({*found.unchecked, *busy})
        found.diagnostics.append(left_out(len(busy)))
    if not authentic and state.lineage is not None:
        found.diagnostics.append(_NOT_AUTHENTIC)
    compared = {address: wanted for address, wanted in desired.items() if address not in moved} if moved else desired
    return replace(_plan(session, request, state, found, compared, now), renamed=renames)


def _plan(  # the parts of a plan
    session: Session,
    request: Request,
    state: State,
    found: Findings,
    desired: Mapping[Address, Desired],
    now: datetime,
) -> Plan:
    return Plan(
        project=session.manifest.project,
        changes=tuple(found.changes),
        drift=tuple(found.drift),
        diagnostics=tuple(found.diagnostics),
        unchecked=tuple(found.unchecked),
        origins={address: wanted.secret.origin for address, wanted in desired.items()},
        withdrawn=tuple(found.withdrawn),
        versions=found.versions,
        lineage=state.lineage,
        serial=state.serial,
        manifest_digest=session.manifest.digest,
        timestamp=now,
        values=request.values,
        selection=request.selection,
        calls=session.calls(),
        desired=desired,
        records=len(state.records),
        refreshed=request.refresh,
        verified=request.verify_values,
    )


_NOT_AUTHENTIC = Diagnostic(
    severity=Severity.WARNING,
    code="state_not_authenticated",
    message="there is no project key here, so the state was taken as it stands",
)


def since(session: Session, before: State, *, authenticate: bool = True) -> tuple[State, frozenset[Address]]:
    """Give the state as it is now, and the addresses whose records another run has written since `before`.

    A plan takes no lock. What was observed meanwhile may be older or newer than those records, so nothing can be
    said of them; of all others it is true, because each write is on record before it begins.
    """
    after = session.state_store.read(authenticate=authenticate)
    if after is before:
        return after, frozenset()
    known = before.records.keys() | after.records.keys()
    return after, frozenset(a for a in known if before.records.get(a) != after.records.get(a))


def left_out(number: int) -> Diagnostic:
    """Say that another run was at some secrets."""
    message = f"another run was writing {number} of the secrets meanwhile; they are left out"
    return Diagnostic(severity=Severity.WARNING, code="busy", message=message, hint="plan again when it has ended")


def matcher(globs: Iterable[str]) -> Callable[[Address], bool]:
    """Give a test for addresses that match one of the globs; `*` matches across `:` and `/`."""
    patterns = tuple(globs)
    if not patterns:
        return lambda _address: False
    return lambda address: any(fnmatchcase(str(address), pattern) for pattern in patterns)


def selector(selection: Selection, moves: Iterable[Move] = ()) -> Callable[[Address], bool]:
    """Give a test for addresses that the selection is about. Both names of what is moved are in, or neither is."""
    if not selection.partial:
        return lambda _address: True
    included, excluded = matcher(selection.targets or ("*",)), matcher(selection.excludes)
    ends = {end: (move.source, move.target) for move in moves for end in (move.source, move.target)}

    def chosen(address: Address) -> bool:
        names = ends.get(address, (address,))
        return any(map(included, names)) and not any(map(excluded, names))

    return chosen


def check_selection(selection: Selection, known: Iterable[Address]) -> None:
    """Raise InvalidConfiguration for a glob that matches no address: a misspelt one must not say `No changes.`."""
    names = [str(address) for address in known]
    asked = ("--target", selection.targets), ("--exclude", selection.excludes), ("--rotate", selection.rotate)
    for option, globs in asked:
        for glob in globs:
            if not any(fnmatchcase(name, glob) for name in names):
                message = f"{option} {glob} matches no address"
                raise InvalidConfiguration(message, hint="an address is written scope:ref, a glob may stand for parts")


def _chosen(session: Session, request: Request, state: State, moves: tuple[Move, ...]) -> Callable[[Address], bool]:
    if request.only is not None:
        return request.only.__contains__
    selection = request.selection
    if selection.partial or selection.rotate:
        check_selection(selection, {**session.manifest.secrets, **state.records})
    return selector(selection, moves)


def _desired(
    session: Session, request: Request, known: tuple[State, tuple[Move, ...]], chosen: Callable[[Address], bool]
) -> dict[Address, Desired]:
    if request.selection.destroy:
        return {}
    manifest, (state, moves) = session.manifest, known
    origins = {move.target: move.source for move in moves}

    def wanted(secret: Secret) -> bool:
        origin = origins.get(secret.address)
        return chosen(secret.address) or (origin is not None and chosen(origin))

    def like(address: Address) -> Fingerprint | None:
        record = state.records.get(address) or state.records.get(origins.get(address, address))
        return record.fingerprint if record else None

    backend = _opener(session, request)
    secrets = [backend(secret.backend).declare(secret) for secret in manifest.secrets.values() if wanted(secret)]
    return session.resolver.resolve(secrets, like, request.values, session.surroundings.parallelism)


def look_around(
    session: Session, request: Request, state: State, chosen: Callable[[Address], bool]
) -> tuple[Observations, dict[str, Backend]]:
    """Observe every backend that the chosen addresses are, were or will be on."""
    wanted = _places(session, state, chosen)
    declared, opened = session.manifest.backends, _opener(session, request)
    backends = {name: opened(name) for name in sorted(wanted) if name in declared}
    if not request.refresh:
        return remembered(state), backends
    places = {name: wanted[name] for name in backends}
    outside = session.surroundings
    return observe(backends, places, state, outside.retry, outside.parallelism), backends


def _opener(session: Session, request: Request) -> Callable[[str], Backend]:
    """Give what opens a backend: where neither it nor a source is asked, no credential is needed, nor an address."""
    asked = request.refresh or request.verify_values or request.values is Values.RESOLVED
    return session.backend if asked else session.outline


def _places(session: Session, state: State, chosen: Callable[[Address], bool]) -> dict[str, set[Address]]:
    wanted: dict[str, set[Address]] = defaultdict(set)
    declared = session.manifest.secrets
    for address, secret in declared.items():
        if chosen(address):
            wanted[secret.backend].add(address)
    for move in session.manifest.moved:
        if move.source in state.records and (chosen(move.source) or chosen(move.target)):
            wanted[state.records[move.source].backend].add(move.source)
            wanted[declared[move.target].backend].add(move.target)
    for address, record in state.records.items():
        if chosen(address):
            wanted[record.backend].add(address)
            if record.previous_backend is not None:
                wanted[record.previous_backend].add(address)
    return wanted


def _actual(
    session: Session,
    request: Request,
    known: tuple[State, Callable[[Address], bool]],
    seen: tuple[Observations, dict[str, Backend]],
) -> dict[Address, Fingerprint]:
    if not request.verify_values and (request.values is Values.SKIPPED or not request.refresh):
        return {}
    (state, chosen), (observed, backends) = known, seen
    records = {address: record for address, record in state.records.items() if chosen(address)}
    return fingerprints(session, records, observed, backends, verify=request.verify_values)
