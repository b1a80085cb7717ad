"""Older versions of a KV secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from vault_bench import DB, PATH

from syncer.errors import NotFound, Unsupported
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from vault_bench import Bench

BOTH = pytest.mark.parametrize("flavour", ["vault", "openbao"])


@BOTH
def test_by_number_or_by_our_name(bench: Bench) -> None:
    """Each version has both."""
    backend = bench.open()
    made = bench.create(backend)
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), made)
    for version, value in (("1", b"v1"), (made.version, b"v1"), ("2", b"v2"), (turned.version, b"v2")):
        assert backend.read_version(DB, version).reveal() == value


@BOTH
def test_another_secret_with_the_same_number(bench: Bench) -> None:
    """After a purge numbers start again; our name tells when a version was written."""
    backend = bench.open(purge=True)
    made = bench.create(backend)
    backend.delete(made)
    again = bench.create(backend, b"other")
    assert backend.read_version(DB, again.version).reveal() == b"other"
    with pytest.raises(NotFound):
        backend.read_version(DB, made.version)


@BOTH
def test_what_readers_are_refused(bench: Bench) -> None:
    """A version that is deleted, destroyed or no longer kept, and every one of a disabled secret."""
    backend = bench.open()
    seen = bench.create(backend)
    for number in (2, 3):
        seen = backend.rotate(declared(DB), Sensitive(f"v{number}".encode()), seen)
    bench.raw.kv("POST", "delete", PATH, {"versions": [1]})
    bench.raw.kv("POST", "destroy", PATH, {"versions": [2]})
    for version in ("1", "2", "4"):
        with pytest.raises(NotFound):
            backend.read_version(DB, version)
    assert backend.read_version(DB, "3").reveal() == b"v3"
    backend.set_enabled(seen, enabled=False)
    for version in ("1", "2", "3"):
        with pytest.raises(NotFound):
            backend.read_version(DB, version)


@pytest.mark.parametrize("version", ["0", "01", "-1", "1.0", "", "1?x", "two", "\u0663"])
def test_what_names_no_version(bench: Bench, version: str) -> None:
    """Is not sent at all: to the server 0 is the newest."""
    backend = bench.open()
    bench.create(backend)
    before = backend.meter.total
    with pytest.raises(NotFound, match="not in vault in a version"):
        backend.read_version(DB, version)
    assert backend.meter.total == before


def test_a_version_without_our_field(bench: Bench) -> None:
    """Somebody else's: NotFound."""
    backend = bench.open(field="value")
    bench.create(backend)
    bench.raw.put(PATH, {"theirs": "x"})
    with pytest.raises(NotFound):
        backend.read_version(DB, "2")


def test_an_object_of_fields(bench: Bench) -> None:
    """Comes back whole where all of its fields are known to be ours; else it is refused, never cut."""
    backend = bench.open(format="json")
    made = bench.create(backend, b'{"a":"1"}')
    turned = backend.rotate(declared(DB), Sensitive(b'{"a":"2","b":"3"}'), made)
    assert backend.read_version(DB, made.version).reveal() == b'{"a":"1"}'
    backend.rotate(declared(DB), Sensitive(b'{"b":"4"}'), turned)
    with pytest.raises(Unsupported, match="has fields of which nobody can tell any more whose they were"):
        backend.read_version(DB, turned.version)
    assert backend.read_version(DB, "3").reveal() == b'{"b":"4"}'
