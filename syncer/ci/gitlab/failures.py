"""What GitLab answers instead of what was asked for, told in our words.

https://docs.gitlab.com/api/rest/troubleshooting/
https://docs.gitlab.com/ci/jobs/ci_job_token/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.ci import failures
from syncer.ci.failures import OTHERS, UNKNOWN_TOKEN, Answer, Rule
from syncer.errors import AccessDenied, NotFound, Refused, Transient

if TYPE_CHECKING:
    from syncer.ci.failures import Asked, Site
    from syncer.errors import SyncerError

TOKEN, JOB_TOKEN = "GITLAB_TOKEN", "CI_JOB_TOKEN"
_TOO_MANY = 429

_RULES = (
    UNKNOWN_TOKEN,
    Rule(
        (403,),
        "insufficient_scope",
        AccessDenied,
        "{thing}: the token's scope does not reach that far (403)",
        "{token} needs the scope `api`",
    ),
    Rule(
        (403,),
        "",
        AccessDenied,
        "{thing}: {name} at {url} does not let the token do it (403)",
        "{token} needs {right}",
    ),
    Rule(
        (404,),
        "",
        NotFound,
        "{thing}: not on {name} at {url}, or not for this token to see (404)",
        "in a private project, {token} needs {right}",
    ),
    Rule(
        (400, 422), "too long", Refused, "{thing}: longer than {name} takes ({status})", "select fewer secrets at once"
    ),
    Rule((408, 409), "", Transient, "{thing}: {name} at {url} did not take it now ({status})"),
    *OTHERS,
)
_BY_JOB = Rule(
    (401, 403, 404),
    "",
    AccessDenied,
    "{thing}: {token} may not do it ({status})",
    f"set {TOKEN} to a project access token with the scope `api` and " + "{right}",
)


def told(answer: Answer, asked: Asked, site: Site) -> SyncerError:
    """Turn it into ours."""
    if answer.status == _TOO_MANY:
        return failures.limited(answer, asked, site, reset="ratelimit-reset")
    rules = (_BY_JOB, *_RULES) if site.token == JOB_TOKEN else _RULES
    return failures.told(answer, rules, asked, site)
