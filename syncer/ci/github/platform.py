"""GitHub, as one run sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.client import ApiPlatform, Client
from syncer.ci.files import append
from syncer.ci.github import commands
from syncer.ci.github.context import context
from syncer.ci.patience import Patience
from syncer.ci.token import api_url, needed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import Self

    from syncer.ci.github.context import Context
    from syncer.ci.platform import Level

_API = "https://api.github.com"
_SUMMARY = "GITHUB_STEP_SUMMARY"
_SUMMARY_LIMIT = 1_048_576
"""The most bytes that the summaries of one step may have."""
_OUTPUT = "GITHUB_OUTPUT"
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")


class GithubPlatform(ApiPlatform):
    """GitHub Actions, and GitHub's API by a token of the job."""

    def __init__(self, found: Context, environ: Mapping[str, str], patience: Patience) -> None:
        super().__init__(found.run, patience)
        self._context = found
        self._environ = environ

    @classmethod
    def of(cls, environ: Mapping[str, str], patience: Patience | None = None) -> Self:
        """Read what the environment tells. Raise InvalidConfiguration for what does not say which run this is."""
        return cls(context(environ), environ, patience or Patience())

    def client(self) -> AbstractContextManager[Client]:
        """Open the API as whom the token of the job belongs to."""
        from syncer.ci.github.client import connected  # noqa: PLC0415  # slow to import, and an extra

        token = needed(self._environ, *_TOKENS, hint="give the step `env: GITHUB_TOKEN: ${{ github.token }}`")
        url = api_url("GITHUB_API_URL", self._environ.get("GITHUB_API_URL") or _API)
        return connected(url, token, self._context)

    def annotate(self, level: Level, message: str, *, file: str = "", line: int = 0, column: int = 0) -> str:
        """Give the workflow command."""
        return commands.annotation(level, message, file=file, line=line, column=column)

    def summarize(self, markdown: str) -> None:
        """Add to the summary of the step, and so of the job."""
        if path := self._environ.get(_SUMMARY):
            append(_SUMMARY, path, f"{markdown}\n", limit=_SUMMARY_LIMIT)

    def outputs(self, values: Mapping[str, str]) -> None:
        """Set outputs of the step."""
        if path := self._environ.get(_OUTPUT):
            append(_OUTPUT, path, commands.outputs(values))
