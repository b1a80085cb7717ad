"""GitLab, as one job sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci.client import ApiPlatform, Client
from syncer.ci.files import append
from syncer.ci.gitlab import outputs
from syncer.ci.gitlab.context import context
from syncer.ci.gitlab.failures import JOB_TOKEN, TOKEN
from syncer.ci.patience import Patience
from syncer.ci.token import api_url, needed
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import Self

    from syncer.ci.gitlab.context import Context
    from syncer.ci.platform import Level

_API = "https://gitlab.com/api/v4"
_VARIABLE = "CI_API_V4_URL"


class GitlabPlatform(ApiPlatform):
    """GitLab CI/CD, and GitLab's API by a token of the project."""

    def __init__(self, found: Context, environ: Mapping[str, str], patience: Patience) -> None:
        super().__init__(found.run, patience)
        self._context = found
        self._environ = environ

    @classmethod
    def of(cls, environ: Mapping[str, str], patience: Patience | None = None) -> Self:
        """Read what the environment tells. Raise InvalidConfiguration for what does not say which run this is."""
        return cls(context(environ), environ, patience or Patience())

    def client(self) -> AbstractContextManager[Client]:
        """Open the API as whom the token belongs to: of a project, or of the job where there is no other."""
        from syncer.ci.gitlab.client import connected  # noqa: PLC0415  # slow to import, and an extra

        token = needed(self._environ, TOKEN, JOB_TOKEN, hint="a project access token with the scope `api`")
        url = api_url(_VARIABLE, self._environ.get(_VARIABLE) or _API)
        if not url.endswith("/api/v4"):
            message = f"{_VARIABLE} must end with /api/v4"
            raise InvalidConfiguration(message)
        return connected(url, token, self._context)

    def annotate(self, level: Level, message: str, *, file: str = "", line: int = 0, column: int = 0) -> str:  # noqa: ARG002  # the interface's
        """Give nothing: a job of GitLab marks lines by its reports alone."""
        return ""

    def summarize(self, markdown: str) -> None:
        """Do nothing: a job of GitLab has no summary."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Add variables to the file that the job has named for them."""
        if path := self._environ.get(outputs.VARIABLE):
            append(outputs.VARIABLE, path, outputs.lines(values))
