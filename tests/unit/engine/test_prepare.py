"""A plan is made from state, sources and backends; what was asked for decides what is looked at."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import GENERATE, PROJECT, House, actions, env, secret

from syncer.backends.base import Capability
from syncer.engine.adopt import find_drift
from syncer.engine.guard import check_applicable, check_blast_radius
from syncer.engine.prepare import Request, check_selection, make_plan, matcher, selector
from syncer.engine.seal import seal_value
from syncer.engine.session import Session, Surroundings
from syncer.errors import (
    AccessDenied,
    InvalidConfiguration,
    NotFound,
    PlanIncomplete,
    SafetyLimit,
    SourceError,
    StalePlan,
    StateError,
    Throttled,
    Unsupported,
)
from syncer.model import Address, BackendSpec, Move, OnRemove, Origin, SourceSpec
from syncer.parallel import run
from syncer.plans import Action, Change, Diagnostic, Plan, Reason, Selection, Severity, Values
from syncer.sensitive import Sensitive
from syncer.state.model import State
from syncer.testing import Faulty

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Watched

    from syncer.backends.base import Backend
    from syncer.model import Secret

A, B = Address.parse("s:a"), Address.parse("s:b")


def asked(house: Watched, **request: object) -> list[str]:
    """Plan, and name what shall be done where."""
    made = house.plan(Request(**request))  # type: ignore[arg-type]
    return [f"{change.action} {change.address}" for change in made.changes]


def test_plan_writes_nothing(house: Watched) -> None:
    """Neither to the backend nor to a file."""
    house.declare(secret("s:a"))
    made = house.plan()
    assert (house.writes, list(house.folder.iterdir())) == ([], [])
    assert (made.lineage, made.serial, made.records, made.complete) == (None, 0, 0, True)


def test_plan_says_what_it_rests_on(house: Watched) -> None:
    """State, manifest, time, calls; and no value is read."""
    house.declare(secret("s:a"))
    house.apply()
    made, state = house.plan(), house.state()
    assert (made.lineage, made.serial, made.records) == (state.lineage, state.serial, 1)
    assert (made.manifest_digest, made.timestamp) == (house.manifest.digest, house.now)
    assert made.calls["default"].values_read == 0
    assert made.calls["default"].calls > 0


# Selection


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["s:a", "s:b", "t:a"]),
        (Selection(targets=("s:*",)), ["s:a", "s:b"]),
        (Selection(targets=("*a",)), ["s:a", "t:a"]),
        (Selection(targets=("s:a", "t:?")), ["s:a", "t:a"]),
        (Selection(excludes=("s:*",)), ["t:a"]),
        (Selection(targets=("s:*",), excludes=("*b",)), ["s:a"]),
    ],
)
def test_targets_and_excludes(house: Watched, selection: Selection, expected: list[str]) -> None:
    """Globs over whole addresses; a star goes across colon and slash."""
    house.declare(secret("s:a"), secret("s:b"), secret("t:a"))
    made = house.plan(Request(selection=selection))
    assert [str(change.address) for change in made.changes] == expected
    assert made.complete is not selection.partial


def test_globs_are_case_sensitive_and_may_be_none() -> None:
    """No glob matches nothing; a selection without any matches all."""
    assert not matcher(())(A)
    assert matcher(["s:?"])(A)
    assert not matcher(["S:A"])(A)
    assert selector(Selection())(A)


@pytest.mark.parametrize("option", ["targets", "rotate"])
def test_misspelt_glob(house: Watched, option: str) -> None:
    """Must not say that there are no changes."""
    house.declare(secret("s:a"))
    with pytest.raises(InvalidConfiguration, match="matches no address"):
        house.plan(Request(selection=Selection(**{option: ("s:a", "s:typo")})))  # type: ignore[arg-type]
    check_selection(Selection(**{option: ("s:*",)}), [A])  # type: ignore[arg-type]


def test_orphans_can_be_selected(house: Watched) -> None:
    """Addresses of the state count as known."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.withdraw("s:a", "s:b")
    assert asked(house, selection=Selection(targets=("s:a",))) == ["disable s:a"]


def test_only_what_is_selected_is_asked_for(house: Watched) -> None:
    """Neither sources nor backends of the others."""
    del house.environ["VALUE"]
    house.environ["OTHER"] = "v2"
    house.declare(secret("s:a", env("OTHER")), secret("t:b", backend="west"))
    made = house.plan(Request(selection=Selection(targets=("s:a",))))
    assert ([str(c.address) for c in made.changes], list(made.calls)) == (["s:a"], ["default"])


def test_source_of_a_move_selects_its_target(house: Watched) -> None:
    """`--target` with the old name plans the move, the value resolved."""
    house.declare(secret("s:a"))
    house.apply()
    house.withdraw("s:a")
    house.declare(secret("s:b"))
    house.moved = (Move(source=A, target=B, origin=Origin(file="syncer.yaml", line=1)),)
    for name in ("s:a", "s:b"):
        assert asked(house, selection=Selection(targets=(name,))) == ["move s:b"]
    assert house.plan(Request(selection=Selection(targets=("s:a",)))).desired.keys() == {B}


@pytest.mark.parametrize("name", ["s:a", "s:b"])
@pytest.mark.parametrize("without", [[], ["move"]], ids=["rename", "create"])
def test_move_is_excluded_by_either_name(house: Watched, name: str, without: list[str]) -> None:
    """An address that was left out is not written, and neither is half of a move."""
    house.backends["default"] = {"without": without}
    house.declare(secret("s:a"))
    house.apply()
    house.withdraw("s:a")
    house.declare(secret("s:b"), secret("s:c"))
    house.moved = (Move(source=A, target=B, origin=Origin(file="syncer.yaml", line=1)),)
    assert asked(house, selection=Selection(excludes=(name,))) == ["create s:c"]
    assert len(asked(house, selection=Selection(targets=(name,)))) == (2 if without else 1)


def test_requested_rotation(house: Watched) -> None:
    """Of what matches."""
    house.declare(secret("s:a", GENERATE), secret("s:b", GENERATE))
    house.apply()
    made = house.plan(Request(selection=Selection(rotate=("*:b",))))
    assert [(str(c.address), str(c.reason)) for c in made.changes] == [("s:b", "rotation_requested")]


def test_destroy_asks_no_source(house: Watched) -> None:
    """What goes needs no value."""
    house.declare(secret("s:a"))
    house.apply()
    del house.environ["VALUE"]
    assert asked(house, selection=Selection(destroy=True)) == ["delete s:a"]


# Sources


def test_every_source_without_a_value_is_named(house: Watched) -> None:
    """All at once, sorted, with where each is declared."""
    house.declare(secret("s:b", env("MISSING_B")), secret("s:a", env("MISSING_A")), secret("s:c"))
    with pytest.raises(SourceError) as caught:
        house.plan()
    assert caught.value.message.splitlines() == [
        "s:a: environment variable MISSING_A is not set (syncer.yaml:7)",
        "s:b: environment variable MISSING_B is not set (syncer.yaml:7)",
    ]
    assert caught.value.hint == "nothing was written"


def test_blocking_sources_side_by_side(house: Watched) -> None:
    """Programs run in threads, and their failures are collected like any other."""
    house.parallelism = 4
    for number in range(4):
        house.declare(secret(f"s:n-{number}", _program(["printf", f"v{number}"])))
    house.apply()
    assert all(house.holds(f"s:n-{number}", f"v{number}".encode()) for number in range(4))
    house.declare(secret("s:n-1", _program(["false"])), secret("s:n-3", _program(["false"])))
    with pytest.raises(SourceError) as caught:
        house.plan()
    assert [line.partition(": ")[0] for line in caught.value.message.splitlines()] == ["s:n-1", "s:n-3"]


def _program(argument: list[str]) -> SourceSpec:
    return replace(env("x"), type="command", argument=argument)


def test_skipped_values_ask_nobody(house: Watched) -> None:
    """No source and no value; and the plan says so."""
    house.declare(secret("s:a", env("MISSING")), secret("s:b", GENERATE))
    made = house.plan(Request(values=Values.SKIPPED))
    assert (made.values, made.complete, list(made.unchecked)) == (Values.SKIPPED, False, [A])
    assert actions(made.changes) == ["create(new)", "create(new)"]


def test_skipped_values_need_no_key(house: Watched) -> None:
    """A pull request without the key is planned on a state that nobody vouched for, and warned of."""
    house.declare(secret("s:a"))
    house.apply()
    house.environ["SYNCER_KEY"] = ""
    made = house.plan(Request(values=Values.SKIPPED))
    assert [d.code for d in made.diagnostics] == ["state_not_authenticated"]
    assert not made.errors
    with pytest.raises(InvalidConfiguration, match="no project key"):
        house.plan()


# Backends


def test_throttled_observation_is_tried_again(house: Watched) -> None:
    """With the delay that the backend asks for."""
    house.declare(secret("s:a"))
    house.fail(Throttled("slow down", retry_after=3), "observe", times=2)
    assert asked(house) == ["create s:a"]
    assert house.slept == [3.0, 3.0]


def test_denied_observation_ends_the_plan(house: Watched) -> None:
    """Nothing can be said of what cannot be seen."""
    house.declare(secret("s:a"))
    house.fail(AccessDenied("denied"), "observe")
    with pytest.raises(AccessDenied):
        house.plan()


def test_without_refresh_nobody_is_asked(house: Watched) -> None:
    """The records are taken for what is there, what is left on a former backend too."""
    house.declare(secret("s:a"), secret("s:b", backend="west"))
    house.apply()
    state = house.state()
    left = replace(state.records[B], previous_backend="default", version=None)
    house.put_state(replace(state, records={**state.records, B: left}))
    house.environ["VALUE"] = "v2"
    house.forget_calls()
    made = house.plan(Request(refresh=False))
    assert [(c.backend, str(c.action), str(c.address)) for c in made.changes] == [
        ("default", "rotate", "s:a"),
        ("west", "rotate", "s:b"),
        ("default", "disable", "s:b"),
    ]
    assert (made.refreshed, [backend.calls for backend in house.opened]) == (False, [[], []])


def test_verified_values_are_read_and_compared(house: Watched) -> None:
    """Only of what is on record and there, and only of what was selected."""
    house.declare(secret("s:a"), secret("s:b"), secret("s:c"), secret("s:gone"), secret("s:deleted"))
    house.apply()
    house.backends["default"] = {"without": ["version-in-list"]}
    house.plant("s:a", b"theirs")
    house.plant("s:not-ours", b"theirs", owner="other")
    del house.store().entries[Address.parse("s:gone")]
    deleted = Address.parse("s:deleted")
    house.store().entries[deleted] = replace(house.store().entries[deleted], deleted=True)
    house.forget_calls()
    assert asked(house) == ["create s:deleted", "create s:gone"]
    assert house.reads == []
    made = house.plan(Request(verify_values=True))
    assert sorted(house.reads) == ["a", "b", "c"]
    assert [str(c.reason) for c in made.changes if c.address == A] == ["drifted"]
    assert [(str(d.address), str(d.kind)) for d in made.drift if d.address == A] == [("s:a", "value")]
    house.forget_calls()
    asked(house, verify_values=True, selection=Selection(targets=("s:b",)))
    assert house.reads == ["b"]


def test_values_that_cannot_be_read_are_not_verified(house: Watched) -> None:
    """A backend that does not give values back is trusted."""
    house.backends["default"] = {"without": ["read"]}
    house.declare(secret("s:a"))
    house.apply()
    assert asked(house, verify_values=True) == []
    assert house.reads == []


class Picky(Faulty):
    """Holds neither names nor values of some kind."""

    def check(self, secret: Secret) -> None:
        """Refuse one name."""
        if secret.address.ref == "long":
            message = "a name is at most 3 characters"
            raise Unsupported(message, hint="shorten it")


def test_what_a_backend_cannot_hold_is_an_error_of_the_plan(house: Watched) -> None:
    """Its name, or its value, with where it is declared; the others are planned all the same."""
    house.wrap = Picky
    house.backends["default"] = {"without": [Capability.BINARY.value]}
    house.environ["BINARY"] = "\udcff"
    house.declare(secret("s:a"), secret("s:long"), secret("s:raw", env("BINARY")))
    made = house.plan()
    assert [(d.code, str(d.address), d.origin is not None) for d in made.errors] == [
        ("unsupported", "s:long", True),
        ("unsupported", "s:raw", True),
    ]
    assert made.errors[0].hint == "shorten it"


# Guards


def _plan(**facts: object) -> Plan:
    given = {"project": PROJECT, "changes": (), "lineage": "l", "serial": 1, "manifest_digest": "", "timestamp": None}
    return Plan(**{**given, **facts})  # type: ignore[arg-type]


def _change(number: int, action: Action) -> Change:
    address = Address("s", str(number))
    return Change(address=address, action=action, reason=Reason.ORPHANED, backend="d", before=None, after=None)


@pytest.mark.parametrize(
    ("withdrawn", "total", "refused"),
    [(5, 5, False), (6, 20, False), (6, 19, True), (30, 100, False), (31, 100, True), (6, 0, True)],
)
@pytest.mark.parametrize("action", [Action.DELETE, Action.DISABLE])
def test_blast_radius(action: Action, withdrawn: int, total: int, *, refused: bool) -> None:
    """More than five, and more than 30 % of the records."""
    plan = _plan(changes=tuple(_change(n, action) for n in range(withdrawn)), records=total)
    if refused:
        with pytest.raises(SafetyLimit, match=f"deletes or disables {withdrawn} of {total}"):
            check_blast_radius(plan)
    else:
        check_blast_radius(plan)


def test_blast_radius_counts_addresses_that_are_withdrawn() -> None:
    """Neither other changes nor two changes of one address."""
    forgets = [_change(n, Action.FORGET) for n in range(50)]
    twice = [_change(n, action) for n in range(5) for action in (Action.DISABLE, Action.DELETE)]
    check_blast_radius(_plan(changes=(*forgets, *twice), records=10))


STATE = State(project=PROJECT, lineage="l", serial=1)
ERROR = Diagnostic(severity=Severity.ERROR, code="unmanaged", message="m")
WARNING = Diagnostic(severity=Severity.WARNING, code="rotation_soon", message="m")


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"values": Values.SKIPPED}, StalePlan),
        ({"diagnostics": (WARNING, ERROR)}, PlanIncomplete),
        ({"project": "other"}, StalePlan),
        ({"lineage": "other"}, StalePlan),
        ({"lineage": None}, StalePlan),
        ({"serial": 0}, StalePlan),
        ({"serial": 2}, StalePlan),
    ],
)
def test_not_applicable(facts: dict[str, object], error: type[Exception]) -> None:
    """Skipped values, errors, another project, another state, one that has moved."""
    with pytest.raises(error):
        check_applicable(_plan(**facts), STATE)


def test_applicable() -> None:
    """Warnings do not matter."""
    check_applicable(_plan(diagnostics=(WARNING,)), STATE)


def test_plan_with_errors_is_not_applied(house: Watched) -> None:
    """Not even the rest of it."""
    house.declare(secret("s:a"), secret("s:b"))
    house.plant("s:a", b"theirs", owner=None)
    with pytest.raises(PlanIncomplete):
        house.apply()
    assert house.writes == []


def test_stale_plan_is_not_applied(house: Watched) -> None:
    """Another run was faster."""
    house.declare(secret("s:a"))
    plan = house.plan()
    house.apply()
    house.forget_calls()
    with pytest.raises(StalePlan):
        house.apply(plan)
    assert house.writes == []


# Workers


@pytest.mark.parametrize("width", [0, 1, 3, 100])
def test_results_come_in_order(width: int) -> None:
    """Whatever the width."""
    assert list(run(lambda n: n * n, range(20), width)) == [n * n for n in range(20)]
    assert list(run(lambda n: n, [], width)) == []


@pytest.mark.parametrize("width", [1, 2])
def test_error_comes_where_its_result_would(width: int) -> None:
    """The results before it come first."""
    results = run(lambda n: 6 / n, [1, 2, 0, 3], width)
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


# Sessions


class Closing(Faulty):
    """Notes that it was closed."""

    closed: int = 0

    def close(self) -> None:
        """Count it."""
        self.closed += 1
        super().close()


def test_session_opens_each_backend_once_and_closes_it(house: Watched) -> None:
    """Also after an error."""
    opened: list[Closing] = []

    def watch(backend: Backend) -> Backend:
        opened.append(Closing(backend, house.faults))
        return opened[-1]

    house.wrap = watch
    house.declare(secret("s:a"))
    house.fail(AccessDenied("denied"), "observe")
    with pytest.raises(AccessDenied):
        house.plan()
    with house.session() as session:
        assert session.backend("default") is session.backend("default")
    assert [backend.closed for backend in opened] == [1, 1]


def test_sealed_value_opens_at_its_address(house: Watched) -> None:
    """What `seal` makes is what the source `sealed` takes, there and nowhere else."""
    with house.session() as session:
        text = seal_value(session, A, Sensitive(b"v"))
    sealed = replace(env("x"), type="sealed", argument=text)
    house.declare(secret("s:a", sealed))
    house.apply()
    assert house.holds("s:a", b"v")
    house.declare(secret("s:b", sealed))
    with pytest.raises(SourceError, match="s:b"):
        house.plan()


def test_wrong_options_of_a_backend_name_it(tmp_path: Path) -> None:
    """With where it is declared."""
    manifest = House(tmp_path).manifest
    spec = BackendSpec(name="west", type="local", options={"pth": "x"}, origin=Origin(file="syncer.yaml", line=3))
    with Session(replace(manifest, backends={"west": spec})) as session:
        with pytest.raises(InvalidConfiguration) as caught:
            session.backend("west")
        assert caught.value.message.startswith("syncer.yaml:3: backend `west`: unknown option")
        assert session.calls() == {}


@pytest.mark.parametrize("existing", ["nothing", "state", "store"])
def test_key_is_made_on_first_use_of_an_embedded_backend_only(tmp_path: Path, existing: str) -> None:
    """Never where it would lock somebody out of what is there."""
    told: list[Path] = []
    house = House(tmp_path, backends={"default": {"type": "local"}})
    house.declare(secret("s:a"))
    if existing != "nothing":
        house.apply()
    if existing == "store":
        (tmp_path / ".syncer" / "state.json").unlink()
    spec = BackendSpec(
        name="default", type="local", options={"path": ".syncer/default.db"}, origin=Origin(file="f", line=1)
    )
    manifest = replace(house.manifest, backends={"default": spec})
    surroundings = Surroundings(environ={"VALUE": "v1"}, key_made=told.append)
    with Session(manifest, surroundings) as session:
        if existing == "nothing":
            assert len(make_plan(session, Request()).changes) == 1
            assert told == [tmp_path / ".syncer" / "key"]
        else:
            with pytest.raises((InvalidConfiguration, StateError)):
                make_plan(session, Request())
            assert told == []


def test_surroundings_by_default() -> None:
    """The process' environment, now in whole seconds, ten at once."""
    outside = Surroundings()
    assert outside.environ == dict(os.environ)
    assert (outside.parallelism, outside.clock().microsecond) == (10, 0)
    assert outside.clock().utcoffset() is not None
    outside.key_made(None)  # type: ignore[arg-type]  # nobody listens


def test_removed_entry_is_part_of_the_plan(house: Watched) -> None:
    """As the manifest says now."""
    house.declare(secret("s:a"))
    house.apply()
    house.withdraw("s:a")
    house.removed = {A: OnRemove.DELETE}
    assert asked(house) == ["delete s:a"]


def test_a_store_that_holds_nothing_of_ours_is_suspicious(house: Watched) -> None:
    """Rather another account, path or namespace than everything deleted by hand; one secret alone proves nothing."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.store().entries.pop(Address.parse("s:a"))
    assert [d.code for d in house.plan().diagnostics] == []
    house.store().entries.clear()
    with house.session() as session:
        drift = find_drift(session, Selection())
    for plan in (house.plan(), drift):
        (found,) = plan.diagnostics
        assert (found.code, found.message) == (
            "nothing_there",
            "backend `default` holds none of the 2 secrets that are on record there",
        )


def test_making_much_anew_elsewhere_needs_a_word(house: Watched) -> None:
    """With the credentials of another account everything would be made again there, and then be two."""
    house.declare(*(secret(f"s:n{number}") for number in range(6)))
    house.apply()
    house.store().entries.clear()
    plan = house.plan()
    with pytest.raises(SafetyLimit, match="makes 6 secrets anew"):
        check_blast_radius(plan)
    house.withdraw("s:n0")
    check_blast_radius(house.plan())


def test_a_value_that_was_to_be_verified_and_was_not_is_told(house: Watched) -> None:
    """In a plan and in a drift; not of what nobody can read there."""
    house.declare(secret("s:a"), secret("s:b"))
    house.apply()
    house.fail(NotFound("no value"), "read", times=99, address=Address.parse("s:b"))
    with house.session() as session:
        drift = find_drift(session, Selection(), verify_values=True)
    for plan in (house.plan(Request(verify_values=True)), drift):
        assert [(d.code, str(d.address)) for d in plan.diagnostics] == [("not_verified", "s:b")]


def test_a_denied_disabled_secret_fails_no_verification(house: Watched) -> None:
    """A policy that denies disabled secrets to all readers denies them to us; an enabled one is still an error."""
    house.declare(secret("s:a", enabled=False), secret("s:b"))
    house.apply()
    house.fail(AccessDenied("denied"), "read", times=99, address=Address.parse("s:a"))
    assert [d.code for d in house.plan(Request(verify_values=True)).diagnostics] == ["not_verified"]
    house.fail(AccessDenied("denied"), "read", times=99, address=Address.parse("s:b"))
    with pytest.raises(AccessDenied):
        house.plan(Request(verify_values=True))
