"""Platforms of our own and runs on them, for tests of what a run says there."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.ci.detect import detect
from syncer.ci.patience import Patience
from syncer.errors import SyncerError
from syncer.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.fakes.forge import Forge
    from conformance.fakes.github.fake import FakeGithub
    from conformance.fakes.gitlab.fake import FakeGitlab
    from conformance.fakes.gitlab.world import Merge

    from syncer.ci.platform import Platform

MARKER = "<!-- syncer:plan:syncer -->"
ARTIFACT = "syncer-plan-syncer"
BODY = "yVqHtZxLnKwJrGpMsXvQ"
CANARY = "ghs_zqkwVxGtRjHsMpLyNvKw"
"""Found nowhere else."""


@dataclass(slots=True)
class Waits:
    """A sleeper that moves the clock of a server instead."""

    forge: Forge
    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        """Let time pass there."""
        self.slept.append(seconds)
        self.forge.clock.advance(seconds)

    def patience(self, *, attempts: int = 3, left: float = 300.0) -> Patience:
        """Give a patience that sleeps so."""
        retry = Retry(attempts=attempts, base=0.0, sleep=self, jitter=lambda low, _: low)
        return Patience(retry=retry, left=left)


def on_github(
    github: FakeGithub, *, token: str | None = None, patience: Patience | None = None, **more: str
) -> Platform:
    """Give the platform of a run for a push to main; a token of the job unless there is another."""
    environ: Mapping[str, str] = {
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_API_URL": github.url,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_TOKEN": github.token() if token is None else token,
        **more,
    }
    return detect(environ, "github", patience=patience or Waits(github).patience())


def on_gitlab(
    gitlab: FakeGitlab,
    merge: Merge | None = None,
    *,
    token: str | None = None,
    patience: Patience | None = None,
    **more: str,
) -> Platform:
    """Give the platform of a run for a merge request, or for a push to main."""
    environ = gitlab.variables(merge, GITLAB_TOKEN=gitlab.token() if token is None else token, **more)
    return detect(environ, patience=patience or Waits(gitlab).patience())


def errors_of(*calls: Callable[[], object]) -> list[SyncerError]:
    """Make each call, and give the errors of those that failed."""
    found = []
    for call in calls:
        try:
            call()
        except SyncerError as error:
            found.append(error)
    return found


def everything_of(error: BaseException | None) -> str:
    """Spell an error with all that it came from, be it hidden from tracebacks."""
    texts = []
    while error is not None:
        texts += [repr(error), str(error), repr(vars(error)), *traceback.format_exception(error, chain=False)]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)
