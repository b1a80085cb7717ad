"""On which platform a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.github.context import Context as GithubContext
from syncer.ci.github.platform import GithubPlatform
from syncer.ci.gitlab.context import Context as GitlabContext
from syncer.ci.gitlab.platform import GitlabPlatform
from syncer.ci.none import NoPlatform
from syncer.ci.patience import Patience
from syncer.ci.run import NOWHERE
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.ci.platform import Platform

AUTO = "auto"
PLATFORMS = (AUTO, "github", "gitlab", "none")
"""What may be asked for."""


def detect(environ: Mapping[str, str], platform: str = AUTO, *, patience: Patience | None = None) -> Platform:
    """Give the platform that was asked for, or that the environment tells of, and what it knows of this run.

    Raise InvalidConfiguration for an environment that does not say what its platform always says.
    """
    name = _told(environ) if platform == AUTO else platform
    match name:
        case "github":
            return GithubPlatform.of(environ, patience)
        case "gitlab":
            return GitlabPlatform.of(environ, patience)
        case "none":
            return NoPlatform()
    message = f"there is no platform {name}"
    raise InvalidConfiguration(message, hint=f"known: {', '.join(PLATFORMS)}")


def detect_lost(environ: Mapping[str, str], platform: str = AUTO) -> Platform:
    """Give the platform of a run that `detect` can make nothing of: for outputs, marks and the summary, and no more."""
    match _told(environ) if platform == AUTO else platform:
        case "github":
            return GithubPlatform(GithubContext(run=NOWHERE), environ, Patience())
        case "gitlab":
            return GitlabPlatform(GitlabContext(run=NOWHERE, project="", web=""), environ, Patience())
    return NoPlatform()


def _told(environ: Mapping[str, str]) -> str:
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else "none"
