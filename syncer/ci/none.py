"""No platform at all: nobody is told anything."""

# ruff: noqa: ARG002  # what nobody is told still has the interface's arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.platform import Level, Platform, Pull
from syncer.ci.run import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoPlatform(Platform):
    """What there is on somebody's own machine, or on a platform that we do not know."""

    def __init__(self) -> None:
        super().__init__(NOWHERE)

    def annotate(self, level: Level, message: str, *, file: str = "", line: int = 0, column: int = 0) -> str:
        """Give nothing."""
        return ""

    def summarize(self, markdown: str) -> None:
        """Do nothing."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Do nothing."""

    def comment(self, pull: int, marker: str, body: str, *, create: bool = True) -> str | None:
        """Give nothing."""
        return None

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Give nothing."""
        return ""

    def close_issue(self, marker: str, body: str) -> str | None:
        """Give nothing."""
        return None

    def merged_pull(self, sha: str) -> Pull | None:
        """Give nothing."""
        return None

    def pull_of_run(self) -> Pull | None:
        """Give nothing."""
        return None

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Give nothing."""
        return None
