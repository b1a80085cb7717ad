"""Finds what bears the project's mark, wherever the manifest says that secrets are or were; no value is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.engine.refresh import look_again
from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, SourceError
from syncer.model import DEFAULT_BACKEND
from syncer.parallel import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from syncer.backends.base import Backend
    from syncer.engine.session import Session
    from syncer.model import Address, Manifest, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one backend holds at an address."""

    backend: str
    seen: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a secret of ours is."""

    first: Sighting
    """Where it belongs, or what there is of it where it is not there."""
    copy: Sighting | None
    """What another backend still hands out."""


@dataclass(slots=True, kw_only=True)
class Marked:
    """What was found."""

    ours: dict[Address, Places] = field(default_factory=dict)
    foreign: list[Sighting] = field(default_factory=list)
    """Without a mark, or with another project's; only where the manifest says that secrets are."""
    deleted: list[Sighting] = field(default_factory=list)
    """Ours, and pending deletion."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Backends that could not be asked for former copies, and why."""


_Seen = dict["Address", "Observed"]


def look_for_marks(session: Session) -> Marked:
    """Ask every backend for the scopes that are on it, and for copies of what is on another one.

    Raise what a backend raises about its own scopes. What listings may not show yet is looked at again.
    """
    found = Marked()
    homes = _homes(session.manifest)
    names = list(session.manifest.backends)
    outside = session.surroundings

    def at_home(name: str) -> _Seen:
        return _observe(session, name, [scope for scope, home in homes.items() if home == name])

    def elsewhere(name: str) -> _Seen | str:
        try:
            return _observe(session, name, [scope for scope, home in homes.items() if home != name])
        except (AccessDenied, BackendError, InvalidConfiguration, SourceError) as error:
            return error.message

    own = dict(zip(names, run(at_home, names, outside.parallelism), strict=True))
    others: dict[str, _Seen] = {}
    for name, seen in zip(names, run(elsewhere, names, outside.parallelism), strict=True):
        if isinstance(seen, str):
            found.skipped[name] = seen
        else:
            others[name] = seen
    _sort_out(session, found, own, others)
    return found


def _homes(manifest: Manifest) -> dict[str, str]:
    """Give the backend of each scope that the manifest speaks of, those that secrets left included."""
    homes = {name: scope.backend for name, scope in manifest.scopes.items()}
    for address in (*(move.source for move in manifest.moved), *manifest.removed):
        homes.setdefault(address.scope, DEFAULT_BACKEND)
    return homes


def _observe(session: Session, name: str, scopes: Collection[str]) -> _Seen:
    """Give all that a backend holds in the scopes; none asks for nothing."""
    if not scopes:
        return {}
    backend, outside = session.backend(name), session.surroundings
    asked = {scope for scope in scopes if "/" not in scope or Capability.SCOPE_PATHS in backend.capabilities}
    if not asked:
        return {}
    known = [address for address in _spoken_of(session.manifest) if address.scope in asked]
    everything = outside.retry.call(lambda: list(backend.observe(sorted(asked), known)))
    found = {seen.address: seen for seen in everything if seen.address.scope in asked}
    if backend.listing_lags:
        doubtful = _doubtful(session, name, found, known)
        look_again(backend, doubtful, found, outside.retry, outside.parallelism)
    return found


def _spoken_of(manifest: Manifest) -> Iterator[Address]:
    yield from manifest.secrets
    yield from (move.source for move in manifest.moved if move.source not in manifest.secrets)
    yield from manifest.removed


def _doubtful(session: Session, name: str, found: _Seen, known: Collection[Address]) -> list[Address]:
    """Give what there is no record to tell of: all that is declared here, and whatever bears our mark."""
    declared, project = session.manifest.secrets, session.manifest.project
    here = {address for address in known if address in declared and declared[address].backend == name}
    return sorted(here | {address for address, seen in found.items() if seen.owner == project})


def _sort_out(session: Session, found: Marked, own: Mapping[str, _Seen], others: Mapping[str, _Seen]) -> None:
    project = session.manifest.project
    there: dict[Address, list[Sighting]] = {}
    for name, seen in ((name, seen) for name, all_of in own.items() for seen in all_of.values()):
        sighting = Sighting(backend=name, seen=seen)
        if seen.owner != project:
            found.foreign.append(sighting)
        elif seen.deleted:
            found.deleted.append(sighting)
        else:
            there[seen.address] = [sighting]
    for name, seen in ((name, seen) for name, all_of in others.items() for seen in all_of.values()):
        # A copy that is disabled is what a secret left behind that moved on: nothing is to be done about it.
        if seen.owner == project and seen.enabled and not seen.deleted:
            there.setdefault(seen.address, []).append(Sighting(backend=name, seen=seen))
    for address, sightings in sorted(there.items()):
        first, *copies = sightings
        copy = next((each for each in copies if not _is_one(session, first, each)), None)
        found.ours[address] = Places(first=first, copy=copy)


def _is_one(session: Session, first: Sighting, other: Sighting) -> bool:
    """Whether two backends mean one and the same secret: the same place, or what the store calls it is the same."""
    backends: tuple[Backend, Backend] = session.backend(first.backend), session.backend(other.backend)
    one, two = (backend.place for backend in backends)
    named = first.seen.remote_id
    return (one != "" and one == two) or (named != "" and named == other.seen.remote_id)
