"""Answers handles from where they lead: the manifest's stores, files, the cluster around us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.consumers.lookup import Lookup
from syncer.consumers.rooted import read_below
from syncer.errors import AccessDenied, InvalidConfiguration, SyncerError
from syncer.extras import how_to_install
from syncer.handles import ClusterKey, File
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from syncer.consumers.deadline import Deadline
    from syncer.engine.session import Session
    from syncer.handles import Place
    from syncer.sensitive import Sensitive

_AT_ONCE = 500
"""So many values are in memory at once, however many are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where handles may lead, and until when."""

    roots: tuple[Path, ...] = ()
    """Folders from which files may be read."""
    account: Path | None = None
    """Where the token and the authority of a Kubernetes cluster are; None for where a pod has them."""
    allowed: frozenset[str] = frozenset()
    """The scopes that handles may name; all where there is none."""
    deadline: Deadline
    """When nobody waits any longer."""


class Answers:
    """What is at some places. Every store is asked once what is there."""

    def __init__(self, session: Session, ground: Ground, places: Iterable[Place]) -> None:
        self._session = session
        self._ground = ground
        inside = (place for place in places if isinstance(place, Address) and self._allows(place))
        self._lookup = Lookup(session, inside, ground.deadline)

    @property
    def broken(self) -> SyncerError | None:
        """Why a whole store could not be asked."""
        return self._lookup.broken

    def each(self, places: Sequence[Place]) -> Iterator[Sensitive | SyncerError]:
        """Give what is at each place, in the order given, a few hundred values at a time."""
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            found = self._found(some)
            yield from (found[place] for place in some)

    def _found(self, places: Sequence[Place]) -> dict[Place, Sensitive | SyncerError]:
        ours = [place for place in places if isinstance(place, Address) and self._allows(place)]
        theirs = tuple(place for place in places if isinstance(place, ClusterKey))
        found: dict[Place, Sensitive | SyncerError] = dict(self._lookup.values(ours).items())
        found.update(self._of_cluster(theirs).items())
        for place in places:
            if isinstance(place, File):
                found[place] = self._file(place)
            elif place not in found:
                found[place] = AccessDenied(f"scope {place[0]} is none that handles may name here")
        return found

    def _allows(self, address: Address) -> bool:
        return not self._ground.allowed or address.scope in self._ground.allowed

    def _of_cluster(self, keys: tuple[ClusterKey, ...]) -> dict[ClusterKey, Sensitive | SyncerError]:
        if not keys:
            return {}
        try:
            from syncer.consumers.cluster import SERVICE_ACCOUNT, Cluster  # noqa: PLC0415  # it brings an HTTP client
        except ModuleNotFoundError as error:
            message = f"Kubernetes needs the package `{error.name}`"
            return dict.fromkeys(keys, InvalidConfiguration(message, hint=how_to_install("kubernetes")))
        cluster = Cluster(session=self._session, account=self._ground.account or SERVICE_ACCOUNT)
        answer = self._ground.deadline.each(cluster.read, [keys])[keys]
        return dict.fromkeys(keys, answer) if isinstance(answer, SyncerError) else answer

    def _file(self, place: File) -> Sensitive | SyncerError:
        try:
            return read_below(self._ground.roots, place.path)
        except SyncerError as error:
            return error
