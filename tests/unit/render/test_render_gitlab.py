"""The counts that GitLab shows on a merge request."""

from __future__ import annotations

import json

from plans_by_hand import CANARY, change, created, every_action, plan, with_canary

from syncer.plans import Action, Reason, count
from syncer.render.gitlab import report


def test_the_counts_of_a_plan() -> None:
    """Addresses, as in its summary; a move and a record that is forgotten count for nothing."""
    assert json.loads(report(plan())) == {"create": 0, "update": 0, "delete": 0}
    few = plan(
        created("a:b"),
        change("a:c", Action.ROTATE, Reason.DRIFTED),
        change("a:c", Action.UPDATE, Reason.METADATA_DIFFERS),
        change("a:d", Action.DELETE, Reason.ORPHANED),
        change("a:e", Action.FORGET, Reason.GONE),
    )
    assert report(few) == '{"create": 1, "update": 1, "delete": 1}\n'
    counts = count(every_action().changes)
    assert json.loads(report(every_action())) == {
        "create": counts.add,
        "update": counts.change,
        "delete": counts.destroy,
    }
    assert CANARY not in report(with_canary())
