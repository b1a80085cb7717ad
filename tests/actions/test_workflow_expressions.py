"""The expressions of workflows, as GitHub's documentation words them."""

from __future__ import annotations

from typing import Any

import pytest
from actions.expressions import Scope, Strict, UnknownExpressionError

CONTEXTS = {
    "github": Strict(event_name="push", event={"pull_request": {"user": {"login": "dev"}}}, repository="acme/shop"),
    "steps": Strict(plan={"outputs": {"changes": "true"}}),
    "inputs": {"by_hand": True},
    "env": {},
}
SCOPE = Scope(contexts=CONTEXTS)
FAILED = Scope(contexts=CONTEXTS, failed=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("12", 12.0),
        ("github.event_name == 'PUSH'", True),
        ("github.event.pull_request.user.login != 'bot'", True),
        ("github.event.nothing.at.all", None),
        ("github.event.nothing.at.all == ''", True),
        ("env.NOT_SET || 'given'", "given"),
        ("'' || false || 'last'", "last"),
        ("'a' && 'b'", "b"),
        ("!inputs.by_hand == false", True),
        ("!(inputs.by_hand && steps.plan.outputs.changes == 'true')", False),
        ("'a' == 'b' || 'c' == 'c' && 'd' != 'e'", True),
        ("startsWith('Dependabot/npm', 'dependabot/')", True),
        ("contains('abc', 'B')", True),
        ("format('{1}-{0}', 'a', 2)", "2-a"),
        ("true == 1", True),
        ("'x' == 1", False),
    ],
)
def test_what_an_expression_comes_to(text: str, value: Any) -> None:
    """Texts are compared in any case, and what is not there is null."""
    assert SCOPE.value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "github.mispelt",
        "steps.other.outputs.x",
        "matrix.python",
        "hashFiles('a')",
        "a b",
        "github.event.*",
        "1 < 2",
        "''x",
    ],
)
def test_what_it_has_not_been_taught_is_an_error(text: str) -> None:
    """A workflow must not pass here and fail there."""
    with pytest.raises(UnknownExpressionError):
        SCOPE.value(text)


def test_values_become_text() -> None:
    """Inside a text, as in `with` and `env`."""
    assert (
        SCOPE.interpolate("a ${{ inputs.by_hand }}, ${{ env.NOT_SET }}, ${{ 3 }}${{ github.repository }}")
        == "a true, , 3acme/shop"
    )
    with pytest.raises(UnknownExpressionError):
        SCOPE.interpolate("${{ github.event }}")


def test_a_condition_wants_success_unless_it_says_otherwise() -> None:
    """With or without `${{ }}` around it."""
    assert SCOPE.condition(None)
    assert not FAILED.condition(None)
    assert SCOPE.condition("github.event_name == 'push'")
    assert not FAILED.condition("github.event_name == 'push'")
    assert FAILED.condition("${{ !cancelled() && github.event_name == 'push' }}")
    assert FAILED.condition("failure()")
    assert not SCOPE.condition("failure()")
    assert FAILED.condition("always()")
    assert not FAILED.condition("success() || false")
