"""A plan in counts, for the widget that GitLab shows on a merge request.

A job hands it over under `artifacts:reports:terraform`. GitLab takes a JSON object in which `create`, `update` and
`delete` are numbers of up to six digits, and shows a larger one as 999999: lib/gitlab/ci/parsers/terraform/tfplan.rb
of gitlabhq/gitlabhq. https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsterraform
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from syncer.plans import count

if TYPE_CHECKING:
    from syncer.plans import Plan


def report(plan: Plan) -> str:
    """Write the counts of a plan, as its summary has them."""
    counts = count(plan.changes)
    return json.dumps({"create": counts.add, "update": counts.change, "delete": counts.destroy}) + "\n"
