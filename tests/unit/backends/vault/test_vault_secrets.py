"""What becomes of a secret in the store: of our value and marks, and of what others keep there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.answers import VAULT_DENIED, vault_error
from conformance.fakes.clock import SECOND
from conformance.fakes.loopback import Answer
from conformance.fakes.vault.tokens import Grant
from vault_bench import DB, PATH

from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    Transient,
    Unsupported,
    VersionConflict,
)
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import assert_no_leak, declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from vault_bench import Bench

    from syncer.backends.vault import Vault
    from syncer.model import Observed

GONE = vault_error(404)
NO_PATCH = vault_error(405, "1 error occurred:\n\t* unsupported operation\n\n")
FAILED = vault_error(500, "internal error")
BOTH = pytest.mark.parametrize("flavour", ["vault", "openbao"])


def look(backend: Vault) -> Observed:
    """Give what is at the usual address."""
    found = backend.look(DB)
    assert found is not None
    return found


@BOTH
def test_what_stands_where(bench: Bench) -> None:
    """The layout is an interface: others read it."""
    made = bench.create(bench.open(), b"s3cret", tags={"team": "a"}, description="main")
    assert bench.raw.fields(PATH) == {"value": "s3cret"}
    assert bench.custom() == {
        "syncer:project": "shop",
        "syncer:address": "payments:prod/db",
        "syncer:description": "main",
        "team": "a",
    }
    assert made.remote_id == look(bench.open()).remote_id == f"{bench.proxy.url}/secret/{PATH}"
    assert made.version.startswith("1@20")


def test_calls_of_each_write(bench: Bench) -> None:
    """As few as can be: what is there is looked at, because no condition of the store knows whose it is."""
    backend = bench.open()
    made = bench.create(backend)
    assert bench.calls() == [
        "GET metadata",
        "GET /v1/sys/internal/ui/mounts/secret",
        "GET /v1/auth/token/lookup-self",
        "POST metadata",
        "POST data",
    ]
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), made)
    assert bench.calls() == ["GET metadata", "PATCH data"]
    backend.update(declared(DB, tags={"a": "b"}), turned, ())
    assert bench.calls() == ["GET metadata", "PATCH metadata"]
    off = backend.set_enabled(turned, enabled=False)
    assert bench.calls() == ["GET metadata", "POST delete"]
    on = backend.set_enabled(off, enabled=True)
    assert bench.calls() == ["GET metadata", "POST undelete"]
    backend.read(DB)
    assert bench.calls() == ["GET data"]
    backend.delete(on)
    assert bench.calls() == ["GET metadata", "PATCH metadata", "POST delete"]
    backend.restore(on)
    assert bench.calls() == ["GET metadata", "PATCH metadata", "POST undelete"]


def test_what_is_so_already_is_not_written(bench: Bench) -> None:
    """Enabled or disabled by somebody else meanwhile."""
    backend = bench.open()
    made = bench.create(backend)
    off = backend.set_enabled(made, enabled=False)
    bench.calls()
    assert backend.set_enabled(off, enabled=False) == off
    backend.delete(off)
    assert bench.calls() == ["GET metadata", "GET metadata", "PATCH metadata"]
    assert not backend.restore(off).enabled
    assert bench.calls() == ["GET metadata", "PATCH metadata"]


# What others keep.


@BOTH
def test_fields_of_others_stay(bench: Bench) -> None:
    """Through a rotation, a disable, a rotation of what is disabled, an enable."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.put(PATH, {"value": "v1", "theirs": {"deep": [1, 2]}})
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), look(backend))
    off = backend.set_enabled(turned, enabled=False)
    again = backend.rotate(declared(DB), Sensitive(b"v3"), off)
    backend.set_enabled(again, enabled=True)
    assert bench.raw.fields(PATH) == {"value": "v3", "theirs": {"deep": [1, 2]}}


def test_custom_metadata_of_others_stays(bench: Bench) -> None:
    """Theirs are tags to us: shown, kept, and taken away only by who says so."""
    backend = bench.open()
    made = bench.create(backend, tags={"ours": "1"})
    bench.raw.kv("PATCH", "metadata", PATH, {"custom_metadata": {"theirs": "x"}})
    updated = backend.update(declared(DB, tags={"ours": "2"}), look(backend), ())
    assert updated.tags == look(backend).tags == {"ours": "2", "theirs": "x"}
    backend.update(declared(DB), updated, {"ours"})
    assert look(backend).tags == {"theirs": "x"}
    assert look(backend).version == made.version


def test_another_field_of_the_secret(bench: Bench) -> None:
    """Two backends may keep their values in one secret."""
    bench.create(bench.open(), b"one")
    other = bench.open(field="other")
    other.rotate(declared(DB), Sensitive(b"two"), look(other))
    assert bench.raw.fields(PATH) == {"value": "one", "other": "two"}


def test_a_field_that_somebody_took_away(bench: Bench) -> None:
    """Reading says so; a rotation puts it back."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.put(PATH, {"theirs": "1"})
    with pytest.raises(NotFound, match="lacks our field"):
        backend.read(DB)
    backend.rotate(declared(DB), Sensitive(b"v2"), look(backend))
    assert bench.raw.fields(PATH) == {"theirs": "1", "value": "v2"}


@pytest.mark.parametrize(("found", "text"), [(5, b"5"), (["a"], b'["a"]'), (True, b"true")])
def test_a_field_that_is_no_text(bench: Bench, found: Any, text: bytes) -> None:
    """It reads as its JSON, so that it differs from what we wrote."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.put(PATH, {"value": found})
    assert backend.read(DB).reveal() == text


# Creating.


@BOTH
def test_a_place_without_a_version(bench: Bench) -> None:
    """What somebody said of a secret that is not there yet is kept; nothing is there until it has a version."""
    bench.raw.kv("POST", "metadata", PATH, {"custom_metadata": {"theirs": "x"}, "max_versions": 3})
    backend = bench.open()
    assert backend.look(DB) is None
    assert list(backend.observe(["payments"], [])) == []
    made = bench.create(backend, tags={"team": "a"})
    assert made.tags == look(backend).tags == {"theirs": "x", "team": "a"}
    assert bench.raw.kv("GET", "metadata", PATH)["max_versions"] == 3


def test_a_place_that_another_project_claims(bench: Bench) -> None:
    """It is theirs, though nothing is there yet."""
    bench.raw.kv("POST", "metadata", PATH, {"custom_metadata": {"syncer:project": "other"}})
    with pytest.raises(AlreadyExists, match="claimed by project other"):
        bench.create(bench.open())
    assert bench.custom() == {"syncer:project": "other"}


def test_a_kill_between_claim_and_value(bench: Bench) -> None:
    """What is left is nothing to readers and to a plan, and the next run goes on with it."""
    backend = bench.open()
    backend._kv.make(backend._place(DB), {"syncer:project": "shop", "syncer:address": str(DB), "old": "tag"})
    assert list(backend.observe(["payments"], [])) == []
    made = bench.create(backend)
    assert made.owner == "shop"
    assert backend.read(DB).reveal() == b"v1"


@pytest.mark.parametrize("before", [None, {"theirs": "x", "team": "theirs"}])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (vault_error(400, "check-and-set parameter did not match the current version"), AlreadyExists),
        (VAULT_DENIED, AccessDenied),
        (vault_error(413, "http: request body too large"), Refused),
    ],
)
def test_a_create_that_is_refused_takes_its_claim_back(
    bench: Bench, before: dict[str, str] | None, answer: Answer, error: type[Exception]
) -> None:
    """What was there before us is there again."""
    if before is not None:
        bench.raw.kv("POST", "metadata", PATH, {"custom_metadata": before})
    bench.spoil("POST /v1/secret/data/*", answer)
    with pytest.raises(error):
        bench.create(bench.open(), tags={"team": "ours"})
    assert (bench.custom() or {}) == (before or {})


def test_a_claim_that_cannot_be_taken_back(bench: Bench) -> None:
    """The first error is the one that is told."""
    backend = bench.open()
    bench.spoil("P* /v1/secret/*data/*", VAULT_DENIED, after=1)
    with pytest.raises(AccessDenied, match="vault denied update on secret/data"):
        bench.create(backend)


def test_a_create_whose_answer_is_lost_keeps_its_claim(bench: Bench) -> None:
    """It may have been made, so the engine looks."""
    bench.spoil("POST /v1/secret/data/*", FAILED)
    with pytest.raises(Transient):
        bench.create(bench.open())
    assert (bench.custom() or {})["syncer:project"] == "shop"


@pytest.mark.parametrize("flavour", ["openbao"])
def test_a_claim_that_comes_second(bench: Bench) -> None:
    """OpenBao has a condition for metadata: the winner's marks stay."""
    backend = bench.open()
    backend._kv.look = lambda _place: None  # type: ignore[method-assign]  # as it was a moment ago
    bench.raw.kv("POST", "metadata", PATH, {"custom_metadata": {"syncer:project": "other"}})
    with pytest.raises(AlreadyExists, match="same moment"):
        bench.create(backend)
    assert bench.custom() == {"syncer:project": "other"}


# Versions.


def test_purged_and_made_anew(bench: Bench) -> None:
    """The same number is another version, and nothing is disabled or deleted on its account."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.kv("DELETE", "metadata", PATH)
    bench.raw.put(PATH, {"value": "theirs"})
    assert look(backend).version != made.version
    for change in (lambda: backend.set_enabled(made, enabled=False), lambda: backend.delete(made)):
        with pytest.raises(VersionConflict, match="made it anew"):
            change()


def test_another_version_by_now(bench: Bench) -> None:
    """Nothing is disabled, deleted or rotated that nobody looked at."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.put(PATH, {"value": "theirs"})
    changes: list[Callable[[], object]] = [
        lambda: backend.set_enabled(made, enabled=False),
        lambda: backend.delete(made),
        lambda: backend.rotate(declared(DB), Sensitive(b"v2"), made),
        lambda: backend.rotate(declared(DB), Sensitive(b"v2"), replace(made, enabled=False)),
    ]
    for change in changes:
        with pytest.raises(VersionConflict):
            change()
    assert bench.raw.fields(PATH) == {"value": "theirs"}


def test_another_project_by_now(bench: Bench) -> None:
    """What it has claimed since the plan is not ours to disable, delete or restore."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.kv("PATCH", "metadata", PATH, {"custom_metadata": {"syncer:project": "other"}})
    for change in (lambda: backend.set_enabled(made, enabled=False), lambda: backend.delete(made)):
        with pytest.raises(VersionConflict, match="belongs to project other"):
            change()


@pytest.mark.parametrize("version", ["", "x", "@"])
def test_a_version_that_nobody_knows(bench: Bench, version: str) -> None:
    """Such as a plan that did not look gives."""
    backend = bench.open()
    made = replace(bench.create(backend), version=version)
    with pytest.raises(VersionConflict, match="vault holds version 1, not"):
        backend.rotate(declared(DB), Sensitive(b"v2"), made)


def test_destroyed(bench: Bench) -> None:
    """Its value is gone: it counts as enabled under another version, so that a plan makes it anew."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.kv("POST", "destroy", PATH, {"versions": [1]})
    found = look(backend)
    assert (found.version, found.enabled, found.deleted) == ("1!destroyed", True, False)
    with pytest.raises(NotFound):
        backend.read(DB)
    with pytest.raises(Refused, match="nothing to disable"):
        backend.set_enabled(found, enabled=False)
    assert backend.set_enabled(found, enabled=True) == found
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), found)
    assert turned.version.startswith("2@")
    assert backend.read(DB).reveal() == b"v2"
    assert made.owner == look(backend).owner


def test_destroyed_and_deleted(bench: Bench) -> None:
    """A deletion is one also where there is nothing left to hide, and can be undone as far as that goes."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.kv("POST", "destroy", PATH, {"versions": [1]})
    backend.delete(look(backend))
    pending = look(backend)
    assert (pending.deleted, pending.enabled) == (True, True)
    assert backend.restore(pending) == look(backend)
    assert look(backend).version == "1!destroyed"


def test_a_version_that_expires(bench: Bench) -> None:
    """Until then it is enabled, though it has a time of deletion."""
    backend = bench.open()
    bench.create(backend)
    entry = bench.server.entry(PATH)
    assert entry is not None
    entry.versions[1].deleted = bench.server.clock.nanoseconds + 3600 * SECOND  # as `delete_version_after: 1h` does
    assert look(backend).enabled
    bench.server.clock.advance(3601)
    assert not look(backend).enabled


# Rotating what is disabled.


def hidden_versions(bench: Bench) -> set[str]:
    """Name the versions that readers are refused."""
    versions = bench.raw.kv("GET", "metadata", PATH)["versions"]
    return {number for number, version in versions.items() if version["deletion_time"]}


def disabled(bench: Bench, backend: Vault) -> Observed:
    """Make a disabled secret."""
    off = backend.set_enabled(bench.create(backend), enabled=False)
    bench.calls()
    return off


def test_no_version_of_a_disabled_secret_can_be_read(bench: Bench) -> None:
    """Neither the new one nor the old one, by whatever number."""
    backend = bench.open()
    backend.rotate(declared(DB), Sensitive(b"v2"), disabled(bench, backend))
    assert bench.calls() == ["GET metadata", "POST undelete", "PATCH data", "POST delete"]
    assert hidden_versions(bench) == {"1", "2"}


@pytest.mark.parametrize(
    ("answer", "error"), [(VAULT_DENIED, AccessDenied), (FAILED, Transient), (GONE, NotFound)], ids=str
)
def test_a_rotation_that_fails_leaves_it_disabled(bench: Bench, answer: Answer, error: type[Exception]) -> None:
    """The old version is hidden again."""
    backend = bench.open()
    off = disabled(bench, backend)
    bench.spoil("PATCH *", answer)
    with pytest.raises(error):
        backend.rotate(declared(DB), Sensitive(b"v2"), off)
    assert hidden_versions(bench) == {"1"}


def test_a_disabled_secret_that_is_gone(bench: Bench) -> None:
    """What was deleted meanwhile is not brought back for a rotation."""
    backend = bench.open()
    off = disabled(bench, backend)
    backend.delete(off)
    with pytest.raises(NotFound):
        backend.rotate(declared(DB), Sensitive(b"v2"), off)
    assert hidden_versions(bench) == {"1"}


# Deleting.


def test_purge(bench: Bench) -> None:
    """All versions and all metadata are gone, and nothing can be restored."""
    backend = bench.open(purge=True)
    made = bench.create(backend)
    backend.delete(made)
    assert bench.server.entry(PATH) is None
    with pytest.raises(Unsupported):
        backend.restore(made)


def test_what_somebody_brought_back(bench: Bench) -> None:
    """It is there again; and to disable it does not delete it."""
    backend = bench.open()
    backend.delete(bench.create(backend))
    bench.raw.kv("POST", "undelete", PATH, {"versions": [1]})
    found = look(backend)
    assert (found.deleted, found.enabled) == (False, True)
    off = backend.set_enabled(found, enabled=False)
    assert (off.deleted, off.enabled) == (False, False)
    assert look(backend) == off


def test_what_somebody_deleted(bench: Bench) -> None:
    """Without our mark, a deletion is what disables."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.kv("DELETE", "data", PATH)
    assert (look(backend).deleted, look(backend).enabled) == (False, False)
    with pytest.raises(NotFound):
        backend.restore(look(backend))


def test_a_deletion_that_stops_half_way(bench: Bench) -> None:
    """It is still there and enabled, and can be deleted."""
    backend = bench.open()
    made = bench.create(backend)
    bench.spoil("POST /v1/secret/delete/*", VAULT_DENIED)
    with pytest.raises(AccessDenied):
        backend.delete(made)
    assert (look(backend).deleted, look(backend).enabled) == (False, True)
    bench.proxy.set()
    backend.delete(made)
    assert look(backend).deleted


@pytest.mark.parametrize(("answer", "error"), [(VAULT_DENIED, AccessDenied), (FAILED, BackendError)], ids=str)
def test_a_restoration_that_stops_half_way(bench: Bench, answer: Answer, error: type[Exception]) -> None:
    """It is pending deletion as before, and can be restored: without a mark, nobody would know it for ours."""
    backend = bench.open()
    backend.delete(bench.create(backend))
    before = look(backend)
    bench.spoil("POST /v1/secret/undelete/*", answer)
    with pytest.raises(error) as caught:
        backend.restore(before)
    assert not isinstance(caught.value, Transient)
    assert look(backend) == before
    bench.proxy.set()
    assert backend.restore(before).enabled


# Servers that know no patch.


def test_without_patch(bench: Bench) -> None:
    """They are read and written, under the same condition."""
    bench.spoil("PATCH *", NO_PATCH)
    backend = bench.open()
    made = bench.create(backend, tags={"team": "a"})
    bench.raw.put(PATH, {"value": "v1", "theirs": "x"})
    found = look(backend)
    turned = backend.rotate(declared(DB), Sensitive(b"v2"), found)
    assert bench.raw.fields(PATH) == {"value": "v2", "theirs": "x"}
    with pytest.raises(VersionConflict):
        backend.rotate(declared(DB), Sensitive(b"v3"), found)
    backend.update(declared(DB, tags={"tier": "b"}), turned, {"team"})
    assert look(backend).tags == {"tier": "b"}
    with pytest.raises(NotFound):
        backend.update(declared(Address("payments", "gone")), made, ())


def test_values_read_are_counted(bench: Bench) -> None:
    """Also where a value is read to be written."""
    bench.spoil("PATCH *", NO_PATCH)
    backend = bench.open()
    made = bench.create(backend)
    assert backend.meter.total.values_read == 0
    backend.rotate(declared(DB), Sensitive(b"v2"), made)
    assert backend.meter.total.values_read == 1


def test_every_call_is_counted(bench: Bench) -> None:
    """Looking up the token and asking for the mount too."""
    backend = bench.open()
    bench.create(backend)
    assert backend.meter.total.calls == len(bench.proxy.log) == 5


# Limits.


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"tags": {f"t{number}": "x" for number in range(60)}}, "at most 59 tags"),
        ({"tags": {"syncer:project": "x"}}, "for our own marks"),
        ({"tags": {"k" * 129: "x"}}, "name of the tag `k+`: it is to have 1 to 128 bytes"),
        ({"tags": {"k": ""}}, "tag `k`: it is to have 1 to 512 bytes"),
        ({"tags": {"k": "\u00e9" * 257}}, "tag `k`: it is to have 1 to 512 bytes"),
        ({"tags": {"k": "two\nlines"}}, "tag `k`: it holds what cannot be printed"),
        ({"tags": {"a\tb": "x"}}, "cannot be printed"),
        ({"description": "no\u00a0break"}, "description: it holds what cannot be printed"),
        ({"description": "x" * 513}, "description: it is to have"),
    ],
)
def test_what_the_metadata_cannot_hold(bench: Bench, facts: dict[str, Any], why: str) -> None:
    """It is refused offline, with the reason."""
    with pytest.raises(Unsupported, match=why):
        bench.open().check(declared(DB, **facts))
    assert bench.calls() == []


def test_an_address_that_is_too_long(bench: Bench) -> None:
    """It stands in a mark."""
    with pytest.raises(Unsupported, match="address: it is to have"):
        bench.open().check(declared(Address("payments", "x" * 510)))


def test_what_the_metadata_can_just_hold(bench: Bench) -> None:
    """The server agrees with what is checked offline."""
    tags = {f"t{number}": "x" for number in range(56)}
    tags |= {"k" * 128: "\u00e9" * 256, "\u00e4 key": "\u00fc \U0001f600 x", "a:b/c.d": "'\"\\"}
    backend = bench.open()
    secret = declared(DB, tags=tags, description="d" * 512)
    backend.check(secret)
    backend.create(secret, Sensitive(b"v"))
    assert look(backend).tags == tags


def test_a_long_value(bench: Bench) -> None:
    """A mebibyte and no more, which is what Vault takes of one string."""
    backend = bench.open()
    backend.check_value(declared(DB), Sensitive(b"x" * 1024 * 1024))
    with pytest.raises(Unsupported, match="at most 1 MiB"):
        backend.check_value(declared(DB), Sensitive(b"x" * (1024 * 1024 + 1)))
    with pytest.raises(Unsupported, match="UTF-8"):
        backend.check_value(declared(DB), Sensitive(b"\xff"))


# The mount.


@BOTH
def test_an_engine_of_version_1(bench: Bench) -> None:
    """It would take our writes for its own: it is told from an empty one, and nothing is written to it."""
    bench.server.mount("kv1", version=1)
    backend = bench.open(mount="kv1")
    for attempt in (lambda: list(backend.observe(["payments"], [])), lambda: bench.create(backend)):
        with pytest.raises(InvalidConfiguration, match="kv1 is a KV engine of version 1"):
            attempt()
    assert not [call for call in bench.proxy.log if call.method in ("POST", "PATCH", "PUT")]


@BOTH
def test_no_engine(bench: Bench) -> None:
    """It is named."""
    backend = bench.open(mount="nowhere")
    for attempt in (lambda: list(backend.observe(["payments"], [])), lambda: bench.create(backend)):
        with pytest.raises(InvalidConfiguration, match="has nothing mounted at nowhere"):
            attempt()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"type": "kv", "path": "secret/", "options": {"version": "2"}}, "the engine is mounted at secret"),
        ({"type": "cubbyhole", "path": "team/kv/", "options": None}, "team/kv is of type cubbyhole"),
        ({"type": "kv", "path": "team/kv/", "options": None}, "team/kv is a KV engine of version 1"),
    ],
)
def test_something_else_there(bench: Bench, told: dict[str, Any], why: str) -> None:
    """What the server says of the mount is told."""
    bench.server.mount("team/kv")
    body = str({"data": told}).replace("'", '"').replace("None", "null").encode()
    bench.spoil("GET /v1/sys/internal/*", Answer(body=body))
    with pytest.raises(InvalidConfiguration, match=why):
        list(bench.open(mount="team/kv").observe(["payments"], []))


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": {"path": 5, "options": {}, "type": "kv"}}'])
def test_odd_words_of_the_mount(bench: Bench, body: bytes) -> None:
    """They are told, and nothing is written on their strength."""
    bench.spoil("GET /v1/sys/internal/*", Answer(body=body))
    backend = bench.open()
    with pytest.raises(BackendError, match=r"mount secret: what vault at .* answered makes no sense"):
        bench.create(backend)
    assert bench.server.entry(PATH) is None


def test_the_mount_is_asked_for_once(bench: Bench) -> None:
    """And not at all where something shows what it is; who may not ask goes on."""
    bench.spoil("GET /v1/sys/*", VAULT_DENIED)
    backend = bench.open()
    for _ in range(2):
        assert list(backend.observe(["payments"], [])) == []
    assert sum("sys" in name for name in bench.calls()) == 1
    bench.create(backend)
    other = bench.open()
    assert len(list(other.observe(["payments"], []))) == 1
    assert not [name for name in bench.calls() if "sys" in name]


# Writes of others, and of runs that were cut off.


@BOTH
def test_older_versions_are_hidden_with_the_newest(bench: Bench) -> None:
    """They may hold the same value: somebody wrote a field beside it, or a run was killed."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.put(PATH, {"value": "v1", "note": "x"})
    off = backend.set_enabled(look(backend), enabled=False)
    versions = bench.raw.kv("GET", "metadata", PATH)["versions"]
    assert [bool(version["deletion_time"]) for version in versions.values()] == [True, True]
    backend.rotate(declared(DB), Sensitive(b"v2"), off)
    versions = bench.raw.kv("GET", "metadata", PATH)["versions"]
    assert [bool(version["deletion_time"]) for version in versions.values()] == [True, True, True]


@BOTH
def test_what_another_project_made_anew_is_not_written(bench: Bench) -> None:
    """Its version counts from 1 again, so that no check-and-set tells."""
    backend = bench.open()
    made = bench.create(backend)
    bench.raw.kv("DELETE", "metadata", PATH)
    bench.raw.put(PATH, {"value": "theirs"}, {"syncer:project": "other"})
    for write in (
        lambda: backend.rotate(declared(DB), Sensitive(b"v2"), made),
        lambda: backend.update(declared(DB, tags={"a": "b"}), made, ()),
    ):
        with pytest.raises(VersionConflict, match="belongs to project other"):
            write()
    assert bench.raw.fields(PATH) == {"value": "theirs"}
    assert look(backend).owner == "other"


@BOTH
def test_a_version_of_null(bench: Bench) -> None:
    """Somebody wrote null instead of fields, which both servers take: there is no value, and a rotation makes one."""
    backend = bench.open()
    bench.create(backend)
    bench.raw.kv("POST", "data", PATH, {"data": None})
    with pytest.raises(NotFound):
        backend.read(DB)
    backend.rotate(declared(DB), Sensitive(b"v2"), look(backend))
    assert bench.raw.fields(PATH) == {"value": "v2"}


def test_a_hidden_rotation_that_cannot_be_hidden_is_no_refusal(bench: Bench) -> None:
    """The new value is there: what says otherwise would leave it to readers, and state without a word of it."""
    backend = bench.open()
    off = backend.set_enabled(bench.create(backend), enabled=False)
    bench.spoil("POST /v1/*/delete/*", VAULT_DENIED)
    with pytest.raises(BackendError, match="denied") as caught:
        backend.rotate(declared(DB), Sensitive(b"v2"), off)
    assert type(caught.value) is BackendError


def test_a_login_that_fails_is_not_tried_for_each_address(bench: Bench) -> None:
    """The server would lock the user out."""
    bench.server.user("ci", "right", Grant(policies=("root",)))
    auth = {"method": "userpass", "username": "ci", "password": {"env": "PASSWORD"}}
    backend = bench.open(auth=auth, environ={"PASSWORD": "wrong"})
    for _ in range(3):
        with pytest.raises(AccessDenied, match="turned the login"):
            backend.look(DB)
    assert len([call for call in bench.proxy.log if "/login/" in call.path]) == 1


@pytest.mark.parametrize(
    "place", ["http://host:99999", "http://[::", "http://a host", "http://user:hunter2@host", "http://host?x"]
)
def test_a_standby_that_names_no_server(bench: Bench, place: str) -> None:
    """A clear error without what stood there."""
    headers = (("Location", f"{place}/v1/secret/metadata/x"),)
    bench.spoil("GET *", Answer(status=307, headers=headers, body=b""))
    with pytest.raises(InvalidConfiguration, match="that a standby of vault names") as caught:
        bench.open().look(DB)
    assert_no_leak(b"hunter2", caught.value)


@pytest.mark.parametrize("mount", ["../sys", "a//b", "."])
def test_a_method_is_mounted_nowhere_else(bench: Bench, mount: str) -> None:
    """The server would clean the path, and be sent the credentials there."""
    auth = {"method": "approle", "mount": mount, "role_id": "r"}
    with pytest.raises(InvalidConfiguration, match="option `mount` must be a path"):
        bench.open(auth=auth)


def test_the_longest_value_in_any_script(bench: Bench) -> None:
    """What is sent is as long as the value, not as its escapes."""
    value = "\u00e9".encode() * (512 * 1024)
    bench.create(bench.open(), value)
    (sent,) = [call.body for call in bench.proxy.log if call.name.startswith("POST") and "/data/" in call.path]
    assert len(sent) < len(value) + 200


def test_a_denied_read_is_no_value_read(bench: Bench) -> None:
    """It is a call, and what an auditor reads of it says so."""
    backend = bench.open()
    bench.create(backend)
    bench.spoil("GET /v1/secret/data/*", VAULT_DENIED)
    before = backend.meter.total
    with pytest.raises(AccessDenied):
        backend.read(DB)
    after = backend.meter.total
    assert (after.calls - before.calls, after.values_read) == (1, 0)
