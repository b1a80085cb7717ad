"""What a runner that reads along would take for an order to it."""

from __future__ import annotations

import re

# `##[command]` is one wherever it stands, `::command::` at the start of a line (ActionCommand.cs of actions/runner).
_ORDERS = re.compile(r"##\[|^(?=[^\S\n]*::)", re.MULTILINE)


def inert(text: str) -> str:
    """Let nothing in a text look like an order."""
    return _ORDERS.sub(lambda found: "##\\u005b" if found[0] else "> ", text)
