"""The document of a plan that nobody vouches for is a plan in every part, or is refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import GENERATE, env, secret

from syncer.engine import saved
from syncer.engine.prepare import Request
from syncer.errors import StalePlan
from syncer.library import read_plan, save_plan
from syncer.model import Address
from syncer.plans import Values
from syncer.render.human import diagnostic_text, plan_text
from syncer.render.json import plan_document, plan_json
from syncer.render.markdown import plan_markdown
from syncer.render.text import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Watched

SKIPPED = Request(values=Values.SKIPPED, refresh=False)
ODD: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x", "a:b", "a\n:b\x1b[31m", [], {}, [[]], {"x": "y"}]
"""What somebody may put anywhere."""


@pytest.fixture
def document(house: Watched) -> dict[str, Any]:
    """A plan with something in every part."""
    house.declare(secret("s:a", tags={"t": "1"}, description="d"), secret("s:made", GENERATE), secret("s:gone"))
    house.apply()
    house.withdraw("s:gone")
    house.declare(secret("s:a", env("OTHER"), tags={"u": "1"}, enabled=False), secret("s:new"))
    entries = house.store().entries
    made = Address.parse("s:made")
    entries[made] = replace(entries[made], enabled=False)
    house.plant("s:free", b"x", owner=None)
    house.declare(secret("s:free"))
    found = plan_document(house.plan(Request(values=Values.SKIPPED)))
    assert found["drift"]
    assert found["diagnostics"]
    assert found["unchecked"]
    return found


def text(document: Any) -> str:
    """Write it as it is read."""
    return json.dumps(document)


def show(document: dict[str, Any]) -> str:
    """Show it in every form, as what reads it does."""
    plan = saved.to_plan(document)
    told = "".join(diagnostic_text(each, PLAIN) for each in plan.diagnostics)
    return plan_text(plan, PLAIN) + plan_markdown(plan) + plan_json(plan) + told


def test_a_plan_comes_back(document: dict[str, Any]) -> None:
    """As it was, whether as text or as bytes, and can be shown."""
    assert saved.parse_unauthenticated(text(document)) == document
    assert saved.parse_unauthenticated(text(document).encode()) == document
    assert "s:new" in show(document)


def test_a_signature_is_not_looked_at(document: dict[str, Any]) -> None:
    """It stays where it is, right or wrong."""
    signed = {**document, "mac": "hmac:" + "0" * 64}
    assert saved.parse_unauthenticated(text(signed)) == signed


@pytest.mark.parametrize(
    "given_text",
    [
        *(b"", b"{}", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"\x00", b"{" * 9, b"[" * 200_000, b"1" * 10_000),
        b'{"a":' * 100_000,
        b'{"format_version": "1.0"}',
        b'{"format_version": "1.0", "complete": false, "diagnostics": [], "syncer_version": "1"}',
        "\ud800",
    ],
)
def test_what_is_no_plan(given_text: bytes | str) -> None:
    """No JSON, no object, too deep, another document: one clear refusal."""
    with pytest.raises(StalePlan, match=r"^this is not a plan$") as refused:
        saved.parse_unauthenticated(given_text)
    assert refused.value.__cause__ is None


def test_what_is_too_large() -> None:
    """It is not even looked at."""
    with pytest.raises(StalePlan, match="larger than 32 MiB"):
        saved.parse_unauthenticated(b" " * (saved.MAX_UNTRUSTED_BYTES + 1))


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2.0", "format 2.0"),
        ("1.1", "format 1.1"),
        ("x\n::error::", "another format"),
        (None, "another"),
        ([], "another"),
    ],
)
def test_another_version(document: dict[str, Any], version: Any, told: str) -> None:
    """It is named, where it is one."""
    with pytest.raises(StalePlan, match=f"^the plan has {told}.*, this syncer reads 1.0$"):
        saved.parse_unauthenticated(text({**document, "format_version": version}))


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"', '{"\\udfff": 1}', "1" * 5000])
@pytest.mark.parametrize("part", ["serial", "project", "backend_calls"])
def test_what_json_does_not_have(document: dict[str, Any], odd: str, part: str) -> None:
    """No number, half a character, too many digits."""
    with pytest.raises(StalePlan):
        saved.parse_unauthenticated(text({**document, part: "HERE"}).replace('"HERE"', odd))


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("timestamp", "2026-99-99T99:99:99Z"),
        ("timestamp", "2026-02-30T00:00:00Z"),
        ("unchecked", ["no-colon"]),
        ("unchecked", [":x"]),
        ("resource_changes", [{}]),
        ("serial", -1),
        ("surplus", 1),
    ],
)
def test_what_a_plan_never_says(document: dict[str, Any], part: str, wrong: Any) -> None:
    """A month that is none, an address without a colon, a part too many."""
    with pytest.raises(StalePlan, match=r"^this is not a plan$"):
        saved.parse_unauthenticated(text({**document, part: wrong}))


def places(node: Any, *so_far: Any) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in pairs:
        yield (*so_far, key)
        yield from places(each, *so_far, key)


def changed(document: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """A copy with something else in one place."""
    found = at = copy.deepcopy(document)
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = odd
    return found


def test_something_odd_anywhere(document: dict[str, Any]) -> None:
    """It is refused, or it can be shown: never anything between."""
    for place in places(document):
        for odd in ODD:
            try:
                found = saved.parse_unauthenticated(text(changed(document, place, odd)))
            except StalePlan:
                continue
            assert "\x1b" not in show(found)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_changes_that_make_no_sense(document: dict[str, Any], data: st.DataObject) -> None:
    """Any action with any reason, sides or none, from anywhere: it can be shown."""
    schema = saved.load_schema("plan")["$defs"]["resource_change"]["properties"]
    snapshots = st.sampled_from([None, *(each["change"]["after"] for each in document["resource_changes"])])
    changes = document["resource_changes"]
    odd = []
    for change in changes:
        given_change = copy.deepcopy(change)
        given_change["action"] = data.draw(st.sampled_from(saved.load_schema("plan")["$defs"]["action"]["enum"]))
        given_change["reason"] = data.draw(st.sampled_from(schema["reason"]["enum"]))
        given_change["change"] |= {"before": data.draw(snapshots), "after": data.draw(snapshots)}
        if data.draw(st.booleans()):
            given_change |= {"previous_address": "x:y", "previous_backend": "z"}
        odd.append(given_change)
    assert show(saved.parse_unauthenticated(text({**document, "resource_changes": odd})))


def test_half_a_former_place(document: dict[str, Any]) -> None:
    """An address without its backend is no place."""
    change = {**document["resource_changes"][0], "previous_address": "x:y"}
    change.pop("previous_backend", None)
    with pytest.raises(StalePlan, match=r"^this is not a plan$"):
        saved.parse_unauthenticated(text({**document, "resource_changes": [change]}))


# Saved and read.


def keyless(house: Watched) -> None:
    """Take the key away from every later run."""
    house.environ["SYNCER_KEY"] = ""


def test_saved_without_a_key(house: Watched) -> None:
    """Unsigned, and read as what it is; with the key it is no more authentic."""
    house.declare(secret("s:a"))
    path = house.folder / "plan.json"
    plan = house.plan(SKIPPED)
    keyless(house)
    with house.session() as session:
        save_plan(session, plan, path)
        assert read_plan(session, path) == (plan_document(plan), False)
    del house.environ["SYNCER_KEY"]
    with house.session() as session:
        assert read_plan(session, path) == (plan_document(plan), False)
        with pytest.raises(StalePlan, match="not signed"):
            saved.parse(path.read_bytes(), session.keyring)


def test_read_with_the_key(house: Watched) -> None:
    """A signed one is authentic; a tampered one is refused, and without the key nobody can tell."""
    house.declare(secret("s:a"))
    path = house.folder / "plan.json"
    with house.session() as session:
        save_plan(session, house.plan(), path)
        assert read_plan(session, path)[1]
        path.write_text(path.read_text().replace('"create": 1', '"create": 2'))
        with pytest.raises(StalePlan, match="tampered"):
            read_plan(session, path)
    keyless(house)
    with house.session() as session:
        assert not read_plan(session, path)[1]
