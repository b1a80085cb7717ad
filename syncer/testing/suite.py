"""The conformance suite: what must hold for every backend."""
# ruff: noqa: S101  # a suite asserts

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from syncer.backends.base import Backend, Capability
from syncer.errors import AlreadyExists, NotFound, Refused, Throttled, Transient, Unsupported
from syncer.model import Observed
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, OTHER_PROJECT, PROJECT, assert_no_leak, at, declared, error_of
from syncer.testing.capabilities import CapabilityConformance
from syncer.testing.engine import EngineConformance
from syncer.testing.faults import Fault, Faulty

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024
TEXTS = (
    b"v",
    b"line\n",
    b"\r\n two \t lines \n\n",
    "p\u00e4ssw\u00f6rd \U0001f511 \u65e5\u672c".encode(),
    b"x" * 64 * KIB,
    b"00123",
    b"true",
    b"null",
    b"1e3",
    b"'\"\\$(id)`{{x}}%s",
)
BINARIES = (b"a\x00b", b"\x00", b"\xff\xfe\xfd", bytes(range(256)))
IMPATIENT = Retry(attempts=4, sleep=lambda _: None)


class BackendConformance(EngineConformance, CapabilityConformance):
    """Subclass it as `class TestAcme(BackendConformance)`; pytest runs every test that it inherits."""

    def test_type_name(self, backend: Backend) -> None:
        """The backend is the one that the subclass says it tests."""
        assert self.type_name == backend.type_name

    def test_empty_scope(self, backend: Backend) -> None:
        """A scope in which nothing is gives nothing, and no error."""
        assert self.everything(backend) == {}

    def test_create_then_observe(self, backend: Backend) -> None:
        """What is created is observed as it was declared and as the create answered."""
        secret = declared(self.address(), tags={"team": "payments"}, description="primary database")
        made = backend.create(secret, Sensitive(b"v1"))
        seen = self.everything(backend)[secret.address]
        assert seen.enabled
        assert not seen.deleted
        assert seen.owner == made.owner == (PROJECT if self.marks_owner else None)
        assert seen.tags == made.tags == (secret.tags if Capability.TAGS in backend.capabilities else {})
        described = "primary database" if Capability.DESCRIPTION in backend.capabilities else None
        assert seen.description == made.description == described
        assert _version(backend, seen) == _version(backend, made)

    def test_survives_reopening(self, backend: Backend, tmp_path: Path) -> None:
        """Another run of the tool observes what this one wrote."""
        backend.create(declared(self.address()), Sensitive(b"v1"))
        with self.opened(tmp_path) as other:
            assert self.everything(other) == self.everything(backend)

    def test_create_twice(self, backend: Backend) -> None:
        """A second create is refused and changes nothing."""
        secret = declared(self.address())
        backend.create(secret, Sensitive(b"first"))
        before = self.everything(backend)
        with pytest.raises(AlreadyExists):
            backend.create(secret, Sensitive(b"second"))
        assert self.everything(backend) == before
        assert self.holds(backend, secret.address, b"first")

    def test_rotate_moves_version_only(self, backend: Backend) -> None:
        """A rotation moves the version; tags, description and enabled stay as they are."""
        secret = declared(self.address(), tags={"team": "payments"}, description="primary database")
        made = backend.create(secret, Sensitive(b"v1"))
        turned = backend.rotate(declared(self.address(), tags={"team": "other"}), Sensitive(b"v2"), made)
        seen = self.everything(backend)[secret.address]
        assert turned.version != made.version
        assert _version(backend, seen) == _version(backend, turned)
        assert (seen.tags, seen.description, seen.enabled) == (made.tags, made.description, made.enabled)
        assert self.holds(backend, secret.address, b"v2")

    def test_rotate_to_the_same_value(self, backend: Backend) -> None:
        """A rotation to equal bytes is a rotation: it succeeds and the value stays."""
        secret = declared(self.address())
        made = backend.create(secret, Sensitive(b"same"))
        backend.rotate(secret, Sensitive(b"same"), made)
        assert self.holds(backend, secret.address, b"same")

    def test_rotate_of_missing(self, backend: Backend) -> None:
        """A rotation of what is not there is NotFound and makes nothing."""
        made = backend.create(declared(self.address("there")), Sensitive(b"v1"))
        with pytest.raises(NotFound):
            backend.rotate(declared(self.address("gone")), Sensitive(b"v2"), at(made, self.address("gone")))
        assert list(self.everything(backend)) == [self.address("there")]

    @pytest.mark.parametrize("value", TEXTS, ids=range(len(TEXTS)))
    def test_text_is_kept_verbatim(self, backend: Backend, value: bytes) -> None:
        """Text comes back byte for byte: no stripping, no number, no boolean, no normalised line end.

        What the subclass says that the store cannot hold is refused while planning.
        """
        secret = declared(self.address())
        if value in self.refuses or (self.max_value is not None and len(value) > self.max_value):
            with pytest.raises(Unsupported):
                backend.check_value(secret, Sensitive(value))
            return
        backend.check_value(secret, Sensitive(value))
        made = backend.create(secret, Sensitive(b"before"))
        backend.rotate(secret, Sensitive(value), made)
        assert self.holds(backend, secret.address, value)

    def test_longest_value(self, backend: Backend) -> None:
        """The longest value is kept, and one byte more is refused while planning."""
        if self.max_value is None:
            pytest.skip("the store has no limit that the suite would reach")
        secret, value = declared(self.address()), b"x" * self.max_value
        backend.check_value(secret, Sensitive(value))
        with pytest.raises(Unsupported):
            backend.check_value(secret, Sensitive(value + b"x"))
        backend.create(secret, Sensitive(value))
        assert self.holds(backend, self.address(), value)

    @pytest.mark.parametrize("value", BINARIES, ids=range(len(BINARIES)))
    def test_binary_is_kept_or_refused(self, backend: Backend, value: bytes) -> None:
        """Bytes that are no text are kept verbatim, or refused while planning; never mangled."""
        secret = declared(self.address())
        try:
            backend.check_value(secret, Sensitive(value))
        except Unsupported:
            assert Capability.BINARY not in backend.capabilities
            return
        backend.create(secret, Sensitive(value))
        assert self.holds(backend, secret.address, value)

    def test_same_ref_in_two_scopes(self, backend: Backend) -> None:
        """One ref in two scopes is two secrets."""
        here, there = self.address(scope=0), self.address(scope=1)
        made = backend.create(declared(here), Sensitive(b"here"))
        backend.create(declared(there), Sensitive(b"there"))
        backend.rotate(declared(here), Sensitive(b"here again"), made)
        assert set(self.everything(backend)) == {here, there}
        assert self.holds(backend, here, b"here again")
        assert self.holds(backend, there, b"there")

    def test_one_scope(self, backend: Backend) -> None:
        """All of an asked scope is observed, also when it is not the only one."""
        here, there = self.address(scope=0), self.address(scope=1)
        backend.create(declared(here), Sensitive(b"here"))
        backend.create(declared(there), Sensitive(b"there"))
        assert [e.address for e in backend.observe([here.scope], [here]) if e.address.scope == here.scope] == [here]

    @pytest.mark.parametrize("owner", [OTHER_PROJECT, None])
    def test_entries_of_others(self, backend: Backend, owner: str | None) -> None:
        """Entries that are not ours are listed with their owner, and no write of ours touches them."""
        theirs = self.address("theirs")
        self.plant(backend, theirs, Sensitive(b"theirs"), owner)
        before = self.everything(backend)[theirs]
        made = backend.create(declared(self.address("ours")), Sensitive(b"v1"))
        backend.rotate(declared(self.address("ours")), Sensitive(b"v2"), made)
        with pytest.raises(AlreadyExists):
            backend.create(declared(theirs), Sensitive(b"taken over"))
        assert before.owner == (owner if self.marks_owner else None)
        assert self.everything(backend)[theirs] == before
        assert self.holds(backend, theirs, b"theirs")

    def test_many_entries(self, backend: Backend) -> None:
        """More entries than a page holds are observed, each once."""
        names = [self.address(f"n-{number}") for number in range(self.many)]
        for address in names:
            backend.create(declared(address), Sensitive(b"v"))
        assert set(self.everything(backend)) == set(names)

    def test_busy_store(self, backend: Backend) -> None:
        """A store that is too busy is Transient, to be tried again, or Refused after that; nothing was written."""
        backend.create(declared(self.address("first")), Sensitive(b"v"))
        with self.busy(backend), pytest.raises((Transient, Refused)):
            backend.create(declared(self.address()), Sensitive(b"v"))
        assert list(self.everything(backend)) == [self.address("first")]
        backend.create(declared(self.address()), Sensitive(b"v"))

    def test_throttled_create_is_made_once(self, backend: Backend) -> None:
        """A create that is throttled twice is tried again and made once."""
        throttled = Fault(error=Throttled("too many requests", retry_after=1), method="create", times=2)
        faulty = Faulty(backend, [throttled])
        IMPATIENT.call(lambda: faulty.create(declared(self.address()), Sensitive(b"v")))
        assert list(self.everything(backend)) == [self.address()]

    def test_lost_answer_to_a_create(self, backend: Backend) -> None:
        """A create whose answer was lost is there, and the same once more makes no second: it says so, or gives it."""
        faulty = Faulty(backend, [Fault(error=Transient("connection reset"), method="create", after=True)])
        with pytest.raises(Transient):
            faulty.create(declared(self.address()), Sensitive(b"v"))
        before = self.everything(backend)
        again = error_of(lambda: faulty.create(declared(self.address()), Sensitive(b"v")))
        assert isinstance(again, AlreadyExists | Observed)
        assert list(before) == [self.address()]
        assert self.everything(backend) == before
        assert self.holds(backend, self.address(), b"v")

    def test_no_value_shows(self, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
        """No value shows in what a backend returns, raises, logs or says of itself."""
        caplog.set_level(logging.DEBUG)
        secret, value = declared(self.address()), Sensitive(CANARY)
        made = backend.create(secret, value)
        turned = backend.rotate(secret, value, made)
        gone = self.address("gone")
        things: list[object] = [backend, vars(backend), made, turned, *self.everything(backend).values()]
        things.append(error_of(lambda: backend.create(secret, value)))
        things.append(error_of(lambda: backend.rotate(declared(gone), value, at(made, gone))))
        assert_no_leak(CANARY, *things, caplog.text)

    def test_writes_are_metered(self, backend: Backend) -> None:
        """Every write counts as a call, and none as a value read."""
        before = backend.meter.total
        made = backend.create(declared(self.address()), Sensitive(b"v"))
        created = backend.meter.total
        backend.rotate(declared(self.address()), Sensitive(b"w"), made)
        rotated = backend.meter.total
        assert before.calls < created.calls < rotated.calls
        self.everything(backend)
        assert backend.meter.total.values_read == before.values_read

    def test_parallel_writes(self, backend: Backend) -> None:
        """Writes at the declared width all land."""
        names = [self.address(f"n-{number}") for number in range(4 * backend.concurrency)]
        with ThreadPoolExecutor(backend.concurrency) as pool:
            made = list(pool.map(lambda a: backend.create(declared(a), Sensitive(str(a).encode())), names))
        assert {entry.address for entry in made} == set(names) == set(self.everything(backend))
        assert all(self.holds(backend, address, str(address).encode()) for address in names)

    def test_close_twice(self, tmp_path: Path) -> None:
        """An unused backend can be closed, and closing again does no harm."""
        unused = self.open_backend(tmp_path, PROJECT)
        unused.close()
        unused.close()


def _version(backend: Backend, entry: Observed) -> str | None:
    return entry.version if Capability.VERSION_IN_LIST in backend.capabilities else None
