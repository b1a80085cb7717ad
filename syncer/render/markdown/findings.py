"""What `validate` found, as the summary of a job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from syncer.plans import Severity
from syncer.render.markdown import frame
from syncer.render.markdown.frame import PLAIN_SETTING, Setting
from syncer.render.text import quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.plans import Diagnostic


def findings_markdown(diagnostics: Sequence[Diagnostic], project: str, setting: Setting = PLAIN_SETTING) -> str:
    """Write the findings of a valid manifest."""
    numbers = Counter(each.severity for each in diagnostics)
    told = [quantity(numbers[each], str(each)) for each in Severity if numbers[each]]
    name = frame.named(project, setting)
    title = f"### Manifest of {name}: {', '.join(told) if told else 'valid'}"
    found = frame.findings(diagnostics, setting)
    return frame.joined([title, *found, *frame.footer(setting)])
