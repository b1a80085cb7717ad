"""Plans, drift, outcomes and failures as GitHub-flavoured Markdown: comments, issues and the summaries of jobs.

Whatever comes from a manifest, a backend or an artifact stands in a fenced block, where no markup, mention or
reference is live; `<`, and as many backticks as could end the block, are escaped as JSON does.
"""

from syncer.render.markdown.drift import drift_markdown
from syncer.render.markdown.failure import failure_markdown
from syncer.render.markdown.findings import findings_markdown
from syncer.render.markdown.frame import LABEL, LIMIT, Setting
from syncer.render.markdown.outcome import outcome_markdown
from syncer.render.markdown.plan import plan_markdown

__all__ = [
    "LABEL",
    "LIMIT",
    "Setting",
    "drift_markdown",
    "failure_markdown",
    "findings_markdown",
    "outcome_markdown",
    "plan_markdown",
]
