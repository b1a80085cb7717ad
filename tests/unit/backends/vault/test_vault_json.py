"""`format: json`: each key of a value is a field of the KV secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.answers import VAULT_DENIED
from support import env, secret
from vault_bench import DB, PATH

from syncer.backends.vault.values import JsonFields
from syncer.errors import AccessDenied, NotFound, Unsupported, VersionConflict
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from vault_bench import Bench

    from syncer.backends.vault import Vault
    from syncer.model import Observed

BOTH = pytest.mark.parametrize("flavour", ["vault", "openbao"])
FIELDS = "syncer:fields"


@pytest.fixture
def backend(bench: Bench) -> Vault:
    """A backend whose values are objects."""
    return bench.open(format="json")


def look(backend: Vault) -> Observed:
    """Give what is there."""
    found = backend.look(DB)
    assert found is not None
    return found


def rotate(backend: Vault, value: bytes) -> Observed:
    """Write another object."""
    return backend.rotate(declared(DB), Sensitive(value), look(backend))


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        (b'{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'),
        (b' {\n"a" :1.0 , "b": [1, 2.50, 1e3]}\n', '{"a":1,"b":[1,2.5,1000]}'),
        (b'{"a": 1e30, "b": -0.0, "c": 1e-7, "d": 0.1}', '{"a":1' + "0" * 30 + ',"b":0,"c":1e-07,"d":0.1}'),
        (b'{"a": true, "b": null, "c": {"z": [], "y": {}}}', '{"a":true,"b":null,"c":{"y":{},"z":[]}}'),
        ('{"\u00e4": "\u00fc\\u00df \\ud83d\\udd11"}'.encode(), '{"\u00e4":"\u00fc\u00df \U0001f511"}'),
        (b'{"a": "00123", "b": "<>&\\u2028"}', '{"a":"00123","b":"<>&\u2028"}'),
        (b'{"a": 9007199254740992}', '{"a":9007199254740992}'),
    ],
)
def test_objects_that_mean_the_same(backend: Vault, bench: Bench, value: bytes, canonical: str) -> None:
    """They have one form, in which they also come back."""
    shaped = backend.shape(declared(DB), Sensitive(value))
    assert shaped.reveal().decode() == canonical
    backend.check_value(declared(DB), shaped)
    bench.create(backend, shaped.reveal())
    assert backend.read(DB).reveal().decode() == canonical
    assert backend.shape(declared(DB), backend.read(DB)).reveal() == shaped.reveal()


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        b'"%b"' % CANARY,
        b'["%b"]' % CANARY,
        b"5",
        b"{}",
        b'{"a": "%b"' % CANARY,
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 1e99999999999999999999}',
        b'{"a": 9007199254740993}',
        b'{"a": 0.1000000000000000000001}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=range(17),
)
def test_what_is_no_object_that_can_be_kept(backend: Vault, bench: Bench, value: bytes) -> None:
    """It is left as it is and refused while planning: the server would drop a key, or round a number."""
    assert backend.shape(declared(DB), Sensitive(value)).reveal() == value
    for attempt in (
        lambda: backend.check_value(declared(DB), Sensitive(value)),
        lambda: bench.create(backend, value),
    ):
        with pytest.raises(Unsupported) as caught:
            attempt()
        assert_no_leak(CANARY, caught.value)
    assert bench.calls() == []


@BOTH
def test_each_key_is_a_field(backend: Vault, bench: Bench) -> None:
    """Which of them are ours stands in a mark."""
    bench.create(backend, b'{"user":"u","password":"p"}', tags={"team": "a"})
    assert bench.raw.fields(PATH) == {"user": "u", "password": "p"}
    assert (bench.custom() or {})[FIELDS] == '["password","user"]'
    assert look(backend).tags == {"team": "a"}


@BOTH
def test_keys_come_and_go(backend: Vault, bench: Bench) -> None:
    """What leaves the value leaves the secret; other people's fields stay, and are no part of the value."""
    bench.create(backend, b'{"a":"1","b":"2"}')
    bench.raw.kv("PATCH", "data", PATH, {"data": {"theirs": "x"}})
    rotate(backend, b'{"b":"3","c":"4"}')
    assert bench.raw.fields(PATH) == {"b": "3", "c": "4", "theirs": "x"}
    assert backend.read(DB).reveal() == b'{"b":"3","c":"4"}'
    assert (bench.custom() or {})[FIELDS] == '["b","c"]'


def test_calls_of_a_rotation(backend: Vault, bench: Bench) -> None:
    """The mark is written where it changes: before a field is there, and after one is gone."""
    bench.create(backend, b'{"a":"1","b":"2"}')
    bench.calls()
    rotate(backend, b'{"a":"3","b":"4"}')
    assert bench.calls()[1:] == ["GET metadata", "PATCH data"]
    rotate(backend, b'{"a":"3","c":"4"}')
    assert bench.calls()[1:] == ["GET metadata", "PATCH metadata", "PATCH data", "PATCH metadata"]
    assert (bench.custom() or {})[FIELDS] == '["a","c"]'


@BOTH
@pytest.mark.parametrize("value", [b'{"a":null}', b'{"a":{"y":1}}', b'{"a":[{"x":null}]}', b'{"a":[null]}'])
def test_what_a_merge_cannot_say(backend: Vault, bench: Bench, value: bytes) -> None:
    """Null would take a field away, and an object be mixed with the one before: it is read and written instead."""
    bench.create(backend, b'{"a":{"x":{"deep":1}},"b":2}')
    bench.raw.kv("PATCH", "data", PATH, {"data": {"theirs": {"z": 1}}})
    stale = look(backend)
    rotate(backend, value)
    assert bench.raw.fields(PATH) == {**json.loads(value), "theirs": {"z": 1}}
    assert backend.read(DB).reveal() == value
    with pytest.raises(VersionConflict):
        backend.rotate(declared(DB), Sensitive(value), stale)


def test_a_disabled_secret(backend: Vault, bench: Bench) -> None:
    """It is rotated like any other."""
    bench.create(backend, b'{"a":"1"}')
    backend.set_enabled(look(backend), enabled=False)
    rotate(backend, b'{"b":{"c":1}}')
    assert not look(backend).enabled
    assert bench.raw.fields(PATH) == {"b": {"c": 1}}


def test_a_secret_without_our_mark(backend: Vault, bench: Bench) -> None:
    """All of it is the value, until we write one; what we did not write, we do not take away."""
    bench.raw.put(PATH, {"a": "1", "b": 2})
    assert backend.read(DB).reveal() == b'{"a":"1","b":2}'
    rotate(backend, b'{"a":"3"}')
    assert backend.read(DB).reveal() == b'{"a":"3"}'
    assert bench.raw.fields(PATH) == {"a": "3", "b": 2}


@pytest.mark.parametrize("mark", ["nonsense", "5", "[", '{"a": 1}'])
def test_a_mark_that_somebody_spoilt(backend: Vault, bench: Bench, mark: str) -> None:
    """It names what it can, and the next rotation puts it right."""
    bench.create(backend, b'{"a":"1"}')
    bench.raw.kv("PATCH", "metadata", PATH, {"custom_metadata": {FIELDS: mark}})
    assert backend.read(DB).reveal() == b'{"a":"1"}'
    rotate(backend, b'{"a":"2"}')
    assert (bench.custom() or {})[FIELDS] == '["a"]'


def test_none_of_our_fields(backend: Vault, bench: Bench) -> None:
    """Reading says so."""
    bench.create(backend, b'{"a":"1"}')
    bench.raw.put(PATH, {"theirs": "x"})
    with pytest.raises(NotFound, match="lacks our field"):
        backend.read(DB)


def test_a_rotation_that_is_refused(backend: Vault, bench: Bench) -> None:
    """The mark names more than is there, and the value is what it was."""
    bench.create(backend, b'{"a":"1"}')
    bench.spoil("PATCH /v1/secret/data/*", VAULT_DENIED)
    with pytest.raises(AccessDenied):
        rotate(backend, b'{"b":"2"}')
    assert backend.read(DB).reveal() == b'{"a":"1"}'
    bench.proxy.set()
    rotate(backend, b'{"b":"2"}')
    assert bench.raw.fields(PATH) == {"b": "2"}


def test_more_keys_than_a_mark_can_name(backend: Vault) -> None:
    """It is refused while planning."""
    value = json.dumps({f"key-{number:04}": "" for number in range(50)}).encode()
    with pytest.raises(Unsupported, match="longer than 512 bytes together"):
        backend.check_value(declared(DB), Sensitive(value))


def test_the_mark_can_be_printed() -> None:
    """Whatever a key holds: the server takes nothing else."""
    mark = JsonFields().mark(["a\nb", "\u00e4", "\u200b"])[FIELDS]
    assert mark is not None
    assert mark.isascii()
    assert mark.isprintable()


@BOTH
def test_the_engine_settles(bench: Bench) -> None:
    """Objects that mean the same are no change, nor are fields of others; a key that leaves is."""
    house = bench.house(format="json")
    house.declare(secret("payments:prod/db", env("VALUE")))
    for value, changes in (
        ('{"b": 1, "a": "x"}', 1),
        ('{"a": "x", "b": 1.0}', 0),
        ('{"a": "y", "b": 1}', 1),
        ('{"a": "y"}', 1),
    ):
        house.environ["VALUE"] = value
        assert len(house.plan().changes) == changes
        assert not house.apply().failed
        bench.raw.kv("PATCH", "data", PATH, {"data": {"theirs": value}})
        assert house.plan().changes == ()
    assert bench.raw.fields(PATH) == {"a": "y", "theirs": '{"a": "y"}'}
    bench.raw.kv("PATCH", "data", PATH, {"data": {"a": "by hand"}})
    assert [str(change.reason) for change in house.plan().changes] == ["drifted"]


def test_an_engine_that_is_given_no_object(bench: Bench) -> None:
    """The plan says so, and shows nothing of it."""
    house = bench.house(format="json")
    house.environ["VALUE"] = CANARY.decode()
    house.declare(secret("payments:prod/db", env("VALUE")))
    plan = house.plan()
    assert [problem.code for problem in plan.errors] == ["unsupported"]
    assert_no_leak(CANARY, *plan.errors)


def test_two_secrets(backend: Vault, bench: Bench) -> None:
    """Marks are each secret's own."""
    bench.create(backend, b'{"a":"1"}')
    bench.create(backend, b'{"b":"2"}', Address("payments", "two"))
    assert backend.read(Address("payments", "two")).reveal() == b'{"b":"2"}'
