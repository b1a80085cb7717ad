"""Which platform a run is on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

from syncer.ci.detect import detect
from syncer.ci.platform import Pull
from syncer.ci.run import Event
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

GITHUB = {"GITHUB_REPOSITORY": "acme/shop"}
GITLAB = {"CI_PROJECT_ID": "7", "CI_PROJECT_PATH": "acme/shop"}


def test_the_environment_tells(tmp_path: Path) -> None:
    """Each platform sets a variable of its own."""
    event = tmp_path / "event.json"
    event.write_text("{}")
    github = {**GITHUB, "GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    assert detect(github).run.platform == "github"
    assert detect({**GITLAB, "GITLAB_CI": "true"}).run.platform == "gitlab"
    assert detect({"CI": "true"}).run.platform == "none"


def test_what_is_asked_for_goes_before_the_environment() -> None:
    """A comment can be written from a machine that is on no platform."""
    assert detect({**GITLAB, "GITLAB_CI": "true"}, "none").run.platform == "none"
    assert detect(GITHUB, "github").run.repository == "acme/shop"


def test_an_unknown_platform_is_refused() -> None:
    """The error names those that are known."""
    with pytest.raises(InvalidConfiguration, match="no platform jenkins") as caught:
        detect({}, "jenkins")
    assert caught.value.hint == "known: auto, github, gitlab, none"


def test_nobody_is_told_anything_on_no_platform() -> None:
    """What a run tells of itself goes nowhere; what somebody asked for cannot be had, and is no silent success."""
    platform = detect({})
    assert (platform.run.event, platform.run.trusted, platform.run.pull) == (Event.OTHER, True, None)
    platform.summarize("text")
    platform.outputs({"changes": "true"})
    assert platform.annotate("error", "text", file="a", line=1) == ""
    for ask in (
        lambda: platform.comment(1, "marker", "text"),
        lambda: platform.open_issue("marker", "title", "text"),
        lambda: platform.close_issue("marker", "text"),
    ):
        with pytest.raises(InvalidConfiguration, match="needs a platform"):
            ask()
    pull = Pull(number=1, sha="a", url="", trusted=True)
    assert (platform.merged_pull("a"), platform.pull_of_run(), platform.plan_artifact(pull, "a")) == (None, None, None)


def test_a_commit_that_came_to_no_branch_was_never_merged() -> None:
    """Nobody is asked, for nobody could tell; no token is needed."""
    assert detect(GITHUB, "github").merged_pull("a" * 40) is None
    assert detect({**GITHUB, "GITHUB_REF": "refs/heads/main"}, "github").merged_pull("") is None


def test_no_library_is_imported_before_it_is_needed() -> None:
    """They take longer than a plan."""
    slow = {"github", "gitlab", "requests", "httpx"}
    code = f"import sys; from syncer.ci.detect import detect; detect({{}}); print({slow} & sys.modules.keys())"
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True)
    assert ended.stdout == b"set()\n"
