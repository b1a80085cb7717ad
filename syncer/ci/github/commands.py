"""Workflow commands and outputs, as a runner reads them.

Workflow commands for GitHub Actions: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.ci.platform import Level

TITLE = "syncer"
# `##[command]` is one wherever it stands, `::command::` at the start of a line (ActionCommand.cs of actions/runner).
_COMMANDS = re.compile(r"##\[|^(?=[^\S\n]*::)", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def annotation(level: Level, message: str, *, file: str, line: int, column: int) -> str:
    """Give the command that marks a line of a file; without a file it marks the run."""
    # A column means nothing without its line, and a line without its file.
    position = {"file": file, "line": line and str(line), "col": line and column and str(column)} if file else {}
    properties = {**position, "title": TITLE}
    spelled = ",".join(f"{name}={text.translate(_PROPERTY)}" for name, text in properties.items() if text)
    return f"::{level} {spelled}::{message.translate(_DATA)}"


def inert(text: str) -> str:
    """Let nothing in a text look like a command to a runner that reads along."""
    return _COMMANDS.sub(lambda found: "##\\u005b" if found[0] else "> ", text)


def outputs(values: Mapping[str, str]) -> str:
    """Give the lines of a file of outputs; a value cannot end its own, for nobody knows the line that does."""
    return "".join(_output(name, value) for name, value in values.items())


def _output(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        message = f"no name of an output: {name!r}"
        raise ValueError(message)
    end = f"syncer_{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"
