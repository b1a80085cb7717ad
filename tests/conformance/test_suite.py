"""The suite catches backends that lie: each test here is a lie, and the conformance test that must fail on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.memory import MemoryBackend

from syncer.errors import BackendError
from syncer.sensitive import Sensitive
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address, Observed, Secret


class Overwrites(MemoryBackend):
    """Its create writes over what is there."""

    def _refuse_taken(self, address: Address) -> None:
        pass


class Strips(MemoryBackend):
    """Loses white space at the ends."""

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Strip."""
        return super().create(secret, Sensitive(value.reveal().strip()))

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Strip."""
        return super().rotate(secret, Sensitive(value.reveal().strip()), expected)


class KeepsVersion(MemoryBackend):
    """Its rotation does not move the version."""

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Put the old version back."""
        return self._keep(replace(super().rotate(secret, value, expected), version=expected.version))


class MovesVersion(MemoryBackend):
    """Its metadata writes move the version."""

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Count one up."""
        return self._keep(replace(super().update(secret, expected, drop), version="777"))


class DropsValue(MemoryBackend):
    """Its disable takes the value away."""

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Empty it."""
        self.store.values[expected.address] = Sensitive(b"")
        return super().set_enabled(expected, enabled=enabled)


class DeletesNothing(MemoryBackend):
    """Its delete does nothing."""

    def delete(self, expected: Observed) -> None:
        """Do nothing."""


class IgnoresRaces(MemoryBackend):
    """Claims conditional writes and makes none."""

    def _found(self, address: Address, expected: Observed | None = None, *, deleted: bool = False) -> Observed:  # noqa: ARG002  # the lie
        return super()._found(address, None, deleted=deleted)


class Leaks(MemoryBackend):
    """Quotes the value in an error."""

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Say too much."""
        try:
            return super().create(secret, value)
        except BackendError:
            message = f"cannot write {value.reveal().hex()}"
            raise BackendError(message) from None


class OnePage(MemoryBackend):
    """Forgets to ask for the next page."""

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Stop after a page."""
        return list(super().observe(scopes, addresses))[:100]


class HidesOthers(MemoryBackend):
    """Does not list what is not ours."""

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Filter."""
        return [e for e in super().observe(scopes, addresses) if e.owner == self.context.project]


class Unmetered(MemoryBackend):
    """Counts nothing."""

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write past the meter."""
        return self.store.put(replace(_blank(secret.address), owner=self.context.project), value)


class CanMore(MemoryBackend):
    """Reads although it says that it cannot."""

    def read(self, address: Address) -> Sensitive:
        """Read."""
        return self.store.values[address]


def _blank(address: Address) -> Observed:
    from syncer.model import Observed

    return Observed(address=address, version="", tags={}, enabled=True, description="", owner=None)


class Suite(BackendConformance):
    """The suite over the dictionary, called by hand."""

    type_name = "memory"

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open the dictionary that goes with the folder."""
        return MemoryBackend.open({}, context(folder, project))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:
        """Put an entry into the dictionary."""
        backend.store.put(replace(_blank(address), owner=owner), value)

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Look into the dictionary."""
        return backend.store.values[address]


SUITE = Suite()


def _theirs(backend: Backend) -> None:
    SUITE.test_entries_of_others(backend, "somebody-else")


def _trailing_newline(backend: Backend) -> None:
    SUITE.test_text_is_kept_verbatim(backend, b"line\n")


@pytest.mark.parametrize(
    ("liar", "without", "test"),
    [
        (Overwrites, [], SUITE.test_create_twice),
        (Overwrites, [], SUITE.test_lost_answer_to_a_create),
        (Overwrites, [], SUITE.test_move_onto_another),
        (Strips, [], _trailing_newline),
        (KeepsVersion, [], SUITE.test_rotate_moves_version_only),
        (MovesVersion, [], SUITE.test_update_changes_metadata_only),
        (DropsValue, [], SUITE.test_disable_and_enable_keep_the_value),
        (DeletesNothing, [], SUITE.test_delete),
        (DeletesNothing, ["soft-delete"], SUITE.test_hard_delete_frees_the_name),
        (IgnoresRaces, [], SUITE.test_lost_race),
        (IgnoresRaces, [], SUITE.test_race_has_one_winner),
        (OnePage, [], SUITE.test_many_entries),
        (HidesOthers, [], _theirs),
        (Unmetered, [], SUITE.test_writes_are_metered),
        (CanMore, ["read"], SUITE.test_unlisted_capabilities_are_unsupported),
    ],
)
def test_liar_is_caught(
    tmp_path: Path, liar: type[MemoryBackend], without: list[str], test: Callable[[Backend], None]
) -> None:
    """The conformance test fails on the backend that lies, and not on the honest one."""
    test(MemoryBackend.open({"without": without, "name": "honest"}, context(tmp_path, "conformance")))
    with pytest.raises((AssertionError, pytest.fail.Exception, KeyError)):
        test(liar.open({"without": without}, context(tmp_path, "conformance")))


def test_leak_is_caught(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A value in an error's text fails the suite, in hexadecimal too."""
    with pytest.raises(AssertionError, match="shows in the text"):
        SUITE.test_no_value_shows(Leaks.open({}, context(tmp_path, "conformance")), caplog)


def test_hooks_are_asked_for(tmp_path: Path) -> None:
    """An author who forgets a hook is told by the first test; a store that cannot be made busy skips one."""
    with pytest.raises(TypeError, match="open_backend"):
        BackendConformance()  # type: ignore[abstract]
    backend = MemoryBackend.open({}, context(tmp_path, "p"))
    with pytest.raises(pytest.skip.Exception):
        SUITE.busy(backend)
