"""Whole sessions of the command line on a Kestra: what is written, what is not, and what stops half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from conformance.fakes.kestra.kestra import TOKEN
from kestra_bench import DELETE, KEY, LIST, PATCH, PUT, TEAM

if TYPE_CHECKING:
    from pathlib import Path

    from kestra_bench import Bench

VERSIONS = pytest.mark.parametrize("version", ["2.0", "1.3", "1.2"])
NAME = f"{TEAM}:prod/db"


@pytest.fixture
def syncer(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Folder:
    """The command line, with the token in its environment; `bench` gives the server."""
    assert bench.fake
    monkeypatch.setenv("KESTRA_TOKEN", TOKEN)
    monkeypatch.setenv("VALUE", "v1")
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder


def declare(bench: Bench, syncer: Folder, *names: str, **facts: Any) -> None:
    """Declare secrets whose value is in `VALUE`, all in one way."""
    where = {"type": "kestra", "url": bench.proxy.url, "token": {"env": "KESTRA_TOKEN"}}
    syncer.declare({name: {"source": {"env": "VALUE"}, **facts} for name in names}, backend=where)


def planned(syncer: Folder) -> list[str]:
    """Name the changes of a plan."""
    document = syncer("plan", "--format", "json").json
    assert {found["severity"] for found in document["diagnostics"]} <= {"note"}
    return [f"{change['address']} {change['action']}" for change in document["resource_changes"]]


@VERSIONS
def test_1e_3_one_write_for_each_change(
    bench: Bench, syncer: Folder, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """A create and a rotation are one PUT, tags or a description one PATCH and no PUT, a removal one DELETE."""
    bench.serve(version=version)
    facts: dict[str, Any] = {"on_remove": "delete"}
    for change, expected in (
        ({}, [PUT]),
        ({"tags": {"tier": "gold"}}, [PATCH]),
        ({"description": "words"}, [PATCH]),
        ({"tags": {"tier": "silver", "team": "a"}, "description": "other"}, [PATCH]),
    ):
        facts |= change
        declare(bench, syncer, NAME, **facts)
        syncer.apply()
        assert bench.writes() == expected
        syncer.apply()
        assert bench.writes() == []
    monkeypatch.setenv("VALUE", "v2")
    syncer.apply()
    assert bench.writes() == [PUT]
    assert (bench.held().value, bench.held().description) == ("v2", "other")
    assert {"tier", "team"} <= set(bench.tags())
    declare(bench, syncer)
    syncer.apply()
    assert bench.writes() == [DELETE]
    syncer.apply()
    assert bench.writes() == []
    assert bench.fake.keys(TEAM) == []


def test_1e_3_a_removal_only_if_owned(bench: Bench, syncer: Folder) -> None:
    """Secrets of other people's and of other projects, of the same namespace, are never written nor deleted."""
    bench.plant("THEIRS")
    bench.plant("OTHER", tags={"syncer-project": "other", "syncer-address": f"{TEAM}:other"})
    before = {key: bench.held(key) for key in ("THEIRS", "OTHER")}
    declare(bench, syncer, NAME, on_remove="delete")
    syncer.apply()
    bench.plant(tags={**bench.tags(), "syncer-project": "other"})
    taken = bench.held()
    declare(bench, syncer)
    bench.calls()
    result = syncer("apply", "--auto-approve", "--allow-mass-change")
    assert (result.code, bench.writes()) == (1, [])
    assert f"error: {NAME}: belongs to project other" in result.err
    assert bench.held() == taken
    assert {key: bench.held(key) for key in before} == before


def test_1e_3_a_second_apply_writes_nothing(bench: Bench, syncer: Folder) -> None:
    """Of many secrets in several namespaces, tagged and described."""
    names = [f"{scope}:s/{number}" for scope in ("company", TEAM) for number in range(10)]
    declare(bench, syncer, *names, tags={"a": "b"}, description="words")
    syncer.apply()
    assert len(bench.writes()) == len(names)
    syncer.apply()
    assert bench.calls() == [LIST, LIST]
    assert syncer.fine("plan").startswith("No changes.")
    assert "No drift." in syncer.fine("drift")


@VERSIONS
def test_1e_3_a_key_deleted_by_hand(bench: Bench, syncer: Folder, version: str) -> None:
    """The next apply makes it again, with one PUT."""
    bench.serve(version=version)
    declare(bench, syncer, NAME, tags={"a": "b"}, description="words")
    syncer.apply()
    before = bench.held()
    bench.fake.remove(TEAM, KEY)
    assert syncer("drift").code == 2
    bench.calls()
    assert planned(syncer) == [f"{NAME} create"]
    syncer.apply()
    assert bench.writes() == [PUT]
    assert bench.held() == before
    syncer.apply()
    assert bench.writes() == []


def test_1e_4_all_pages_are_seen(bench: Bench, syncer: Folder) -> None:
    """Of 250 secrets on three pages each is seen: none is made twice, one that is gone is noticed on any page."""
    names = [f"{TEAM}:s/{number:03}" for number in range(250)]
    declare(bench, syncer, *names)
    syncer.apply()
    assert len(bench.writes()) == len(names)
    assert bench.fake.keys(TEAM) == [f"S_{number:03}" for number in range(250)]
    syncer.apply()
    assert bench.calls() == [LIST] * 3
    for number in (0, 150, 249):
        bench.fake.remove(TEAM, f"S_{number:03}")
    assert planned(syncer) == [f"{TEAM}:s/{number:03} create" for number in (0, 150, 249)]


@pytest.mark.parametrize("status", [403, 409, 500])
@pytest.mark.parametrize("version", ["2.0", "1.3"])
def test_1e_4_a_failure_half_way(
    bench: Bench, syncer: Folder, monkeypatch: pytest.MonkeyPatch, version: str, status: int
) -> None:
    """What was made is on record and stays, what was not is told, and the rerun makes just that."""
    monkeypatch.setattr("syncer.retry.Retry.pause", lambda _self, _seconds: False)
    bench.serve(version=version)
    names = [f"{TEAM}:s/{number:03}" for number in range(210)]
    declare(bench, syncer, *names)
    bench.spoil("PUT *", bench.fake.error(status), after=200)
    result = syncer("apply", "--auto-approve")
    assert result.code == 5
    made = bench.fake.keys(TEAM)
    assert len(made) == 200
    untold = [name for name in names if name.replace(f"{TEAM}:s/", "S_") not in made and name not in result.err]
    assert untold == []
    bench.proxy.set()
    bench.calls()
    assert len(planned(syncer)) == 10
    assert not set(planned(syncer)) & {f"{TEAM}:{key.lower().replace('_', '/')} create" for key in made}
    bench.calls()
    syncer.apply()
    assert len(bench.writes()) == 10
    assert len(bench.fake.keys(TEAM)) == 210
    syncer.apply()
    assert bench.calls() == [LIST] * 3


@pytest.mark.parametrize("status", [403, 409, 500])
@pytest.mark.parametrize("call", ["PUT", "PATCH", "DELETE"])
def test_1e_4_a_change_that_fails_half_way(
    bench: Bench, syncer: Folder, monkeypatch: pytest.MonkeyPatch, call: str, status: int
) -> None:
    """The same of rotations, of tags and of removals."""
    monkeypatch.setattr("syncer.retry.Retry.pause", lambda _self, _seconds: False)
    names = [f"{TEAM}:s/{number}" for number in range(8)]
    declare(bench, syncer, *names, on_remove="delete")
    syncer.apply()
    if call == "PUT":
        monkeypatch.setenv("VALUE", "v2")
    elif call == "PATCH":
        declare(bench, syncer, *names, on_remove="delete", tags={"a": "b"})
    else:
        declare(bench, syncer)
    bench.spoil(f"{call} *", bench.fake.error(status), after=5)
    assert syncer("apply", "--auto-approve", "--allow-mass-change").code == 5
    bench.proxy.set()
    assert len(planned(syncer)) == 3
    bench.calls()
    syncer.apply()
    assert [write.partition(" ")[0] for write in bench.writes()] == [call] * 3
    assert syncer.fine("plan").startswith("No changes.")
    assert len(bench.fake.keys(TEAM)) == (0 if call == "DELETE" else 8)
