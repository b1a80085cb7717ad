"""What the backend does with secrets, out of the calls of Dagu's REST API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from syncer.backends.base import Backend, BackendContext, Capability
from syncer.backends.dagu import marks, places
from syncer.backends.dagu.api import Api, all_of
from syncer.backends.dagu.layers import Layers
from syncer.backends.dagu.listing import Listing
from syncer.backends.dagu.marks import Mark
from syncer.backends.dagu.options import DaguOptions
from syncer.backends.dagu.places import Layer
from syncer.backends.dagu.versions import Versions
from syncer.backends.dagu.workspaces import Workspaces, missing
from syncer.errors import Transient, Unsupported, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from syncer.backends.dagu.rows import Row
    from syncer.model import Address, Observed, Secret
    from syncer.sensitive import Sensitive


MAX_VALUE = 128 * 1024 - len("N=\0")
"""Bytes: what Linux hands to a program in one variable (MAX_ARG_STRLEN in execve(2)), its name at its shortest."""


class Dagu(Backend):
    """The managed secrets of a Dagu server.

    The scope `global` is Global, `profile/<name>` a runtime profile, any other a workspace. Whose a secret is and its
    tags stand in one line of its description. Values never come back, so whether one moved is told by the version.

    There is no conditional write, and a write to metadata puts back whatever was there when it began: a value that
    somebody wrote at the same moment is lost. So each write is looked at again, and one that was lost is repeated.
    """

    type_name: ClassVar[str] = "dagu"
    capabilities = frozenset(
        {
            Capability.DISABLE_ENFORCED,
            Capability.TAGS,
            Capability.DESCRIPTION,
            Capability.DELETE,
            Capability.VERSION_IN_LIST,
            Capability.SCOPE_PATHS,
        }
    )
    concurrency = 8
    Options: ClassVar[type[Any]] = DaguOptions

    def __init__(self, options: DaguOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self.place = "" if options.url_at_run_time else options.root(options.at(context))
        self._known: frozenset[str] = frozenset()
        """Workspaces that are there."""

    def connect(self) -> None:
        """Find the server."""
        self._api = Api(self, self.options.root(self.options.at(self.context)))
        self._versions = Versions(self)
        self._listing = Listing(self._api, self._versions, self)
        self._layers = Layers(self._api, self._listing, self._versions, self)
        self._workspaces = Workspaces(self._api, self._listing, self._versions, self)
        self.place = self._api.where

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for an address that Dagu cannot hold, and a description with a line like our own."""
        places.check(secret.address)
        if marks.collides(secret.description):
            message = f"{secret.address}: a line of its description begins with `{marks.MARK.strip()}`, as our own does"
            raise Unsupported(message)

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for what is no text, and for what no run could have in its environment."""
        super().check_value(secret, value)
        if b"\0" in value.reveal():
            message = f"{secret.address}: it holds NUL, which the environment variable of a run cannot"
            raise Unsupported(message, hint="encode the value, for instance in base64, where it comes from")
        if len(value.reveal()) > MAX_VALUE:
            message = f"{secret.address}: longer than the environment variable of a run can be"
            raise Unsupported(message, hint="keep it in a file, or in a store that the run asks itself")

    def check_scope(self, scope: str) -> None:
        """Raise Unsupported for a workspace or a runtime profile that is not there: Dagu takes secrets for any name."""
        layer = Layer.of(scope) if places.is_layer(scope) else None
        if layer is not None and not layer.inherited:
            there = self.patiently(lambda: self._api.entries(layer, all_of(scope))) is not None
            what = f"runtime profile {layer.name}"
        else:
            name = layer.workspace if layer else places.workspace(scope)
            there = name is None or self._is_workspace(name, scope)
            what = f"workspace {name}"
        if not there:
            message = f"dagu at {self.place} has no {what}"
            raise Unsupported(message, hint="make it in Dagu first, or correct the scope's name")

    def _is_workspace(self, name: str, scope: str) -> bool:
        """Whether there is such a workspace, or we may not know; asked again only for one that was not there yet."""
        if name in self._known:
            return True
        found = self.patiently(lambda: self._api.workspaces(scope))
        self._known = found or frozenset()
        return found is None or name in found

    def recall(self, versions: Iterable[tuple[str, str]]) -> None:
        """Learn which numbers of versions were given already."""
        self._versions.recall(versions)

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give the metadata of everything in the scopes, five hundred a call; what can be no scope holds nothing."""
        return self._listing.observe([scope for scope in scopes if places.scope_problem(scope) is None], addresses)

    def look(self, address: Address) -> Observed | None:
        """Give what is at one address: in one call once it was listed, in two for a runtime profile."""
        row = self._of(address).look(address)
        return None if row is None else self._listing.seen(row, address)

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new secret. AlreadyExists if present."""
        self.check_value(secret, value)  # an error of the decoder would hold what is no text
        address = secret.address
        row = self._of(address).create(address, self._described(secret, secret.tags), value)
        return self._listing.seen(row, address)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version, and again where somebody's write at the same moment has put the old one back."""
        self.check_value(secret, value)  # as above
        address = secret.address
        row = self._of(address).rotate(address, self._id(expected), value)
        return replace(self._listing.seen(row, address), tags=expected.tags, owner=expected.owner)

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set description, tags and owner mark, which are one text, and keep other people's tags."""
        address = secret.address
        row = self.unhurried(lambda: self._api.get(self._id(expected), address))
        if row is None:
            raise missing(address)
        mark = row.mark(address)
        if mark is not None and mark.project != self.context.project:
            message = f"{address} belongs to project {mark.project} since it was planned"
            raise VersionConflict(message, hint="plan again")
        kept = {name: said for name, said in (mark.tags if mark else {}).items() if name not in drop}
        described = self._described(secret, {**kept, **secret.tags})
        return self._stayed(self.patiently(lambda: self._api.describe(row.id, address, described)), address)

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Enable or disable it; runs that ask for a disabled secret fail."""
        address, secret_id = expected.address, self._id(expected)
        if not secret_id:
            raise missing(address)
        return self._stayed(self.unhurried(lambda: self._api.switch(secret_id, address, enabled=enabled)), address)

    def delete(self, expected: Observed) -> None:
        """Delete it for good, with all versions."""
        self._of(expected.address).delete(expected.address, self._id(expected))
        self._listing.ids.pop(expected.address, None)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _stayed(self, row: Row, address: Address) -> Observed:
        """Look at what a write to metadata has left. Raise Transient where somebody else's write undid it at once."""
        found = self.then(lambda: self._api.get(row.id, address))
        if found is None or found != row:
            message = f"{address}: somebody else wrote it in dagu at the same moment, and the change may be lost"
            raise Transient(message)
        return self._listing.seen(found, address)

    def _of(self, address: Address) -> Workspaces | Layers:
        return self._layers if places.is_layer(address.scope) else self._workspaces

    def _id(self, expected: Observed) -> str:
        """Give what the API calls it; empty for an entry of a profile that has no secret. NotFound where it is gone."""
        seen = expected if expected.remote_id else self.look(expected.address)
        if seen is None:
            raise missing(expected.address)
        return seen.remote_id

    def _described(self, secret: Secret, tags: Mapping[str, str]) -> str:
        return marks.together(secret.description, Mark(self.context.project, secret.address, tags))
