"""The library's face: what is exported, and plan and apply from a program."""

from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

import syncer
from syncer import errors

if TYPE_CHECKING:
    from syncer import Manifest, Surroundings

PINNED = """
AccessDenied Action Address AlreadyExists BackendError BackendSpec Calls Change Confirmed Corrupt Counts Desired
Diagnostic Drift DriftKind Failure Fingerprint Interrupted InvalidConfiguration InvalidManifest Location Manifest
Move NotFound Observed OnRemove Origin Outcome PartialFailure Plan PlanIncomplete Problem Reason Rebuilt Record
Refused Request Retry Rotation SafetyLimit SavedPlan Scope Secret Selection Sensitive Session Severity Snapshot
SourceError SourceSpec StalePlan Standing State StateError StateLocked StateSpec Surroundings SyncerError Throttled
Transient Unsupported Values VersionConflict __version__ accept_drift adopt apply confirm_plan confirm_reviewed
find_drift load_manifest load_plan load_reviewed move_record plan read_plan read_value rebuild remove_records
save_plan seal_value write_rebuilt
"""
KEY = base64.b64encode(b"k" * 32).decode()


def test_what_is_exported() -> None:
    """Pinned: taking a name away breaks programs, adding one is a promise."""
    assert syncer.__all__ == PINNED.split()
    assert set(syncer.__all__) <= set(dir(syncer))


@pytest.mark.parametrize("name", PINNED.split())
def test_each_name_is_there_and_documented(name: str) -> None:
    """Each can be imported, has a docstring, and is what its home calls by that name."""
    found = getattr(syncer, name)
    if name != "__version__":
        assert found.__doc__
        assert found.__name__ == name


def test_every_error_is_exported() -> None:
    """A program can catch whatever is raised on purpose."""
    raised = {n for n, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.SyncerError)}
    assert raised <= set(syncer.__all__)


def test_no_other_name() -> None:
    """A misspelt one is an AttributeError that names module and word."""
    with pytest.raises(AttributeError, match="module 'syncer' has no attribute 'plann'"):
        _ = syncer.plann


def test_the_type_checker_sees_the_same_names(tmp_path: Path) -> None:
    """What is imported late is typed all the same."""
    pytest.importorskip("mypy")
    uses = "\n".join(f"reveal_type(syncer.{name})" for name in PINNED.split())
    (tmp_path / "program.py").write_text(f"import syncer\n{uses}\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-incremental", "program.py"]
    environ = environment() | {"MYPYPATH": environment()["PYTHONPATH"]}
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=False, text=True)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("Revealed type is") == len(PINNED.split())
    assert 'Revealed type is "Any"' not in ended.stdout


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Two secrets."""
    (tmp_path / "syncer.yaml").write_text(
        "version: 1\nproject: shop\nbackend: {type: local}\nscopes:\n  global:\n    secrets:\n"
        "      a: {source: {env: A}}\n      b: {source: {generate: {length: 20}}}\n"
    )
    return syncer.load_manifest(tmp_path / "syncer.yaml")


@pytest.fixture
def surroundings() -> Surroundings:
    """A key, a value, and nothing of this machine."""
    return syncer.Surroundings(environ={"SYNCER_KEY": KEY, "A": "value"})


def test_a_manifest_by_text_or_path(manifest: Manifest) -> None:
    """Both forms of a path load the same."""
    again = syncer.load_manifest(str(manifest.path))
    assert isinstance(again, syncer.Manifest)
    assert again.digest == manifest.digest
    assert list(again.secrets) == [syncer.Address("global", "a"), syncer.Address("global", "b")]


def test_plan_apply_plan(manifest: Manifest, surroundings: Surroundings) -> None:
    """Three calls: what is to be done, doing it, and nothing left."""
    plan = syncer.plan(manifest, surroundings=surroundings)
    assert isinstance(plan, syncer.Plan)
    assert [(c.action, c.reason) for c in plan.changes] == [(syncer.Action.CREATE, syncer.Reason.NEW)] * 2
    assert plan.complete
    outcome = syncer.apply(plan, manifest, surroundings)
    assert isinstance(outcome, syncer.Outcome)
    assert (len(outcome.applied), outcome.failed) == (2, ())
    again = syncer.plan(manifest, surroundings=surroundings)
    assert (again.changes, again.serial) == ((), outcome.serial)


def test_a_request(manifest: Manifest, surroundings: Surroundings) -> None:
    """A selection narrows the plan; what was left out keeps it from being complete."""
    request = syncer.Request(selection=syncer.Selection(targets=("*:a",)))
    plan = syncer.plan(manifest, request, surroundings)
    assert [str(change.address) for change in plan.changes] == ["global:a"]
    assert not plan.complete
    assert syncer.plan(manifest, syncer.Request(values=syncer.Values.SKIPPED), surroundings).values == "skipped"


def test_a_plan_of_another_manifest_is_refused(manifest: Manifest, surroundings: Surroundings) -> None:
    """Nothing is written."""
    plan = syncer.plan(manifest, surroundings=surroundings)
    with pytest.raises(syncer.StalePlan, match="made for another manifest") as refused:
        syncer.apply(plan, replace(manifest, digest="another"), surroundings)
    assert (refused.value.exit_code, refused.value.hint) == (7, "plan again")
    assert not (manifest.folder / ".syncer/state.json").exists()


def test_a_plan_is_applied_once(manifest: Manifest, surroundings: Surroundings) -> None:
    """The state has moved by then."""
    plan = syncer.plan(manifest, surroundings=surroundings)
    syncer.apply(plan, manifest, surroundings)
    with pytest.raises(syncer.StalePlan):
        syncer.apply(plan, manifest, surroundings)


def test_the_lock_is_taken(manifest: Manifest, surroundings: Surroundings) -> None:
    """A program waits its turn like the command line."""
    plan = syncer.plan(manifest, surroundings=surroundings)
    with syncer.Session(manifest, surroundings) as session, session.lock("something else"):  # noqa: SIM117  # two facts
        with pytest.raises(syncer.StateLocked, match="something else"):
            syncer.apply(plan, manifest, surroundings)


def test_a_saved_plan(manifest: Manifest, surroundings: Surroundings) -> None:
    """Saved, loaded, confirmed with values, applied; text or path."""
    path = manifest.folder / "plan.json"
    with syncer.Session(manifest, surroundings) as session:
        syncer.save_plan(session, syncer.plan(manifest, surroundings=surroundings), str(path))
        stored = syncer.load_plan(session, str(path))
        assert isinstance(stored, syncer.SavedPlan)
        assert stored.document == syncer.load_plan(session, path).document
        confirmed = syncer.confirm_plan(session, stored)
    assert len(syncer.apply(confirmed, manifest, surroundings).applied) == 2
    with syncer.Session(manifest, surroundings) as session, pytest.raises(syncer.StateError, match="cannot be written"):
        syncer.save_plan(session, confirmed, manifest.folder / "missing" / "plan.json")


@pytest.mark.parametrize("name", ["-", "syncer.yaml", ".syncer/key", ".syncer/new", "."])
def test_a_plan_is_saved_over_nothing_else(manifest: Manifest, surroundings: Surroundings, name: str) -> None:
    """A program is refused as the command line is, and every byte stays."""
    (manifest.folder / ".syncer").mkdir(exist_ok=True)
    (manifest.folder / ".syncer/key").write_text("mine")
    plan = syncer.plan(manifest, surroundings=surroundings)
    before = {path: path.read_bytes() for path in manifest.folder.rglob("*") if path.is_file()}
    with syncer.Session(manifest, surroundings) as session, pytest.raises(syncer.InvalidConfiguration):
        syncer.save_plan(session, plan, name if name == "-" else manifest.folder / name)
    assert {path: path.read_bytes() for path in manifest.folder.rglob("*") if path.is_file()} == before


def test_what_the_command_line_can_the_library_can(manifest: Manifest, surroundings: Surroundings) -> None:
    """Drift, its acceptance, import, records, one value, sealing."""
    a, b = syncer.Address.parse("global:a"), syncer.Address.parse("global:b")
    syncer.apply(syncer.plan(manifest, surroundings=surroundings), manifest, surroundings)
    with syncer.Session(manifest, surroundings) as session:
        value = syncer.read_value(session, a)
        assert isinstance(value, syncer.Sensitive)
        assert syncer.seal_value(session, a, value).startswith("syncer:v1:")
        report = syncer.find_drift(session, syncer.Selection())
        assert report.drift == ()
        with session.lock("test"):
            assert isinstance(syncer.accept_drift(session, report), syncer.State)
            assert syncer.remove_records(session, (a,)).records.keys() == {b}
            assert syncer.adopt(session, [a]).keys() == {a}
            moved = syncer.move_record(session, a, syncer.Address.parse("global:c"))
    assert set(moved.records) == {b, syncer.Address.parse("global:c")}


def test_the_data_is_frozen(manifest: Manifest, surroundings: Surroundings) -> None:
    """Types that are handed out can be changed by `replace` only."""
    plan = syncer.plan(manifest, surroundings=surroundings)
    for thing in (manifest, plan, plan.changes[0], plan.selection, surroundings):
        assert is_dataclass(thing)
        with pytest.raises(FrozenInstanceError):
            setattr(thing, fields(thing)[0].name, "other")
    with pytest.raises(AttributeError):
        setattr(syncer.Address("a", "b"), "ref", "c")  # noqa: B010  # a type checker would not let us try


def test_an_invalid_manifest_names_every_problem(tmp_path: Path) -> None:
    """As data, with positions."""
    (tmp_path / "bad.yaml").write_text("version: 2\nproject: 1\n")
    with pytest.raises(syncer.InvalidManifest) as raised:
        syncer.load_manifest(tmp_path / "bad.yaml")
    assert [problem.line for problem in raised.value.problems] == sorted(p.line for p in raised.value.problems)
    assert len(raised.value.problems) >= 2
    assert all(Path(problem.file).name == "bad.yaml" for problem in raised.value.problems)
