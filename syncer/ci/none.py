"""No platform at all: nobody is told anything."""

# ruff: noqa: ARG002  # what nobody is told still has the interface's arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.platform import Level, Platform, Pull
from syncer.ci.run import NOWHERE
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMENT, _ISSUE = "a comment", "an issue"


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
        """Raise InvalidConfiguration."""
        raise _nobody(_COMMENT)

    def open_issue(self, marker: str, title: str, body: str) -> str:
        """Raise InvalidConfiguration."""
        raise _nobody(_ISSUE)

    def close_issue(self, marker: str, body: str) -> str | None:
        """Raise InvalidConfiguration."""
        raise _nobody(_ISSUE)

    def merged_pull(self, sha: str) -> Pull | None:
        """Give nothing."""
        return None

    def pull_of_run(self) -> Pull | None:
        """Give nothing."""
        return None

    def plan_artifact(self, pull: Pull, name: str) -> bytes | None:
        """Give nothing."""
        return None


def _nobody(wanted: str) -> InvalidConfiguration:
    message = f"{wanted} needs a platform, and this is a job of neither GitHub nor GitLab"
    return InvalidConfiguration(message, hint="leave it out here; --out FILE and reports say the same")
