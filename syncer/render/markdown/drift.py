"""Drift as an issue, a comment or a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.render.human import drift_blocks
from syncer.render.markdown import frame
from syncer.render.markdown.frame import PLAIN_SETTING, Setting
from syncer.render.text import drift_lines

if TYPE_CHECKING:
    from syncer.plans import Plan

_WAYS = (
    "- To put it right, run `syncer apply`: it writes again what the manifest wants.\n"
    "- To keep what is there, run `syncer drift --accept`, and change the manifest or the sources to match: "
    "the next plan compares with them."
)


def drift_markdown(plan: Plan, setting: Setting = PLAIN_SETTING) -> str:
    """Write what changed outside within the bound; what does not fit is counted."""
    found = frame.findings(plan.diagnostics, setting)
    end = ["  \n".join(drift_lines(plan)), *([_WAYS] if plan.drift else []), *frame.footer(setting)]
    top = [f"### Drift of {frame.named(plan.project, setting)}", *frame.box("NOTE", setting.notes), *found]
    return frame.joined([*top, *_differences(plan, setting.room - frame.size(found)), *end])


def _differences(plan: Plan, room: int) -> list[str]:
    if not plan.drift:
        return []
    parts = frame.parts_of(drift_blocks(plan.drift))
    return frame.fenced("diff", parts, room, ("difference", "in the output of `syncer drift`"))
