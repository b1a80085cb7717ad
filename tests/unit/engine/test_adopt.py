"""Drift is found and accepted, secrets are imported, records edited, values read as a consumer does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, PROJECT, actions, days, env, fingerprint, secret

from syncer.consumers.consume import read_value
from syncer.engine.adopt import accept_drift, adopt, find_drift
from syncer.engine.edit import move_record, remove_records
from syncer.engine.prepare import Request
from syncer.engine.refresh import source_digest
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Throttled, Unsupported
from syncer.model import Address, OnRemove, Rotation, Scope
from syncer.plans import Selection
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import Watched

    from syncer.plans import Plan
    from syncer.state.model import Record, State

A, B = Address.parse("s:a"), Address.parse("s:b")


def drift(house: Watched, *targets: str, verify_values: bool = False) -> Plan:
    """Look for drift."""
    with house.session() as session:
        return find_drift(session, Selection(targets=targets), verify_values=verify_values)


def kinds(report: Plan) -> list[tuple[str, str]]:
    """Name what drifted."""
    return [(each.address.ref, str(each.kind)) for each in report.drift]


def accept(house: Watched, *, verify_values: bool = False) -> State:
    """Accept all drift."""
    with house.session() as session, session.lock("drift"):
        return accept_drift(session, find_drift(session, Selection(), verify_values=verify_values))


def tamper(house: Watched, name: str, **facts: object) -> None:
    """Change an entry behind our back."""
    store, address = house.store(), Address.parse(name)
    store.entries[address] = replace(store.entries[address], **facts)  # type: ignore[arg-type]


def drifted(house: Watched) -> None:
    """Have every kind of drift."""
    house.declare(*(secret(f"s:{name}", tags={"t": "1"}, description="d") for name in ("tags", "off", "said", "value")))
    house.declare(secret("s:gone"), secret("s:fine"), secret("s:all", tags={"t": "1"}))
    house.apply()
    tamper(house, "s:tags", tags={"x": "1"})
    tamper(house, "s:off", enabled=False)
    tamper(house, "s:said", description="other")
    del house.store().entries[Address.parse("s:gone")]
    for name in ("s:value", "s:all"):
        house.store().put(house.store().entries[Address.parse(name)], Sensitive(b"theirs"))
    tamper(house, "s:all", tags={"t": "2"}, enabled=False)
    house.forget_calls()


def test_drift_of_every_kind(house: Watched) -> None:
    """Each where it is, by address; no source is asked, no value read, nothing written."""
    drifted(house)
    del house.environ["VALUE"]
    report = drift(house)
    assert kinds(report) == [
        *[("all", "value"), ("all", "tags"), ("all", "enabled")],
        *[("gone", "missing"), ("off", "enabled"), ("said", "description"), ("tags", "tags"), ("value", "value")],
    ]
    assert (report.changes, report.serial, report.records) == ((), house.state().serial, 7)
    assert (house.reads, house.writes) == ([], [])


def test_no_drift(house: Watched) -> None:
    """After an apply nothing has drifted; changes that are only planned are none."""
    house.declare(secret("s:a"))
    house.apply()
    house.declare(secret("s:a", tags={"t": "1"}), secret("s:b"))
    assert drift(house).drift == ()


def test_drift_of_orphans(house: Watched) -> None:
    """What has a record is looked at, declared or not."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.withdraw("s:a")
    tamper(house, "s:a", enabled=False)
    assert kinds(drift(house)) == [("a", "enabled")]


def test_drift_of_what_was_selected(house: Watched) -> None:
    """And a misspelt target is an error."""
    drifted(house)
    assert kinds(drift(house, "*:off", "*:tags")) == [("off", "enabled"), ("tags", "tags")]
    with pytest.raises(InvalidConfiguration):
        drift(house, "s:typo")


def test_drift_on_an_undeclared_backend_is_not_known(house: Watched) -> None:
    """Nobody was asked."""
    house.declare(secret("s:a", backend="west"))
    house.apply()
    house.withdraw("s:a")
    del house.backends["west"]
    assert drift(house).drift == ()


def test_drift_of_values_that_no_version_tells(house: Watched) -> None:
    """Read back and compared only when asked for, and only of what was selected."""
    house.backends["default"] = {"without": ["version-in-list"]}
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.plant("s:a", b"theirs")
    house.forget_calls()
    assert drift(house).drift == ()
    assert house.reads == []
    report = drift(house, verify_values=True)
    assert kinds(report) == [("a", "value")]
    assert (report.drift[0].before, report.drift[0].after) == (
        str(fingerprint(b"v1", "s:a")),
        str(fingerprint(b"theirs", "s:a")),
    )
    assert report.calls["default"].values_read == 2
    house.forget_calls()
    drift(house, "s:b", verify_values=True)
    assert house.reads == ["b"]


def test_accepted_drift_is_none(house: Watched) -> None:
    """The records say what was observed; a value is fingerprinted anew; nothing is written to the backend."""
    drifted(house)
    house.now += days(1)
    before = house.state()
    after = accept(house)
    assert after.serial == before.serial + 1
    assert house.writes == []
    assert drift(house).drift == ()
    records = {address.ref: record for address, record in house.state().records.items()}
    assert "gone" not in records
    assert (records["tags"].tags, records["off"].enabled, records["said"].description) == ({}, False, "other")
    assert records["value"].fingerprint == fingerprint(b"theirs", "s:value")
    assert (records["value"].rotated, records["fine"].rotated) == (house.now, house.now - days(1))
    assert (records["all"].tags, records["all"].enabled) == ({"t": "2"}, False)


def test_accepted_drift_is_compared_with_the_manifest(house: Watched) -> None:
    """What the manifest wants otherwise is planned like any other change, and then all is well."""
    drifted(house)
    accept(house)
    assert [f"{c.action} {c.address.ref}" for c in house.plan().changes] == [
        *("rotate all", "update all", "enable all", "create gone", "enable off"),
        *("update said", "update tags", "rotate value"),
    ]
    house.apply()
    assert house.plan().changes == ()


def test_accepted_value_that_cannot_be_read(house: Watched) -> None:
    """Ours, its value unknown: the next plan rotates it."""
    house.backends["default"] = {"without": ["read"]}
    house.declare(secret("s:a"))
    house.apply()
    house.plant("s:a", b"theirs")
    accept(house)
    assert house.state().records[A].fingerprint is None
    assert actions(house.plan().changes) == ["rotate(unknown_value)"]


def test_accepted_value_that_no_version_tells(house: Watched) -> None:
    """Its version stays as recorded."""
    house.backends["default"] = {"without": ["version-in-list"]}
    house.declare(secret("s:a"))
    house.apply()
    house.plant("s:a", b"theirs")
    accept(house, verify_values=True)
    record = house.state().records[A]
    assert (record.version, record.fingerprint) == ("1", fingerprint(b"theirs", "s:a"))
    assert drift(house, verify_values=True).drift == ()


def test_drift_of_what_is_forgotten_meanwhile(house: Watched) -> None:
    """Accepting an old report does not bring a record back."""
    drifted(house)
    with house.session() as session, session.lock("drift"):
        report = find_drift(session, Selection())
        remove_records(session, (Address.parse("s:off"),))
        assert Address.parse("s:off") not in accept_drift(session, report).records


# Import


def take(house: Watched, *addresses: Address) -> dict[Address, Record]:
    """Import."""
    with house.session() as session, session.lock("import"):
        return adopt(session, addresses)


def test_imported_value_that_is_right_stays(house: Watched) -> None:
    """Only our mark is missing; tags and description of others stay theirs."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"v1", owner=None, tags={"x": "1"}, description="theirs", remote_id="r")
    record = take(house, A)[A]
    assert record.fingerprint == fingerprint(b"v1", "s:a")
    assert (record.tags, record.description, record.remote_id) == ({}, None, "r")
    assert house.writes == []
    assert actions(house.apply().applied) == ["update(metadata_differs)"]
    there = house.store().entries[A]
    assert (there.owner, there.tags, there.description) == (PROJECT, {"x": "1"}, "theirs")
    assert house.plan().changes == ()


def test_imported_value_that_differs_is_rotated(house: Watched) -> None:
    """The manifest decides from then on."""
    house.declare(secret("s:a", tags={"t": "1"}))
    house.plant("s:a", b"theirs", owner=None)
    take(house, A)
    assert actions(house.plan().changes) == ["rotate(source_changed)", "update(metadata_differs)"]
    house.apply()
    assert house.holds("s:a", b"v1")
    assert house.plan().changes == ()


def test_imported_generated_value_stays(house: Watched) -> None:
    """There is one; no other is made, and its age counts from now."""
    declared = secret("s:a", GENERATE, rotate=Rotation(every=days(90), version=3))
    house.declare(declared)
    house.plant("s:a", b"theirs")
    record = take(house, A)[A]
    assert (record.rotation, record.rotated, record.source) == (3, house.now, source_digest(GENERATE))
    assert house.plan().changes == ()


@pytest.mark.parametrize("why", ["cannot", "may not"])
def test_imported_value_that_cannot_be_read_is_rotated(house: Watched, why: str) -> None:
    """The backend does not give values back, or not to us."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"v1")
    if why == "cannot":
        house.backends["default"] = {"without": ["read"]}
    else:
        house.fail(AccessDenied("denied"), "read")
    assert take(house, A)[A].fingerprint is None
    house.faults = []
    assert actions(house.plan().changes) == ["rotate(unknown_value)"]


def test_import_tries_again(house: Watched) -> None:
    """Reading is throttled like anything else."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"v1")
    house.fail(Throttled("slow down", retry_after=2), "read")
    assert take(house, A)[A].fingerprint is not None
    assert house.slept == [2.0]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("s:undeclared", InvalidConfiguration, "is not in the manifest"),
        ("s:known", InvalidConfiguration, "is under management already"),
        ("s:missing", NotFound, "is not on backend `default`"),
        ("s:deleted", NotFound, "is not on backend `default`"),
        ("s:theirs", InvalidConfiguration, "belongs to project other"),
    ],
)
def test_what_cannot_be_imported(house: Watched, name: str, error: type[Exception], message: str) -> None:
    """Nothing is imported then, not even what could be."""
    house.declare(secret("s:known"))
    house.apply()
    house.declare(secret("s:a"), secret("s:missing"), secret("s:deleted"), secret("s:theirs"))
    house.plant("s:a", b"v1")
    house.plant("s:deleted", b"v1", deleted=True)
    house.plant("s:theirs", b"v1", owner="other")
    before = house.state()
    with pytest.raises(error, match=message):
        take(house, A, Address.parse(name))
    assert house.state() == before


def test_import_after_a_create_was_cut_off(house: Watched) -> None:
    """The plan says unmanaged and to import it: that must work."""
    house.declare(secret("s:a"))
    house.apply()
    state = house.state()
    cut_off = replace(state.records[A], version=None, fingerprint=None, interrupted=True)
    house.put_state(replace(state, records={A: cut_off}))
    tamper(house, "s:a", owner=None)
    assert [error.hint for error in house.plan().errors] == ["syncer import s:a"]
    take(house, A)
    assert house.plan().errors == ()


def test_way_back_to_a_former_backend(house: Watched) -> None:
    """What was left there, disabled, is written with the value as it is now, and the other one let go."""
    house.declare(secret("s:a", GENERATE))
    house.apply()
    house.declare(secret("s:a", GENERATE, backend="west"))
    house.apply()
    house.apply(house.plan(Request(selection=Selection(rotate=("s:a",)))))
    value = house.store("west").values[A].reveal()
    house.declare(secret("s:a", GENERATE))
    house.apply()
    assert house.holds("s:a", value)
    assert (house.store().entries[A].enabled, house.store("west").entries[A].enabled) == (True, False)
    assert house.plan().changes == ()


def test_restored_on_the_way_back_to_a_former_backend(house: Watched) -> None:
    """What is pending deletion there comes back, with the value from where it is now."""
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    house.apply()
    value = house.store().values[A].reveal()
    house.declare(secret("s:a", GENERATE, backend="west", on_remove=OnRemove.DELETE))
    house.apply()
    house.declare(secret("s:a", GENERATE, on_remove=OnRemove.DELETE))
    outcome = house.apply()
    assert outcome.failed == ()
    assert [f"{c.backend} {c.action}" for c in outcome.applied] == ["default create", "default rotate", "west delete"]
    assert house.holds("s:a", value)
    assert house.plan().changes == ()
    assert house.state().records[A].previous_backend is None


# State by hand


def test_record_is_renamed(house: Watched) -> None:
    """In state only; the secrets stay where they are."""
    house.declare(secret("s:a"))
    house.apply()
    before = house.state()
    house.forget_calls()
    with house.session() as session, session.lock("mv"):
        after = move_record(session, A, B)
    assert (after.records, after.serial) == ({B: before.records[A]}, before.serial + 1)
    assert house.state() == after
    assert house.opened == []


def test_record_is_not_renamed_onto_another(house: Watched) -> None:
    """Nor where there is none."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    before = house.state()
    with house.session() as session, session.lock("mv"):
        with pytest.raises(InvalidConfiguration, match="has a record for s:b already"):
            move_record(session, A, B)
        with pytest.raises(InvalidConfiguration, match="has no record for s:c"):
            move_record(session, Address.parse("s:c"), B)
    assert house.state() == before


def test_records_are_forgotten(house: Watched) -> None:
    """All that were named, or none."""
    house.declare(secret("s:a"), secret("s:b"), secret("s:c"))
    house.apply()
    with house.session() as session, session.lock("rm"):
        with pytest.raises(InvalidConfiguration):
            remove_records(session, (A, Address.parse("s:typo")))
        assert house.state().records.keys() == {A, B, Address.parse("s:c")}
        assert remove_records(session, (A, B)).records.keys() == {Address.parse("s:c")}
    assert house.store().entries.keys() >= {A, B}


# Values read as a consumer does


def get(house: Watched, name: str, scopes: Iterable[Scope] = ()) -> bytes:
    """Read a value."""
    with house.session() as session:
        known = {scope.name: scope for scope in scopes} or session.manifest.scopes
        session.manifest = replace(session.manifest, scopes=known)
        return read_value(session, Address.parse(name)).reveal()


CHAIN = (Scope(name="s", fallback="t"), Scope(name="t", fallback="u"), Scope(name="u"))


def test_value_is_read(house: Watched) -> None:
    """As it is in the backend, also before any apply of ours."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"theirs", owner=None)
    assert get(house, "s:a") == b"theirs"


@pytest.mark.parametrize("name", ["s:a", "t:a", "u:a"])
def test_missing_secret_falls_back(house: Watched, name: str) -> None:
    """Through every scope that is declared, to the first that holds it."""
    house.environ |= {"T": "from-t", "U": "from-u"}
    house.declare(secret("s:a"), secret("u:a", env("U")), secret("t:other"))
    house.apply()
    del house.store().entries[A]
    assert get(house, name, CHAIN) == b"from-u"


def test_first_that_is_there_wins(house: Watched) -> None:
    """A fallback is only asked for what is missing."""
    house.environ |= {"T": "from-t"}
    house.declare(secret("s:a"), secret("t:a", env("T")))
    house.apply()
    assert get(house, "s:a", CHAIN) == b"v1"


def test_disabled_secret_does_not_fall_back(house: Watched) -> None:
    """To withdraw it is to withdraw it."""
    house.declare(secret("s:a", enabled=False), secret("t:a"))
    house.apply()
    with pytest.raises(AccessDenied, match="s:a is disabled"):
        get(house, "s:a", CHAIN)
    assert house.reads == []


def test_value_that_is_nowhere(house: Watched) -> None:
    """Missing, or pending deletion, in all of them."""
    house.declare(secret("s:a"))
    with pytest.raises(NotFound):
        get(house, "s:a", CHAIN)
    house.apply()
    tamper(house, "s:a", deleted=True)
    with pytest.raises(NotFound):
        get(house, "s:a", CHAIN)


def test_value_in_an_unknown_scope(house: Watched) -> None:
    """The manifest names the known ones."""
    house.declare(secret("s:a"))
    with pytest.raises(InvalidConfiguration) as caught:
        get(house, "typo:a")
    assert caught.value.hint == "scopes: s"


def test_value_of_another_project(house: Watched) -> None:
    """Theirs to give."""
    house.declare(secret("s:a"))
    house.plant("s:a", b"theirs", owner="other")
    with pytest.raises(AccessDenied, match="belongs to project other"):
        get(house, "s:a")


def test_value_of_a_backend_that_gives_none(house: Watched) -> None:
    """Said by its name."""
    house.backends["default"] = {"without": ["read"]}
    house.declare(secret("s:a"))
    house.apply()
    with pytest.raises(Unsupported, match="backend `default`"):
        get(house, "s:a")
