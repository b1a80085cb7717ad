"""What people read of a plan, of drift, of an outcome and of an error."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from plans_by_hand import (
    CANARY,
    NEW,
    all_drift,
    change,
    check_golden,
    created,
    error,
    every_action,
    hostile,
    outcome,
    plan,
    snapshot,
    with_canary,
)

from syncer.errors import InvalidManifest, Problem, SafetyLimit, SourceError
from syncer.model import Address
from syncer.plans import Action, Calls, Location, Outcome, Reason, Selection, Severity, Values
from syncer.render.human import diagnostic_text, drift_text, error_text, failure_text, outcome_text, plan_text
from syncer.render.text import PLAIN, Style

COLOR = Style(color=True)


def test_every_action_in_its_form() -> None:
    """One block for each address, then Terraform's counts and ours."""
    check_golden("every_action.txt", plan_text(every_action(), PLAIN))


def test_color_adds_nothing_but_color() -> None:
    """Without its colour codes the coloured plan is the plain one."""
    import re

    colored = plan_text(every_action(), COLOR)
    assert "\x1b[33m!\x1b[0m value" in colored
    assert re.sub(r"\x1b\[[0-9]+m", "", colored) == plan_text(every_action(), PLAIN)


def test_several_changes_share_one_header() -> None:
    """The header joins what will be done and why."""
    text = plan_text(
        plan(
            change("payments:tls/key", Action.ROTATE, Reason.SOURCE_CHANGED),
            change("payments:tls/key", Action.DISABLE, Reason.ENABLED_DIFFERS),
        ),
        PLAIN,
    )
    assert "\n  # payments:tls/key will be rotated and disabled (source changed; enabled differs)\n" in text
    assert text.count("#") == 1
    assert "\n  ! value = (sensitive) hmac:1a2b3c4d -> hmac:9f0e8d7c\n" in text


def test_blocks_are_sorted_by_scope_then_ref() -> None:
    """`a.b:z` comes after `a:z` although `.` sorts before `:`."""
    text = plan_text(plan(created("a.b:z"), created("b:a"), created("a:z"), created("a:b")), PLAIN)
    assert [line.split()[1] for line in text.splitlines() if "# " in line] == ["a:b", "a:z", "a.b:z", "b:a"]


def test_counts_grep_like_terraforms() -> None:
    """The three closing lines are those of the contract, an address counted once."""
    text = plan_text(
        plan(
            created("a:new"),
            change("a:two", Action.ROTATE, Reason.SOURCE_CHANGED),
            change("a:two", Action.DISABLE, Reason.ENABLED_DIFFERS),
            change("a:one", Action.UPDATE, Reason.METADATA_DIFFERS),
            calls={"default": Calls(calls=10), "west": Calls(calls=2)},
        ),
        PLAIN,
    )
    assert text.splitlines()[-3:] == [
        "Plan: 1 to add, 2 to change, 0 to destroy.",
        "Actions: 1 create, 1 rotate, 1 update, 0 enable, 1 disable, 0 delete, 0 forget.",
        "Calls: 12 to backends, 0 values read.",
    ]


def test_a_foreign_tag_is_not_shown_as_removed() -> None:
    """Only tags that we drop are told as gone, also where `after` names ours alone."""
    before = snapshot(tags={"ours": "1", "theirs": "2"})
    text = plan_text(
        plan(change("a:b", Action.UPDATE, Reason.METADATA_DIFFERS, before=before, drop_tags=frozenset({"ours"}))),
        PLAIN,
    )
    assert '- tags.ours = "1"' in text
    assert "theirs" not in text


def test_an_update_without_snapshots_still_has_a_line() -> None:
    """Nothing is compared where nothing is known."""
    text = plan_text(plan(change("a:b", Action.UPDATE, Reason.METADATA_DIFFERS, before=None, after=None)), PLAIN)
    assert "~ the mark of its owner is written" in text


def test_changes_without_snapshots_are_told() -> None:
    """An orphan of which nothing is known any more is deleted all the same; a move without an origin stays."""
    text = plan_text(
        plan(
            change("a:b", Action.DELETE, Reason.ORPHANED, before=None, after=None),
            change("a:c", Action.MOVE, Reason.MOVED),
        ),
        PLAIN,
    )
    assert "- value = (sensitive) unknown" in text
    assert '> address = "a:c" -> "a:c"' in text


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({}, "No changes. Your secrets match the manifest."),
        (
            {"values": Values.SKIPPED, "unchecked": (Address("a", "b"), Address("a", "c"))},
            "No changes. 2 values were not checked.",
        ),
        ({"values": Values.SKIPPED, "unchecked": (Address("a", "b"),)}, "No changes. 1 value was not checked."),
        ({"selection": Selection(targets=("a:*",))}, "No changes. The selected secrets match the manifest."),
        ({"selection": Selection(destroy=True)}, "No changes. There is nothing to destroy."),
        ({"refreshed": False}, "No changes. Your secrets match the manifest, as far as state knows."),
        ({"diagnostics": (error("a"), error("b"))}, "Nothing could be planned: 2 errors."),
    ],
)
def test_nothing_to_do_says_what_was_found_out(given: dict[str, object], first: str) -> None:
    """`Your secrets match the manifest.` stands only where all of them were compared."""
    assert plan_text(plan(**given), PLAIN) == f"{first}\nCalls: 0 to backends, 0 values read.\n"


def test_what_the_counts_do_not_say_is_noted() -> None:
    """Errors, skipped values, a selection and a missing refresh are all told after the counts."""
    text = plan_text(
        plan(
            change("a:b", Action.ROTATE, Reason.SOURCE_CHANGED, after=snapshot()),
            values=Values.SKIPPED,
            unchecked=(Address("a", "c"),),
            refreshed=False,
            selection=Selection(excludes=("x:*",)),
            diagnostics=(error("no"),),
        ),
        PLAIN,
    )
    assert "value = (sensitive) hmac:1a2b3c4d -> not checked" in text
    assert text.splitlines()[-5:] == [
        "The plan holds 1 error and cannot be applied.",
        "1 value was not checked.",
        "Values were skipped, so this plan cannot be applied.",
        "Only what was selected is in this plan.",
        "The backends were not asked: state was taken for what is there.",
    ]


@pytest.mark.parametrize(
    ("where", "values", "told"),
    [
        ("old-store/global:a", Values.RESOLVED, "carried over from old-store"),
        ("west/global:old", Values.RESOLVED, "carried over from global:old"),
        ("old-store/global:a", Values.SKIPPED, "not checked"),
    ],
)
def test_a_value_that_is_made_once_comes_along(where: str, values: Values, told: str) -> None:
    """A generated secret that changes its place is not said to be made anew."""
    backend, _, address = where.partition("/")
    former = Location(backend=backend, address=Address.parse(address))
    moved = created("global:a", reason=Reason.MOVED, backend="west", previous=former, after=snapshot())
    assert f"+ value = (sensitive) {told}\n" in plan_text(plan(moved, values=values), PLAIN)


def test_drift_in_its_form() -> None:
    """One block for each address, then how many and in what."""
    check_golden("drift.txt", drift_text(plan(drift=all_drift()), PLAIN))


def test_no_drift() -> None:
    """Nothing changed outside, or not everything could be looked at."""
    assert drift_text(plan(), PLAIN).startswith("No drift. The backends hold what state remembers.\nCalls: ")
    assert drift_text(plan(diagnostics=(error("no"),)), PLAIN).startswith("Drift could not be checked everywhere.\n")


def test_a_complete_apply_speaks_terraforms_words() -> None:
    """Tools look for this line."""
    done = Outcome(applied=(created("a:b"), change("a:c", Action.ROTATE, Reason.DRIFTED)))
    assert outcome_text(done, PLAIN).splitlines()[0] == "Apply complete! Resources: 1 added, 1 changed, 0 destroyed."


def test_an_incomplete_apply_counts_what_is_missing() -> None:
    """Failed and not begun are counted apart; an interruption is named."""
    check_golden("outcome.txt", outcome_text(outcome(), PLAIN))
    stopped = outcome_text(replace(outcome(), failed=(), interrupted=True), PLAIN)
    assert stopped.startswith("Apply interrupted: 0 failed, 1 not begun. Resources: 1 added, 1 changed, 0 destroyed.\n")


def test_findings_say_where_and_what_next() -> None:
    """An address is named once, whether or not the message begins with it."""
    check_golden("findings.txt", "".join(diagnostic_text(each, PLAIN) for each in every_action().diagnostics))


def test_severity_decides_the_color() -> None:
    """Errors are red, warnings yellow."""
    assert diagnostic_text(error("x"), COLOR) == "\x1b[31merror:\x1b[0m x\n"
    assert diagnostic_text(error("x", severity=Severity.WARNING), COLOR) == "\x1b[33mwarning:\x1b[0m x\n"


def test_failures_name_the_address_and_the_hint() -> None:
    """Each failed change is told on its own."""
    told = [failure_text(each, PLAIN) for each in outcome().failed]
    assert told == [
        "error: payments:tls/key: somebody else wrote it\nhint: plan again\n",
        "error: a:b: source `env` is not set\n",
    ]


def test_errors_of_a_run() -> None:
    """A manifest's problems stand on lines of their own; other errors may have several lines and a hint."""
    problems = [Problem(file="m.yaml", line=line, column=1, message="unknown key") for line in (2, 1)]
    assert error_text(InvalidManifest(problems), PLAIN) == (
        "error: m.yaml:1:1: unknown key\nerror: m.yaml:2:1: unknown key\n"
    )
    assert error_text(SafetyLimit("too much", hint="look"), PLAIN) == "error: too much\nhint: look\n"
    assert error_text(SourceError("a:b: unset\na:c: unset"), PLAIN) == "error: a:b: unset\n  a:c: unset\n"
    assert error_text(SourceError(""), PLAIN) == "error: \n"


def test_a_hostile_text_cannot_move_the_cursor() -> None:
    """Controls, bidirectional overrides and newlines from outside are shown escaped."""
    nasty = 'x\x1b[2J\x9b1m\r\n\u202e\u2066"\\\x7f`<!-- @org'
    text = plan_text(hostile(nasty), PLAIN) + diagnostic_text(hostile(nasty).diagnostics[0], PLAIN)
    check_golden("hostile.txt", text)
    assert all(char.isprintable() or char == "\n" for char in text)


def test_no_value_is_rendered() -> None:
    """What a plan carries for an apply in the same process is never told."""
    assert CANARY not in plan_text(with_canary(), PLAIN)
    assert NEW.short in plan_text(with_canary(), PLAIN)


def test_a_plan_of_creates_does_without_deepdiff() -> None:
    """The library that compares metadata is not imported where nothing is compared."""
    code = (
        "import sys; sys.path.insert(0, 'tests/unit/render'); from plans_by_hand import *;"
        "from syncer.render.human import plan_text; from syncer.render.text import PLAIN;"
        "plan_text(plan(created('a:b'), change('a:c', Action.ROTATE, Reason.DRIFTED)), PLAIN);"
        "sys.exit('deepdiff' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
