"""The engine over every combination of facts, after a crash at every step, and under random changes and faults."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import GENERATE, NOW, ORIGIN, PROJECT, House, env, fingerprint, secret

from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.refresh import source_digest
from syncer.errors import BackendError, Throttled, Transient
from syncer.model import DEFAULT_BACKEND, Address, Move, OnRemove, Rotation
from syncer.plans import Selection
from syncer.sensitive import Sensitive
from syncer.state.file import StateFile
from syncer.state.journal import Journal
from syncer.state.journal_file import JournalFile
from syncer.state.model import Record, State
from syncer.testing import Fault, Faulty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.memory import MemoryStore

    from syncer.backends.base import Backend
    from syncer.model import Observed, Secret
    from syncer.plans import Plan

DESIRED = ("none", "same", "disabled", "other-value", "other-tags", "generated")
OBSERVED = ("none", "ours", "moved", "tags", "disabled", "deleted", "foreign", "unmarked")
RECORDS = (
    *("none", "equal", "unknown", "cut-off", "off"),
    *("west", "west-off", "west-gone", "west-theirs", "west-anew"),
    *("leftover", "leftover-off", "leftover-gone", "leftover-theirs"),
)
"""`west`: on the other backend; `leftover`: it moved here from there, and there is still something.

`off`: we disabled it; `west-anew`: and where it was then taken out, somebody has made another.
"""

REMOVES = ("disable-enforced", "removes")
"""No disabled state: what is disabled is taken out."""

CAPABILITIES: dict[str, tuple[str, ...]] = {
    "everything": (),
    "hard delete, no rename": ("soft-delete", "move"),
    "no delete": ("soft-delete", "delete"),
    "no tags, no description": ("tags", "description"),
    "description only": ("tags",),
    "no disable": ("disable-enforced",),
    "blind": ("version-in-list", "conditional-write", "read"),
    "blind, removes what is disabled": (
        *REMOVES,
        "soft-delete",
        "move",
        "version-in-list",
        "conditional-write",
        "read",
    ),
}


@dataclass(frozen=True)
class Combination:
    """One cell of the table."""

    desired: str
    observed: str
    record: str
    on_remove: OnRemove

    @property
    def name(self) -> str:
        """The address, which says it all."""
        return f"s:{self.desired}/{self.observed}/{self.record}/{self.on_remove}"

    def possible(self, without: tuple[str, ...]) -> bool:
        """Whether such a thing can be, with what the backend lacks."""
        return not (
            ("soft-delete" in without and self.observed == "deleted")
            # Another value under the same token is what such a backend cannot tell.
            or ("version-in-list" in without and self.observed == "moved")
            or ("tags" in without and self.observed == "tags")
            or ("disable-enforced" in without and self.observed == "disabled")
            or ("disable-enforced" in without and self.record.endswith("off") and "removes" not in without)
            or ("removes" not in without and self.record == "west-anew")
            # Of a former place nothing says whether ours was taken out there.
            or ("removes" in without and self.record == "leftover-off")
        )


def options(without: tuple[str, ...]) -> dict[str, Any]:
    """Give the options of a backend that lacks these."""
    return {"without": [lack for lack in without if lack != "removes"], "removes": "removes" in without}


def everything(without: tuple[str, ...]) -> list[Combination]:
    """Every cell that can be."""
    cells = itertools.starmap(Combination, itertools.product(DESIRED, OBSERVED, RECORDS, OnRemove))
    return [cell for cell in cells if cell.possible(without)]


@dataclass
class World:
    """A house in which every combination stands at an address of its own, and what was asked of its backends."""

    house: House
    without: tuple[str, ...]
    records: dict[Address, Record] = field(default_factory=dict)
    opened: list[Faulty] = field(default_factory=list)

    def build(self, cells: Iterable[Combination]) -> None:
        """Put each in its place."""
        self.house.backends = {name: options(self.without) for name in (DEFAULT_BACKEND, "west")}
        self.house.environ |= {"OTHER": "v2"}
        self.house.wrap = self.watch
        for cell in cells:
            self._put(cell)
        self.house.put_state(State(project=PROJECT, serial=1, records=self.records))

    def watch(self, backend: Backend) -> Backend:
        """Count what is asked."""
        self.opened.append(Faulty(backend))
        return self.opened[-1]

    @property
    def writes(self) -> int:
        """How many writes were tried."""
        return sum(len(backend.writes) for backend in self.opened)

    def _put(self, cell: Combination) -> None:
        declared = self._declared(cell)
        if cell.desired != "none":
            self.house.declare(declared)
        there = self._observed(cell)
        record = self._record(cell, declared, there)
        if cell.observed == "moved":
            self.house.plant(cell.name, b"theirs", **self._held())
        if record is not None:
            self.records[declared.address] = record

    def _held(self) -> dict[str, Any]:
        described = None if "description" in self.without else ""
        return {"description": described, "owner": PROJECT}

    def _declared(self, cell: Combination) -> Secret:
        told: dict[str, Any] = {"on_remove": cell.on_remove}
        if cell.desired == "other-tags":
            told |= {"description": "new"} if "tags" in self.without else {"description": "new", "tags": {"t": "new"}}
        source = {"other-value": env("OTHER"), "generated": GENERATE}.get(cell.desired)
        return secret(cell.name, source, enabled=cell.desired != "disabled", **told)

    def _observed(self, cell: Combination) -> Observed | None:
        if cell.observed == "none":
            return None
        facts = self._held() | {
            "tags": {"tags": {"t": "theirs", "x": "theirs"}}.get(cell.observed, {}),
            "enabled": cell.observed != "disabled",
            "deleted": cell.observed == "deleted",
        }
        if cell.observed in ("foreign", "unmarked"):
            facts["owner"] = {"foreign": "other", "unmarked": None}[cell.observed]
        return self.house.plant(cell.name, b"v1", **facts)

    def _record(self, cell: Combination, declared: Secret, there: Observed | None) -> Record | None:
        if cell.record == "none":
            return None
        record = Record(
            backend=DEFAULT_BACKEND,
            remote_id="",
            version=there.version if there else "0",
            fingerprint=fingerprint(b"v1", cell.name),
            source=source_digest(env("VALUE") if cell.desired != "generated" else GENERATE),
            tags={} if "tags" in self.without else {"t": "old"},
            enabled=True,
            description=None,
            on_remove=declared.on_remove,
            rotation=0,
            created=NOW,
            rotated=NOW,
        )
        match cell.record:
            case "unknown":
                return replace(record, fingerprint=None)
            case "cut-off":
                return replace(record, fingerprint=None, version=None, interrupted=True)
            case "equal" | "off":
                return replace(record, enabled=cell.record == "equal")
        place, _, how = cell.record.partition("-")
        copy = self._copy(cell, how)
        if place == "west":
            out = "removes" in self.without and how in ("off", "anew")
            return replace(record, backend="west", version=copy.version if copy else "0", enabled=not out)
        return replace(record, previous_backend="west")

    def _copy(self, cell: Combination, how: str) -> Observed | None:
        if how == "gone" or (how == "off" and "removes" in self.without):
            return None
        owner = {"theirs": "other", "anew": None}.get(how, PROJECT)
        facts = self._held() | {"enabled": how != "off", "owner": owner}
        return self.house.plant(cell.name, b"v1", backend="west", **facts)


def errors(plan: Plan) -> dict[Address, set[str]]:
    """What keeps which address from being applied."""
    found: dict[Address, set[str]] = {}
    for error in plan.errors:
        assert error.address is not None
        found.setdefault(error.address, set()).add(error.code)
    return found


def theirs(world: World) -> dict[tuple[str, Address], Observed]:
    """Everything that is not ours: marked for others, or unmarked and not known to be ours."""
    found = {}
    for backend in world.house.backends:
        for address, entry in world.house.store(backend).entries.items():
            record = world.records.get(address)
            places = (record.backend, record.previous_backend) if record else ()
            out = record is not None and not record.enabled and "removes" in world.without
            cut_off = record is not None and record.version is None
            unknown = (cut_off or out) and "tags" not in world.without
            if entry.owner == "other" or (entry.owner is None and (backend not in places or unknown)):
                found[backend, address] = entry
    return found


def assert_as_declared(world: World, good: frozenset[Address]) -> None:
    """What is in the backends is what the manifest wants, and the state knows the values."""
    records = world.house.state().records
    for address in good & world.house.secrets.keys():
        declared, store = world.house.secrets[address], world.house.store()
        if not declared.enabled and "removes" in world.without:
            assert address not in store.entries
            assert gone_elsewhere(world, address), address
            continue
        there, record = store.entries[address], records[address]
        held = store.values[address].reveal()
        assert (there.enabled, there.deleted) == (declared.enabled, False), address
        assert declared.tags.items() <= there.tags.items(), address
        assert "t" in declared.tags or there.tags.get("t") != "old", address
        known = record.fingerprint is not None or not record.restored
        assert not known or record.fingerprint == fingerprint(held, str(address), record.fingerprint), address
        assert (record.version, record.previous_backend, record.interrupted) == (there.version, None, False), address
        if declared.source.type == "env":
            assert world.house.holds(str(address), world.house.environ[declared.source.argument].encode()), address


def gone_elsewhere(world: World, address: Address) -> bool:
    """Whether nothing of ours is left where a secret was before, unless it was to be left there."""
    there, record = world.house.store("west").entries.get(address), world.records.get(address)
    keeps = record is not None and record.on_remove is OnRemove.FORGET
    return there is None or keeps or there.owner != PROJECT


@pytest.mark.parametrize("destroy", [False, True], ids=["keep", "destroy"])
@pytest.mark.parametrize("name", CAPABILITIES)
def test_every_combination_converges(tmp_path: Path, name: str, *, destroy: bool) -> None:
    """One apply, and nothing is left to do but the errors that there were; a second one writes nothing.

    Nobody else's secret is touched.
    """
    world = World(House(tmp_path), CAPABILITIES[name])
    world.build(everything(world.without))
    house, selection = world.house, Selection(destroy=destroy)
    before = theirs(world)
    first = house.plan(Request(selection=selection))
    bad = errors(first)
    good = frozenset(house.secrets.keys() | world.records.keys()) - bad.keys()
    request = Request(selection=selection, only=good)

    done = house.apply(house.plan(request))
    assert [f"{f.change.address}: {f.change.action}: {f.error.message}" for f in done.failed] == []
    assert theirs(world) == before
    if not destroy:
        assert_as_declared(world, good)

    second = house.plan(Request(selection=selection))
    assert [f"{c.address} {c.action} {c.reason}" for c in second.changes if c.address in good] == []
    assert errors(second) == bad
    assert [d for d in second.drift if d.address in good & house.secrets.keys() and not destroy] == []
    writes, serial = world.writes, house.state().serial
    again = house.apply(house.plan(request))
    assert (again.applied, world.writes, again.serial) == ((), writes, serial)


# Crashes


class Crash(BaseException):
    """The process ends here: nobody catches this."""


@dataclass
class Steps:
    """Counts the boundaries between steps, and ends the run at one of them."""

    at: int | None = None
    count: int = 0

    def reach(self) -> None:
        """Pass a boundary, or not."""
        self.count += 1
        if self.count == self.at:
            raise Crash


class SteppingBackend(Faulty):
    """A boundary before and after each call."""

    def __init__(self, inner: Backend, steps: Steps) -> None:
        super().__init__(inner)
        self.steps = steps

    def _call(self, method: str, address: Address | None, real: Any) -> Any:
        self.steps.reach()
        answer = super()._call(method, address, real)
        self.steps.reach()
        return answer


class SteppingJournal(Journal):
    """A boundary before and after each line, and a note of what a power cut would leave."""

    steps: Steps
    durable: int = 0

    def intend(self, entries: Any) -> None:
        """Pass two boundaries, and note what is durable."""
        self.steps.reach()
        super().intend(entries)
        assert isinstance(self.sink, JournalFile)
        self.durable = self.sink.size
        self.steps.reach()

    def record(self, entries: Any) -> None:
        """Pass two boundaries."""
        self.steps.reach()
        super().record(entries)
        self.steps.reach()

    def discard(self) -> None:
        """Pass two boundaries."""
        self.steps.reach()
        super().discard()
        self.steps.reach()


class SteppingState(StateFile):
    """A boundary before and after each write of the state."""

    steps: Steps
    started: SteppingJournal | None = None

    def write(self, state: State) -> None:
        """Pass two boundaries."""
        self.steps.reach()
        super().write(state)
        self.steps.reach()

    def journal(self, state: State, lineage: str) -> Journal:
        """Start one that passes boundaries."""
        self.steps.reach()
        journal = super().journal(state, lineage)
        journal.__class__ = SteppingJournal
        assert isinstance(journal, SteppingJournal)
        journal.steps, self.started = self.steps, journal
        self.steps.reach()
        return journal


def apply_until(
    house: House, steps: Steps, *, cut: float = 1.0, request: Request | None = None, may_fail: bool = False
) -> bool:
    """Apply up to a boundary, as a process of its own; whether it came to its end.

    `cut` is how much of what was not yet durable in the journal survives: all of it as after a kill, or less as
    after a power cut.
    """
    house.wrap = lambda backend: SteppingBackend(backend, steps)
    states: list[SteppingState] = []
    try:
        with house.session() as session, session.lock("apply"):
            session.state_store.__class__ = SteppingState
            assert isinstance(session.state_store, SteppingState)
            session.state_store.steps = steps
            states.append(session.state_store)
            outcome = apply_plan(session, make_plan(session, request or Request()), allow_mass_change=True)
            assert may_fail or [f"{f.change.address}: {f.error.message}" for f in outcome.failed] == []
    except Crash:
        lose_power(house, states[0].started if states else None, cut)
        return False
    return True


def lose_power(house: House, journal: SteppingJournal | None, cut: float) -> None:
    """Take away what was written to the journal and not made durable."""
    path = house.folder / ".syncer" / "state.json.journal"
    if journal is not None and path.exists():
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(journal.durable + int((size - journal.durable) * cut))


@dataclass
class Saved:
    """A house as it stood, to start from again."""

    house: House
    held: dict[str, tuple[dict[Address, Any], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.copy = self.house.folder.with_name(self.house.folder.name + ".copy")
        shutil.copytree(self.house.folder, self.copy)
        for name in self.house.backends:
            store = self.house.store(name)
            history = {address: dict(values) for address, values in store.history.items()}
            self.held[name] = dict(store.entries), dict(store.values), history

    def restore(self) -> None:
        """Start again."""
        shutil.rmtree(self.house.folder)
        shutil.copytree(self.copy, self.house.folder)
        for name, (entries, values, history) in self.held.items():
            store = self.house.store(name)
            store.entries, store.values = dict(entries), dict(values)
            store.history = {address: dict(values) for address, values in history.items()}


KEPT = b"theirs"


def eventful(folder: Path, without: tuple[str, ...] = (), kind: str = "memory") -> House:
    """A project that was applied once, and then changed in every way at once, inside and outside."""
    opened = {"type": kind} if kind == "local" else options(without)
    house = House(folder, backends={DEFAULT_BACKEND: dict(opened), "west": dict(opened)})
    house.environ |= {"OTHER": "v2"}
    delete, forget = OnRemove.DELETE, OnRemove.FORGET
    tags = {} if "tags" in without else {"t": "1"}
    house.declare(
        secret("s:same"),
        secret("s:value"),
        secret("s:bumped", GENERATE),
        secret("s:tags", tags=tags),
        secret("s:everything", tags=tags),
        secret("s:off", enabled=False),
        secret("s:on"),
        secret("s:orphan"),
        secret("s:orphan-delete", on_remove=delete),
        secret("s:orphan-forget", on_remove=forget),
        secret("old:moved"),
        secret("old:moved-generated", GENERATE),
        secret("old:moved-changed", tags=tags),
        secret("old:moved-west", GENERATE, on_remove=delete),
        secret("s:west"),
        secret("s:west-generated", GENERATE),
        secret("s:west-delete", GENERATE, on_remove=delete),
        secret("s:back-west", on_remove=delete, backend="west"),
        secret("s:gone"),
        secret("s:gone-generated", GENERATE),
        secret("s:deleted"),
        secret("s:drifted"),
    )
    assert house.apply().failed == ()
    change_everything(house, tags)
    if kind == "memory":
        tamper(house)
    return house


def change_everything(house: House, tags: dict[str, str]) -> None:
    """Edit the manifest: each address in the way that its name says."""
    old = [str(address) for address in house.secrets if address.scope == "old"]
    house.withdraw("s:orphan", "s:orphan-delete", "s:orphan-forget", *old)
    house.moved = tuple(move(name, name.replace("old:", "new:")) for name in old)
    house.declare(
        secret("s:value", env("OTHER")),
        secret("s:bumped", GENERATE, rotate=Rotation(version=1)),
        secret("s:tags", tags=dict.fromkeys(tags, "2")),
        secret("s:everything", env("OTHER"), description="d", enabled=False),
        secret("s:off"),
        secret("s:on", enabled=False),
        secret("new:moved"),
        secret("new:moved-generated", GENERATE),
        secret("new:moved-changed", env("OTHER"), enabled=False),
        secret("new:moved-west", GENERATE, backend="west"),
        secret("s:west", backend="west"),
        secret("s:west-generated", GENERATE, backend="west", enabled=False),
        secret("s:west-delete", GENERATE, backend="west", on_remove=OnRemove.DELETE),
        secret("s:new", tags=tags),
        secret("s:new-off", GENERATE, enabled=False),
    )


def tamper(house: House) -> None:
    """Change things outside."""
    store = house.store()
    soft = "soft-delete" not in house.backends[DEFAULT_BACKEND]["without"]  # type: ignore[operator]
    for name in ("s:gone", "s:gone-generated"):
        del store.entries[Address.parse(name)], store.values[Address.parse(name)]
    deleted, drifted = Address.parse("s:deleted"), Address.parse("s:drifted")
    if soft:
        store.entries[deleted] = replace(store.entries[deleted], deleted=True)
    store.put(store.entries[drifted], Sensitive(b"drifted"))
    house.plant("s:theirs", KEPT, owner="other")
    house.plant("s:unmarked", KEPT, owner=None)


def move(source: str, target: str) -> Move:
    """Declare a move."""
    return Move(source=Address.parse(source), target=Address.parse(target), origin=ORIGIN)


def contents(house: House) -> dict[tuple[str, Address], Any]:
    """What every backend holds, but for versions and values."""
    found: dict[tuple[str, Address], Any] = {}
    for name in house.backends:
        backend = house.open(name)
        scopes = {"s", "old", "new"}
        found |= {(name, o.address): replace(o, version="") for o in backend.observe(scopes, ())}
        backend.close()
    return found


def remembered(house: House) -> dict[Address, Record]:
    """What state knows, but for versions and values."""
    records = house.state().records
    return {address: replace(record, version=None, fingerprint=None) for address, record in records.items()}


def assert_values(house: House, carried: dict[Address, bytes]) -> None:
    """Every value is the wanted one, the state knows it, and what only changes its place is what it was."""
    records = house.state().records
    opened = {name: house.open(name) for name in house.backends}
    for address, declared in house.secrets.items():
        value, record = opened[declared.backend].read(address), records[address]
        assert record.fingerprint == fingerprint(value.reveal(), str(address), record.fingerprint), address
        wanted = house.environ[declared.source.argument].encode() if declared.source.type == "env" else None
        wanted = wanted or carried.get(address)
        if wanted:
            assert record.fingerprint == fingerprint(wanted, str(address), record.fingerprint), address
    for backend in opened.values():
        backend.close()


def carried_values(house: House) -> dict[Address, bytes]:
    """The generated values that shall outlive a change of place."""
    here = house.open(DEFAULT_BACKEND)
    names = {"new:moved-generated": "old:moved-generated", "new:moved-west": "old:moved-west"}
    names |= {name: name for name in ("s:west-generated", "s:west-delete")}
    values = {Address.parse(new): here.read(Address.parse(old)).reveal() for new, old in names.items()}
    here.close()
    return values


def assert_recovers(house: House) -> None:
    """A fresh run finishes what is left, and after it there is nothing to do."""
    house.wrap = Faulty
    outcome = house.apply()
    assert [f"{f.change.address}: {f.change.action}: {f.error.message}" for f in outcome.failed] == []
    after = house.plan()
    assert [f"{c.address} {c.action} {c.reason}" for c in after.changes] == []
    assert after.errors == ()
    assert not (house.folder / ".syncer" / "state.json.journal").exists()


HOUSES: dict[str, tuple[tuple[str, ...], str]] = {
    "everything": ((), "memory"),
    "hard delete, no rename": (("soft-delete", "move"), "memory"),
    "no tags": (("tags", "move"), "memory"),
    "local": ((), "local"),
}


@dataclass
class Crashes:
    """One eventful house, how it ends when nothing goes wrong, and how many boundaries there are."""

    house: House
    saved: Saved
    ends: tuple[Any, Any]
    carried: dict[Address, bytes]
    boundaries: int

    @classmethod
    def prepare(cls, folder: Path, without: tuple[str, ...], kind: str) -> Crashes:
        """Build it and apply it once without a crash."""
        folder.mkdir()
        house = eventful(folder, without, kind)
        saved, carried, steps = Saved(house), carried_values(house), Steps()
        assert apply_until(house, steps)
        ends = contents(house), remembered(house)
        assert_recovers(house)
        assert_values(house, carried)
        return cls(house, saved, ends, carried, steps.count)

    def check(self, *crashes: tuple[int, float]) -> None:
        """Start again, crash once for each, and recover."""
        self.saved.restore()
        for at, cut in crashes:
            apply_until(self.house, Steps(at=at), cut=cut)
        assert_recovers(self.house)
        assert_values(self.house, self.carried)
        assert contents(self.house) == self.ends[0]
        assert remembered(self.house) == self.ends[1]


@pytest.mark.parametrize("name", HOUSES)
def test_crash_at_every_boundary(tmp_path: Path, name: str) -> None:
    """Killed before or after any call, journal line or write of the state: the next run ends where this one would."""
    crashes = Crashes.prepare(tmp_path / "house", *HOUSES[name])
    assert crashes.boundaries > 100
    for at in range(1, crashes.boundaries + 1):
        crashes.check((at, 1.0))


def test_crashes_and_power_cuts_in_a_row(tmp_path: Path) -> None:
    """Whatever of the journal a power cut leaves, and however often: never worse than late."""
    crashes = Crashes.prepare(tmp_path / "house", ("move",), "memory")
    once = st.tuples(st.integers(1, crashes.boundaries), st.floats(0, 1))

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.lists(once, min_size=1, max_size=3))
    def check(given: list[tuple[int, float]]) -> None:
        crashes.check(*given)

    check()


# Random histories

NAMES = ("s:a", "s:b", "t:a")
PLACES = st.tuples(st.sampled_from(NAMES), st.sampled_from((DEFAULT_BACKEND, "west")))
ENTRIES = st.builds(
    secret,
    st.sampled_from(NAMES),
    st.sampled_from((env("VALUE"), env("OTHER"), GENERATE)),
    tags=st.sampled_from(({}, {"t": "1"}, {"t": "2", "u": "1"})),
    enabled=st.booleans(),
    description=st.sampled_from(("", "d")),
    rotate=st.builds(Rotation, version=st.integers(0, 2)),
    on_remove=st.sampled_from(OnRemove),
    backend=st.sampled_from((DEFAULT_BACKEND, "west")),
)
OUTSIDE = ("value", "tags", "enabled", "description", "deleted", "gone", "theirs", "unmarked")
METHODS = (None, "create", "rotate", "update", "set_enabled", "delete", "move", "restore", "observe", "read")
FAULTS = st.builds(
    Fault,
    error=st.sampled_from((Transient("reset"), Throttled("slow", retry_after=1), BackendError("no"))),
    method=st.sampled_from(METHODS),
    call=st.integers(1, 4),
    times=st.integers(1, 9),
    after=st.booleans(),
)
STEPS = st.one_of(
    st.tuples(st.just("declare"), ENTRIES),
    st.tuples(st.just("withdraw"), st.sampled_from(NAMES)),
    st.tuples(st.just("move"), st.permutations(NAMES)),
    st.tuples(st.just("outside"), st.tuples(PLACES, st.sampled_from(OUTSIDE))),
    st.tuples(st.just("apply"), st.lists(FAULTS, max_size=2)),
    st.tuples(st.just("crash"), st.tuples(st.integers(1, 60), st.floats(0, 1))),
)


class History:
    """A house to which things happen."""

    def __init__(self, folder: Path, without: tuple[str, ...]) -> None:
        self.without = without
        options = {"without": list(without)}
        self.house = House(folder, backends={DEFAULT_BACKEND: dict(options), "west": dict(options)})
        self.house.environ["OTHER"] = "v2"
        self.others: dict[tuple[str, Address], Observed] = {}
        """What others made, and must stay as it is."""

    def step(self, kind: str, given: Any) -> None:
        """Let one thing happen."""
        getattr(self, kind)(given)
        self.assert_untouched()

    def declare(self, entry: Secret) -> None:
        """Put it into the manifest."""
        self.house.declare(entry)
        self.tidy()

    def withdraw(self, name: str) -> None:
        """Take it out."""
        self.house.secrets.pop(Address.parse(name), None)
        self.tidy()

    def move(self, names: list[str]) -> None:
        """Call what is declared by another name that is free."""
        source, target = Address.parse(names[0]), Address.parse(names[1])
        if source in self.house.secrets and target not in self.house.secrets:
            entry = self.house.secrets.pop(source)
            self.house.declare(replace(entry, address=target))
            others = (each for each in self.house.moved if each.source != source and each.target != target)
            self.house.moved = (*others, move(names[0], names[1]))
            self.tidy()

    def tidy(self) -> None:
        """Keep the manifest's own rules: what is moved is not declared where it was, and there are no chains."""
        declared = self.house.secrets
        moves = [each for each in self.house.moved if each.source not in declared and each.target in declared]
        sources = {each.source for each in moves}
        self.house.moved = tuple(each for each in moves if each.target not in sources)

    def outside(self, given: tuple[tuple[str, str], str]) -> None:
        """Let somebody else do something."""
        (name, backend), what = given
        store, address = self.house.store(backend), Address.parse(name)
        there = store.entries.get(address)
        if (backend, address) in self.others:
            return
        if what in ("theirs", "unmarked"):
            if there is None and address not in self.house.state().records:
                owner = "other" if what == "theirs" else None
                self.others[backend, address] = self.house.plant(name, KEPT, backend=backend, owner=owner)
        elif there is not None:
            self._tamper(store, there, what)

    def _tamper(self, store: MemoryStore, there: Observed, what: str) -> None:
        if what == "value":
            store.put(there, Sensitive(b"theirs"))
        elif what == "gone":
            del store.entries[there.address], store.values[there.address]
        elif what != "deleted" or "soft-delete" not in self.without:
            changed: dict[str, Any] = {"tags": {"x": "1"}, "enabled": not there.enabled, "deleted": True}
            store.entries[there.address] = replace(there, **{what: changed.get(what, "theirs")})

    def apply(self, faults: list[Fault]) -> None:
        """Apply what can be, while things fail."""
        self.house.wrap = lambda backend: Faulty(backend, faults)
        try:
            good = self._good()
            self.house.apply(self.house.plan(Request(only=good)))
        except BackendError:
            pass  # nothing could be observed

    def crash(self, given: tuple[int, float]) -> None:
        """Apply what can be, up to a boundary."""
        self.house.wrap = Faulty
        good = self._good()
        apply_until(self.house, Steps(at=given[0]), cut=given[1], request=Request(only=good), may_fail=True)

    def _good(self) -> frozenset[Address]:
        known = self.house.secrets.keys() | self.house.state().records.keys()
        bad = errors(self.house.plan()).keys()
        # What is moved is planned as a whole, by either name.
        halves = {each.source for each in self.house.moved if each.target in bad}
        return frozenset(known) - bad - halves

    def assert_untouched(self) -> None:
        """What others made is as they made it."""
        for (backend, address), entry in self.others.items():
            assert self.house.store(backend).entries[address] == entry
            assert self.house.holds(str(address), KEPT, backend)

    def assert_ends_well(self) -> None:
        """Undisturbed, one apply does what can be done, and leaves nothing but the errors that there were."""
        self.house.wrap = Faulty
        bad = errors(self.house.plan())
        good = self._good()
        outcome = self.house.apply(self.house.plan(Request(only=good)))
        assert [f"{f.change.address}: {f.change.action}: {f.error.message}" for f in outcome.failed] == []
        after = self.house.plan()
        assert [f"{c.address} {c.action} {c.reason}" for c in after.changes if c.address in good] == []
        assert errors(after) == bad
        self.assert_untouched()
        self._assert_declared(good)

    def _assert_declared(self, good: frozenset[Address]) -> None:
        records = self.house.state().records
        for address in good & self.house.secrets.keys():
            declared, record = self.house.secrets[address], records[address]
            store = self.house.store(declared.backend)
            held = store.values[address].reveal()
            assert record.fingerprint == fingerprint(held, str(address), record.fingerprint)
            assert not record.interrupted
            assert store.entries[address].enabled == declared.enabled
            assert declared.tags.items() <= store.entries[address].tags.items()
            if declared.source.type == "env":
                assert held == self.house.environ[declared.source.argument].encode()


@settings(max_examples=100, deadline=None, database=None)
@given(st.sampled_from(((), ("move",), ("soft-delete",))), st.lists(STEPS, min_size=3, max_size=14))
def test_whatever_happens_it_ends_well(without: tuple[str, ...], steps: list[tuple[str, Any]]) -> None:
    """Edits, tampering, faults and crashes in any order: a quiet run settles it, and what is others' stays as it is."""
    with TemporaryDirectory() as folder:
        history = History(Path(folder), without)
        for kind, given in steps:
            history.step(kind, given)
        history.assert_ends_well()
