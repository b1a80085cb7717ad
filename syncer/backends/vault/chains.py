"""Writes that take several calls, in an order in which a kill between two of them does no harm."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from syncer.backends.vault import marks
from syncer.backends.vault.marks import Entry
from syncer.backends.vault.values import merges
from syncer.errors import AlreadyExists, NotFound, Refused, SyncerError, Transient, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Collection

    from syncer.backends.base import Backend
    from syncer.backends.vault.kv import Kv, Place
    from syncer.backends.vault.listing import Patiently
    from syncer.backends.vault.marks import Marks
    from syncer.backends.vault.messages import Json
    from syncer.backends.vault.values import Layout
    from syncer.model import Observed


class Chains:
    """One for a backend; safe to share between threads.

    The first call of a chain is `unhurried`, for the engine tries the whole again. So is the write of a value, whose
    answer may be lost: the engine looks before it writes another. All others are made patiently; those without which
    the store is left neither as it was nor as it is to be, with `then`.
    """

    def __init__(self, kv: Kv, layout: Layout, backend: Backend) -> None:
        self._kv = kv
        self._layout = layout
        self._project = backend.context.project
        self._unhurried: Patiently = backend.unhurried
        self._patiently: Patiently = backend.patiently
        self._then: Patiently = backend.then

    def create(self, place: Place, wanted: Marks, fields: Json) -> Entry:
        """Claim the place, then write the first version there.

        In this order, because what is left by a kill between the two has no version: readers find nothing, `observe`
        shows nothing, and the next run goes on with it. The other way round nobody would own what is left.
        """
        found = self._unhurried(lambda: self._kv.look(place))
        if found is not None and (found.version or found.owner not in (None, self._project)):
            raise _taken(place, found)
        self._patiently(self._kv.check)
        wanted = {**wanted, **self._layout.mark(fields)}
        self._claim(place, found, wanted)
        custom = {} if found is None else found.custom
        try:
            version = self._unhurried(lambda: self._kv.write(place, fields, 0))
        except Transient:
            raise  # it may have been written
        except SyncerError as error:
            problem = _overtaken(place) if isinstance(error, VersionConflict) else error
        else:
            return Entry(version, hidden=False, destroyed=False, custom=marks.merged(custom, wanted))
        with suppress(SyncerError):
            self._patiently(lambda: self._kv.mark(place, {key: custom.get(key) for key in wanted}))
        raise problem

    def rotate(self, place: Place, fields: Json, expected: Observed) -> str:
        """Write a version that has our fields new and all others as they were. Give it."""
        found = self._as_expected(place, expected)
        held = self._layout.held(found.custom)
        names = frozenset(fields)
        # Named before they are there and until they are gone, so that ours are never taken for somebody else's.
        self._name(place, held, held | names, self._patiently)
        if found.hidden:
            version = self._unhurried(lambda: self._write_hidden(place, fields, held - names, found))
        else:
            version = self._unhurried(lambda: self._write(place, fields, held - names, found.version))
        self._name(place, held | names, names, self._then)
        return version

    def enable(self, place: Place, expected: Observed) -> Entry:
        """Let readers have the newest version again."""
        found = self._as_expected(place, expected)
        if found.hidden:
            self._patiently(lambda: self._kv.show(place, marks.number(found.version)))
        return found._replace(hidden=False)

    def disable(self, place: Place, expected: Observed) -> Entry:
        """Have readers refused the newest version."""
        found = self._as_expected(place, expected)
        if found.destroyed:
            message = f"{place.thing}: its value was destroyed, so there is nothing to disable"
            raise Refused(message, hint="rotate it")
        if marks.DELETED in found.custom:
            # Somebody brought back what we had deleted; with the mark, it would be deleted again.
            self._patiently(lambda: self._kv.mark(place, {marks.DELETED: None}))
        if not found.hidden:
            self._patiently(lambda: self._kv.hide(place, found.numbers))
        return found._replace(hidden=True, custom=marks.merged(found.custom, {marks.DELETED: None}))

    def delete(self, place: Place, expected: Observed, *, purge: bool) -> None:
        """Mark it as deleted and hide it, or purge it with all that anybody keeps there."""
        found = self._as_expected(place, expected)
        if purge:
            self._patiently(lambda: self._kv.purge(place))
            return
        self._patiently(lambda: self._kv.mark(place, marks.deleted(enabled=not found.hidden)))
        if found.numbers and not found.hidden:
            self._patiently(lambda: self._kv.hide(place, found.numbers))

    def update(self, place: Place, wanted: Marks) -> None:
        """Change the custom metadata of a secret that is ours or nobody's. NotFound where it is gone."""
        self._ours(place)
        self._patiently(lambda: self._kv.mark(place, wanted))

    def restore(self, place: Place, expected: Observed) -> Entry:
        """Take the mark away, then let readers have it if they had it before. Mark it again where that is refused."""
        found = self._as_expected(place, expected, deleted=True)
        enabled = found.was_enabled
        self._patiently(lambda: self._kv.mark(place, {marks.DELETED: None}))
        try:
            if enabled:
                self._patiently(lambda: self._kv.show(place, marks.number(found.version)))
        except SyncerError:
            # Without the mark, it would be a secret of ours that is disabled, and no record would know of it.
            self._then(lambda: self._kv.mark(place, marks.deleted(enabled=enabled)))
            raise
        custom = marks.merged(found.custom, {marks.DELETED: None})
        return found._replace(hidden=found.hidden and not enabled, custom=custom)

    def _as_expected(self, place: Place, expected: Observed, *, deleted: bool = False) -> Entry:
        """Look. NotFound where it is gone, VersionConflict where it is another project's or another version."""
        found = self._ours(place, deleted=deleted)
        if found.version != expected.version:
            raise _moved(place, found.version, expected.version)
        return found

    def _ours(self, place: Place, *, deleted: bool = False) -> Entry:
        """Look. NotFound where it is gone, VersionConflict where it is another project's by now."""
        found = self._unhurried(lambda: self._kv.look(place))
        if found is None or not found.version or found.deleted is not deleted:
            message = f"{place.thing}: not in vault"
            raise NotFound(message)
        if found.owner not in (None, self._project):
            message = f"{place.thing}: belongs to project {found.owner}"
            raise VersionConflict(message, hint="one secret has one project; plan again")
        return found

    def _claim(self, place: Place, found: Entry | None, wanted: Marks) -> None:
        if found is None:
            with suppress(VersionConflict):
                self._patiently(lambda: self._kv.make(place, wanted))
                return
            # Somebody was faster, or we were, at a try whose answer was lost.
            found = self._patiently(lambda: self._kv.look(place))
            if found is None or found.version or found.owner != self._project:
                raise _overtaken(place)
        self._patiently(lambda: self._kv.mark(place, wanted))

    def _name(self, place: Place, before: Collection[str], after: Collection[str], how: Patiently) -> None:
        wanted = self._layout.mark(after)
        if wanted != self._layout.mark(before):
            how(lambda: self._kv.mark(place, wanted))

    def _write(self, place: Place, fields: Json, drop: Collection[str], version: str) -> str:
        cas = marks.number(version)
        if version.endswith(marks.DESTROYED):
            return self._kv.write(place, fields, cas)  # there is nothing left that could be kept
        if merges(fields):
            return self._kv.patch(place, fields, drop, cas)
        return self._kv.replace(place, fields, drop, cas)

    def _write_hidden(self, place: Place, fields: Json, drop: Collection[str], found: Entry) -> str:
        """Show the old version, without which other people's fields cannot be kept, and hide all in any case."""
        shown = set(found.numbers)
        self._patiently(lambda: self._kv.show(place, marks.number(found.version)))
        try:
            written = self._write(place, fields, drop, found.version)
            shown.add(marks.number(written))
        finally:
            self._then(lambda: self._kv.hide(place, shown))
        return written


def _taken(place: Place, found: Entry) -> AlreadyExists:
    if found.owner is not None and not found.version:
        return AlreadyExists(f"{place.thing}: claimed by project {found.owner} in vault")
    if found.deleted:
        hint = "restore it, or purge it: `vault kv metadata delete`"
        return AlreadyExists(f"{place.thing}: already in vault, pending deletion", hint=hint)
    return AlreadyExists(f"{place.thing}: already in vault")


def _overtaken(place: Place) -> AlreadyExists:
    return AlreadyExists(f"{place.thing}: somebody else made it at the same moment", hint="plan again")


def _moved(place: Place, found: str, expected: str) -> VersionConflict:
    there, planned = found.partition("@")[0], expected.partition("@")[0]
    message = f"{place.thing}: vault holds version {there}, not {planned}"
    if there == planned:
        message = f"{place.thing}: somebody purged it and made it anew"
    return VersionConflict(message, hint="somebody else wrote it; plan again")
