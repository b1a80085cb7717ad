"""The comment on a pull request: honest, bounded and inert."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from plans_by_hand import (
    CANARY,
    all_drift,
    change,
    check_golden,
    created,
    drifted,
    error,
    every_action,
    hostile,
    plan,
    snapshot,
    with_canary,
)

from syncer.model import Address
from syncer.plans import Action, DriftKind, Reason, Values
from syncer.render.markdown import LIMIT, drift_markdown, plan_markdown

NASTY = "x`\n```\n</details><!-- @org/team |\x1b[2J\u202e"


def outside_fences(text: str) -> str:
    """What a Markdown reader would take for markup."""
    return re.sub(r"^```(diff|text)\n.*?\n```$", "", text, flags=re.DOTALL | re.MULTILINE)


def test_every_action_as_a_comment() -> None:
    """A title with counts, a warning, findings, drift, the changes folded, the counts."""
    check_golden("every_action.md", plan_markdown(every_action()))


def test_a_small_plan_stands_open() -> None:
    """Up to ten changes are not folded; nothing is lost, so nobody is warned."""
    text = plan_markdown(plan(created("a:b")))
    check_golden("small.md", text)
    assert "<details>" not in text
    assert "CAUTION" not in text


def test_more_than_ten_changes_are_folded() -> None:
    """A reviewer sees the counts first."""
    ten, eleven = (plan(*(created(f"a:b{n}") for n in range(number))) for number in (10, 11))
    assert "<details>" not in plan_markdown(ten)
    assert "<details><summary>11 changes</summary>\n\n```diff\n" in plan_markdown(eleven)


def test_what_is_deleted_or_disabled_is_warned_of() -> None:
    """Addresses are counted, each kind apart."""
    text = plan_markdown(
        plan(
            change("a:b", Action.DELETE, Reason.ORPHANED, after=None),
            change("a:c", Action.DISABLE, Reason.ORPHANED),
            change("a:d", Action.DISABLE, Reason.ENABLED_DIFFERS),
        )
    )
    assert "> [!CAUTION]\n> 1 secret will be deleted and 2 secrets will be disabled.\n" in text


def test_nothing_to_do() -> None:
    """The title says so, and what was not checked; an error is no `no changes`."""
    assert plan_markdown(plan()).startswith("### Plan for `shop`: no changes\n\nNo changes. Your secrets match")
    skipped = plan(values=Values.SKIPPED, unchecked=(Address("a", "b"),))
    assert "No changes. 1 value was not checked." in plan_markdown(skipped)
    failed = plan_markdown(plan(diagnostics=(error("a:b is there"),)))
    assert failed.startswith("### Plan for `shop`: failed\n\n```text\nerror: a:b is there\n```\n")


def test_drift_as_a_comment() -> None:
    """The same blocks as on the terminal."""
    check_golden("drift.md", drift_markdown(plan(drift=all_drift())))
    assert drift_markdown(plan()).startswith("### Drift of `shop`\n\nNo drift. ")


def test_hostile_texts_stay_inside_their_fence() -> None:
    """No markup, mention or comment marker from outside is live."""
    for text in (plan_markdown(hostile(NASTY)), drift_markdown(hostile(NASTY))):
        assert "@org" in text
        assert "@org" not in outside_fences(text)
        assert "<!--" not in text
        assert "</details>" not in outside_fences(text)
        assert all(char.isprintable() or char == "\n" for char in text)
    check_golden("hostile.md", plan_markdown(hostile(NASTY)))


@given(st.text(alphabet=st.sampled_from("`~\n\r<>!-|@#*_[]()\\ a\u2028"), max_size=30))
def test_no_text_leaves_its_fence(nasty: str) -> None:
    """Outside the fences, a comment does not depend on what tags and refs hold."""
    assert outside_fences(plan_markdown(hostile(nasty))) == outside_fences(plan_markdown(hostile("x")))


def test_a_huge_plan_is_cut_and_counted() -> None:
    """The comment keeps within its bound and says how many changes it left out."""
    text = plan_markdown(plan(*(created(f"a:secret-{n:05}") for n in range(2000))))
    shown = text.count("will be created")
    assert len(text) <= LIMIT
    assert shown > 500
    assert f"\n{2000 - shown} more changes are in the JSON plan.\n" in text


def test_everything_huge_at_once_is_still_bounded() -> None:
    """Findings, drift and changes share the room; one that is too large alone is counted."""
    long = "x" * 20_000
    big = plan(
        created("a:b", after=snapshot(tags={"t": long * 4})),
        drift=(drifted("a:b", DriftKind.DESCRIPTION, "a", long), drifted("a:b", DriftKind.ENABLED, "a", "b")),
        diagnostics=(error(long),),
    )
    text = plan_markdown(big)
    assert len(text) <= LIMIT
    for line in ("1 more change is in", "2 more differences are in", "1 more finding is in"):
        assert line in text
    many = plan(
        *(created(f"a:secret-{n:05}") for n in range(2000)),
        drift=tuple(drifted(f"a:s{n}", DriftKind.ENABLED, before=True, after=False) for n in range(2000)),
        diagnostics=tuple(error(f"a:s{n} is there") for n in range(2000)),
    )
    assert len(plan_markdown(many)) <= LIMIT
    assert len(drift_markdown(many)) <= LIMIT


def test_no_value_is_in_a_comment() -> None:
    """What a plan carries for an apply in the same process is never told."""
    assert CANARY not in plan_markdown(with_canary())
