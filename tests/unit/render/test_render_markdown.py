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
    outcome,
    plan,
    snapshot,
    with_canary,
)

from syncer import __version__
from syncer.errors import InvalidManifest, Problem, StalePlan
from syncer.model import Address
from syncer.plans import Action, Diagnostic, DriftKind, Failure, Outcome, Reason, Severity, Values
from syncer.render.markdown import (
    LIMIT,
    Setting,
    drift_markdown,
    failure_markdown,
    findings_markdown,
    outcome_markdown,
    plan_markdown,
)

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


RUN = Setting(
    label="production",
    commit="0123456789abcdef0123456789abcdef01234567",
    url="https://github.example/acme/shop/actions/runs/42",
    artifact="syncer-plan-production",
    digest="sha256:" + "ab" * 32,
    notes=("This run comes from a fork.",),
)


def golden(name: str, text: str) -> None:
    """Compare, whatever version it is."""
    check_golden(name, text.replace(f"syncer {__version__}<", "syncer 0.0.0<"))


def test_a_plan_on_a_platform() -> None:
    """The label, what was not checked, and of what commit, run and plan it is."""
    blind = Diagnostic(severity=Severity.WARNING, code="state_not_authenticated", message="no key")
    seen = plan(
        created("a:b", after=snapshot()),
        change("a:c", Action.DELETE, Reason.ORPHANED, after=None),
        values=Values.SKIPPED,
        refreshed=False,
        unchecked=(Address("a", "b"), Address("a", "d")),
        diagnostics=(blind,),
    )
    golden("in_ci.md", plan_markdown(seen, RUN))
    assert "Values were skipped, so" not in plan_markdown(seen, RUN)


def test_an_outcome() -> None:
    """What was done, what failed and why, what was not begun, and what nobody had reviewed."""
    golden("outcome.md", outcome_markdown(outcome(), "shop", RUN, left_out=(Address("a", "z"), Address("a", "y"))))


def test_titles_of_outcomes() -> None:
    """All of it, nothing, and not to the end."""
    fine = outcome_markdown(Outcome(applied=(created("a:b"),)), "shop")
    assert fine.startswith("### Applied `shop`: 1 added, 0 changed, 0 destroyed\n\n```diff\n+ a:b created (new)\n```\n")
    assert outcome_markdown(Outcome(applied=()), "shop").startswith("### Apply of `shop`: nothing to do\n")
    stopped = Outcome(applied=(), skipped=(created("a:b"),), interrupted=True)
    assert outcome_markdown(stopped, "shop").startswith("### Apply of `shop` interrupted: 0 failed, 1 not begun\n")


def faults(number: int) -> InvalidManifest:
    """Give so many faults."""
    return InvalidManifest([Problem(file="syncer.yaml", line=n, column=1, message="is wrong") for n in range(number)])


def test_a_failure() -> None:
    """Why, and what to do; the faults of a manifest with their positions, as many as there is room for."""
    error = StalePlan("a:b: its source yields another value", hint="plan again")
    golden("failure.md", failure_markdown(error, "ci apply", "plan-changed", RUN))
    few = failure_markdown(faults(2), "ci plan", "invalid-manifest")
    assert "The manifest has 2 faults:\n\n```text\nsyncer.yaml:0:1: is wrong\nsyncer.yaml:1:1: is wrong\n```\n" in few
    many = failure_markdown(faults(9000), "ci plan", "invalid-manifest")
    assert len(many) <= LIMIT
    assert re.search(r"\n[0-9]+ more faults are in the log of the run\.\n", many)


def test_findings() -> None:
    """Counted by severity in the title."""
    assert findings_markdown((), "shop") == "### Manifest of `shop`: valid\n"
    found = (error("no"), error("hm", severity=Severity.WARNING), error("never"))
    assert findings_markdown(found, "shop").startswith("### Manifest of `shop`: 2 errors, 1 warning\n\n```text\n")


def test_nothing_hostile_is_live_anywhere() -> None:
    """Names of runs, labels and commits that are none are left out; the rest stays inside fences and code spans."""
    address = Address("scope", NASTY)
    bad = created(str(address))
    ended = Outcome(applied=(bad,), failed=(Failure(change=bad, error=StalePlan(NASTY, hint=NASTY)),), skipped=(bad,))
    nasty = Setting(label=NASTY, commit=NASTY, url=f"javascript:{NASTY}", artifact=NASTY, digest=NASTY)
    problem = InvalidManifest([Problem(file=NASTY, line=1, column=1, message=NASTY)])
    texts = (
        plan_markdown(hostile(NASTY), nasty),
        outcome_markdown(ended, "shop", nasty, left_out=(address,) * 3),
        failure_markdown(problem, "ci plan", "invalid-manifest", nasty),
        failure_markdown(StalePlan(NASTY, hint=NASTY), "ci plan", "plan-changed", nasty),
        findings_markdown((error(NASTY, hint=NASTY),), "shop", nasty),
        drift_markdown(hostile(NASTY), nasty),
    )
    for text in texts:
        outside = re.sub(r"`[^`\n]*`", "", outside_fences(text))
        assert "@org" not in outside
        assert "javascript" not in outside
        assert "<!--" not in text
        assert text.count("`" * 3) % 2 == 0


def test_five_thousand_changes_in_any_script() -> None:
    """Within the bound by characters, by UTF-16 and by bytes; where the rest is, is said."""
    for letter in ("x", "\u5bc6", "\U0001f511"):
        text = plan_markdown(plan(*(created(f"a:{letter * 40}{n:05}") for n in range(5000))), RUN)
        shown = text.count("will be created")
        assert len(text) <= len(text.encode("utf-16-le")) // 2 <= len(text.encode()) <= LIMIT
        assert shown > 100
        where = "artifact `syncer-plan-production` of [this run](https://github.example/acme/shop/actions/runs/42)"
        assert f"\n{5000 - shown} more changes are in the {where}.\n" in text
    whole = plan_markdown(plan(*(created(f"a:{n:05}") for n in range(5000))), Setting(limit=900_000))
    assert whole.count("will be created") == 5000


def test_what_is_withdrawn_is_never_cut_off_first() -> None:
    """A deletion at the end of a long plan stands at its beginning."""
    changes = [created(f"a:secret-{n:05}") for n in range(5000)]
    text = plan_markdown(plan(*changes, change("z:last", Action.DELETE, Reason.ORPHANED, after=None)))
    assert "```diff\n# z:last will be deleted (orphaned)\n" in text
    assert "[!CAUTION]\n> 1 secret will be deleted." in text
