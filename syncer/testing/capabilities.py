"""The part of the conformance suite about what a backend may or may not be able to do."""
# ruff: noqa: S101  # a suite asserts

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from syncer.backends.base import DISABLES, Backend, Capability
from syncer.errors import AlreadyExists, NotFound, Unsupported, VersionConflict
from syncer.sensitive import Sensitive
from syncer.testing.base import (
    CANARY,
    PROJECT,
    ConformanceBase,
    assert_no_leak,
    at,
    declared,
    error_of,
    needs,
    needs_one,
    same,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class CapabilityConformance(ConformanceBase):
    """A listed capability works; an unlisted one raises Unsupported and touches nothing."""

    def test_unlisted_capabilities_are_unsupported(self, backend: Backend) -> None:
        """What is not listed raises Unsupported, and the secret stays as it was."""
        secret = declared(self.address())
        made = backend.create(secret, Sensitive(b"v"))
        attempts: dict[Capability, Callable[[], object]] = {
            Capability.READ: lambda: backend.read(secret.address),
            Capability.READ_VERSION: lambda: backend.read_version(secret.address, made.version),
            Capability.DELETE: lambda: backend.delete(made),
            Capability.SOFT_DELETE: lambda: backend.restore(made),
            Capability.MOVE: lambda: backend.move(declared(self.address("new")), made),
        }
        for capability in attempts.keys() - backend.capabilities:
            with pytest.raises(Unsupported):
                attempts[capability]()
        if not {Capability.TAGS, Capability.DESCRIPTION} & backend.capabilities:
            with pytest.raises(Unsupported):
                backend.update(secret, made, ())
        if not {*DISABLES, Capability.DISABLE_REMOVES} & backend.capabilities:
            with pytest.raises(Unsupported):
                backend.set_enabled(made, enabled=False)
        assert list(self.everything(backend)) == [secret.address]
        assert self.holds(backend, secret.address, b"v")

    def test_capabilities_make_sense(self, backend: Backend) -> None:
        """A disable is enforced or advisory, not both; what is deleted softly is deleted."""
        assert len(backend.capabilities & {*DISABLES, Capability.DISABLE_REMOVES}) <= 1
        assert Capability.DELETE in backend.capabilities or Capability.SOFT_DELETE not in backend.capabilities

    def test_read(self, backend: Backend) -> None:
        """The current value is read, and counted as read."""
        needs(backend, Capability.READ)
        made = backend.create(declared(self.address()), Sensitive(b"v1"))
        backend.rotate(declared(self.address()), Sensitive(b"v2"), made)
        before = backend.meter.total
        assert same(backend.read(self.address()), Sensitive(b"v2"))
        after = backend.meter.total
        assert (after.values_read - before.values_read, after.calls > before.calls) == (1, True)

    def test_read_of_missing(self, backend: Backend) -> None:
        """Reading what is not there is NotFound, in an empty store and beside others."""
        needs(backend, Capability.READ)
        with pytest.raises(NotFound):
            backend.read(self.address("gone"))
        backend.create(declared(self.address()), Sensitive(b"v"))
        with pytest.raises(NotFound):
            backend.read(self.address("gone"))

    def test_read_version(self, backend: Backend) -> None:
        """An older value is read by the version that its write gave, and counted as read; so is the current one."""
        needs(backend, Capability.READ_VERSION)
        made = backend.create(declared(self.address()), Sensitive(b"v1"))
        turned = backend.rotate(declared(self.address()), Sensitive(b"v2"), made)
        before = backend.meter.total
        assert same(backend.read_version(self.address(), made.version), Sensitive(b"v1"))
        after = backend.meter.total
        assert (after.values_read - before.values_read, after.calls > before.calls) == (1, True)
        assert same(backend.read_version(self.address(), turned.version), Sensitive(b"v2"))
        shown = self.everything(backend)[self.address()].version
        assert same(backend.read_version(self.address(), shown), Sensitive(b"v2"))

    @pytest.mark.parametrize("version", ["0", "00001", "2", "987654321", "v1", "-1", "a/../b", "1@elsewhere", "1-x"])
    def test_read_of_a_missing_version(self, backend: Backend, version: str) -> None:
        """Reading a version that never was is NotFound, whatever it is called, and so is one of what is not there."""
        needs(backend, Capability.READ_VERSION)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        if version == made.version:
            pytest.skip(f"{version} is what this store calls the version that was just written")
        with pytest.raises(NotFound):
            backend.read_version(self.address(), version)
        with pytest.raises(NotFound):
            backend.read_version(self.address("gone"), made.version)

    def test_update_changes_metadata_only(self, backend: Backend) -> None:
        """An update sets our tags, drops what it is told to, keeps others, and moves neither version nor value."""
        needs(backend, Capability.TAGS)
        made = backend.create(declared(self.address(), tags={"old": "1", "foreign": "2", "team": "a"}), Sensitive(b"v"))
        wanted = declared(self.address(), tags={"team": "b", "tier": "gold"}, description="second")
        updated = backend.update(wanted, made, {"old"})
        seen = self.everything(backend)[self.address()]
        assert seen.tags == updated.tags == {"foreign": "2", "team": "b", "tier": "gold"}
        assert seen.description == ("second" if Capability.DESCRIPTION in backend.capabilities else None)
        shown = seen.version if Capability.VERSION_IN_LIST in backend.capabilities else made.version
        assert (shown, updated.version, seen.enabled) == (made.version, made.version, True)
        assert self.holds(backend, self.address(), b"v")

    def test_update_of_the_description_alone(self, backend: Backend) -> None:
        """A description is updated also where there are no tags."""
        needs(backend, Capability.DESCRIPTION)
        made = backend.create(declared(self.address(), description="first"), Sensitive(b"v"))
        updated = backend.update(declared(self.address(), description="second"), made, ())
        assert self.everything(backend)[self.address()].description == updated.description == "second"

    def test_update_takes_ownership(self, backend: Backend) -> None:
        """An update marks an unmarked entry as ours and keeps its value."""
        needs(backend, Capability.TAGS)
        self.plant(backend, self.address(), Sensitive(b"theirs"), None)
        backend.update(declared(self.address()), self.everything(backend)[self.address()], ())
        assert self.everything(backend)[self.address()].owner == (PROJECT if self.marks_owner else None)
        assert self.holds(backend, self.address(), b"theirs")

    def test_update_of_missing(self, backend: Backend) -> None:
        """An update of what is not there is NotFound."""
        needs(backend, Capability.TAGS)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        with pytest.raises(NotFound):
            backend.update(declared(self.address("gone")), at(made, self.address("gone")), ())

    def test_disable_and_enable_keep_the_value(self, backend: Backend) -> None:
        """A secret can be disabled and enabled; version, tags and value stay."""
        needs_one(backend, DISABLES)
        made = backend.create(declared(self.address(), tags={"team": "a"}), Sensitive(b"v"))
        off = backend.set_enabled(made, enabled=False)
        seen_off = self.everything(backend)[self.address()]
        on = backend.set_enabled(off, enabled=True)
        seen_on = self.everything(backend)[self.address()]
        assert [e.enabled for e in (off, seen_off, on, seen_on)] == [False, False, True, True]
        assert {e.version for e in (off, seen_off, on, seen_on)} == {made.version}
        assert seen_off.tags == seen_on.tags == made.tags
        assert self.holds(backend, self.address(), b"v")

    def test_disabled_by_removal(self, backend: Backend) -> None:
        """Where a disabled secret is taken out, it is gone at once, alone, and can be created again."""
        needs(backend, Capability.DISABLE_REMOVES)
        made = backend.create(declared(self.address()), Sensitive(b"v1"))
        backend.create(declared(self.address("other")), Sensitive(b"v"))
        assert not backend.set_enabled(made, enabled=False).enabled
        assert list(self.everything(backend)) == [self.address("other")]
        with pytest.raises(Unsupported):
            backend.set_enabled(made, enabled=True)
        backend.create(declared(self.address()), Sensitive(b"v2"))
        assert self.holds(backend, self.address(), b"v2")

    def test_disabled_stays_disabled(self, backend: Backend) -> None:
        """A rotation of a disabled secret leaves it disabled, and we can still read it where we can read."""
        needs_one(backend, DISABLES)
        off = backend.set_enabled(backend.create(declared(self.address()), Sensitive(b"v1")), enabled=False)
        turned = backend.rotate(declared(self.address()), Sensitive(b"v2"), off)
        assert not turned.enabled
        assert not self.everything(backend)[self.address()].enabled
        assert self.holds(backend, self.address(), b"v2")

    def test_disable_of_missing(self, backend: Backend) -> None:
        """A disable of what is not there is NotFound."""
        needs_one(backend, DISABLES)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        with pytest.raises(NotFound):
            backend.set_enabled(at(made, self.address("gone")), enabled=False)

    def test_delete(self, backend: Backend) -> None:
        """What is deleted is gone for readers, and its neighbour is not; deleting it again is NotFound."""
        needs(backend, Capability.DELETE)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        kept = backend.create(declared(self.address("kept")), Sensitive(b"kept"))
        backend.delete(made)
        live = [a for a, entry in self.everything(backend).items() if not entry.deleted]
        assert live == [kept.address]
        with pytest.raises(NotFound):
            backend.delete(made)
        with pytest.raises(NotFound):
            backend.rotate(declared(self.address()), Sensitive(b"w"), made)

    def test_hard_delete_frees_the_name(self, backend: Backend) -> None:
        """Where a deletion is final, the name can be used again at once."""
        needs(backend, Capability.DELETE)
        if Capability.SOFT_DELETE in backend.capabilities:
            pytest.skip(f"{backend.type_name} deletes softly: the name is not free at once")
        backend.delete(backend.create(declared(self.address()), Sensitive(b"v1")))
        assert self.everything(backend) == {}
        backend.create(declared(self.address()), Sensitive(b"v2"))
        assert self.holds(backend, self.address(), b"v2")

    def test_soft_delete_and_restore(self, backend: Backend) -> None:
        """A deleted secret is listed as pending, keeps its name, and comes back as it was."""
        needs(backend, Capability.SOFT_DELETE)
        made = backend.create(declared(self.address(), tags={"team": "a"}, description="d"), Sensitive(b"v"))
        before = self.everything(backend)[self.address()]
        backend.delete(made)
        pending = self.everything(backend)[self.address()]
        assert pending.deleted
        with pytest.raises(AlreadyExists):
            backend.create(declared(self.address()), Sensitive(b"other"))
        restored = backend.restore(pending)
        assert not restored.deleted
        assert self.everything(backend) == {self.address(): before}
        assert self.holds(backend, self.address(), b"v")

    def test_restore_of_missing(self, backend: Backend) -> None:
        """What was never there cannot be restored."""
        needs(backend, Capability.SOFT_DELETE)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        with pytest.raises(NotFound):
            backend.restore(at(made, self.address("gone")))

    def test_pending_is_not_read(self, backend: Backend) -> None:
        """A secret that is pending deletion is not read."""
        needs(backend, Capability.SOFT_DELETE, Capability.READ)
        backend.delete(backend.create(declared(self.address()), Sensitive(b"v")))
        with pytest.raises(NotFound):
            backend.read(self.address())

    def test_no_version_of_what_is_pending_is_read(self, backend: Backend) -> None:
        """Nor is an older value of it."""
        needs(backend, Capability.SOFT_DELETE, Capability.READ_VERSION)
        made = backend.create(declared(self.address()), Sensitive(b"v1"))
        backend.delete(backend.rotate(declared(self.address()), Sensitive(b"v2"), made))
        with pytest.raises(NotFound):
            backend.read_version(self.address(), made.version)

    def test_move_keeps_value_and_version(self, backend: Backend) -> None:
        """A moved secret has its new address only, the same version, value, tags and enabled state."""
        needs(backend, Capability.MOVE)
        made = backend.create(declared(self.address(), tags={"team": "a"}, description="d"), Sensitive(b"v1"))
        turned = backend.rotate(declared(self.address()), Sensitive(b"v2"), made)
        new = self.address("new", scope=1)
        moved = backend.move(declared(new), turned)
        assert self.everything(backend) == {new: moved}
        assert moved == at(turned, new, remote_id=moved.remote_id)
        assert self.holds(backend, new, b"v2")
        backend.rotate(declared(new), Sensitive(b"v3"), moved)
        assert self.holds(backend, new, b"v3")

    def test_move_onto_another(self, backend: Backend) -> None:
        """A move to a name that is taken is refused, and both stay."""
        needs(backend, Capability.MOVE)
        made = backend.create(declared(self.address()), Sensitive(b"one"))
        backend.create(declared(self.address("taken")), Sensitive(b"two"))
        with pytest.raises(AlreadyExists):
            backend.move(declared(self.address("taken")), made)
        assert self.holds(backend, self.address(), b"one")
        assert self.holds(backend, self.address("taken"), b"two")

    def test_move_of_missing(self, backend: Backend) -> None:
        """A move of what is not there is NotFound."""
        needs(backend, Capability.MOVE)
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        with pytest.raises(NotFound):
            backend.move(declared(self.address("new")), at(made, self.address("gone")))

    def test_lost_race(self, backend: Backend) -> None:
        """A write that expected an older version is refused, and the winner's value stays."""
        needs(backend, Capability.CONDITIONAL_WRITE)
        stale = backend.create(declared(self.address()), Sensitive(b"v1"))
        backend.rotate(declared(self.address()), Sensitive(b"winner"), stale)
        with pytest.raises(VersionConflict):
            backend.rotate(declared(self.address()), Sensitive(b"loser"), stale)
        assert self.holds(backend, self.address(), b"winner")

    def test_race_has_one_winner(self, backend: Backend) -> None:
        """Of conditional writes at the same moment exactly one wins, and its value is the one that is there."""
        needs(backend, Capability.CONDITIONAL_WRITE)
        made = backend.create(declared(self.address()), Sensitive(b"v1"))
        values = [f"writer {number}".encode() for number in range(max(2, backend.concurrency))]

        def attempt(value: bytes) -> bytes | None:
            try:
                backend.rotate(declared(self.address()), Sensitive(value), made)
            except VersionConflict:
                return None
            return value

        with ThreadPoolExecutor(backend.concurrency) as pool:
            winners = [value for value in pool.map(attempt, values) if value is not None]
        assert len(winners) == 1
        assert self.holds(backend, self.address(), winners[0])

    def test_no_value_shows_in_optional_calls(self, backend: Backend) -> None:
        """No value shows in what the optional calls return or raise."""
        made = backend.create(declared(self.address()), Sensitive(CANARY))
        gone = at(made, self.address("gone"))
        attempts = (
            lambda: backend.read(made.address),
            lambda: backend.read_version(made.address, made.version),
            lambda: backend.read_version(gone.address, made.version),
            lambda: backend.update(declared(made.address, tags={"a": "b"}), made, ()),
            lambda: backend.update(declared(gone.address), gone, ()),
            lambda: backend.set_enabled(made, enabled=False),
            lambda: backend.set_enabled(gone, enabled=False),
            lambda: backend.move(declared(made.address), made),
            lambda: backend.delete(gone),
            lambda: backend.delete(made),
            lambda: backend.restore(made),
        )
        for attempt in attempts:
            assert_no_leak(CANARY, error_of(attempt))
