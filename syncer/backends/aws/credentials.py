"""As whom calls are made: with the credentials that the AWS tools would find, or those of a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials
    from botocore.session import Session

    from syncer.backends.aws.options import AwsOptions

T = TypeVar("T")

# Files and programs that are missing, output that is no JSON or some other, a role's answer without credentials.
_LET_THROUGH = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
"""What providers of the SDK raise beside the SDK's own errors; the text may quote what they got."""


class ExpiredCredentialsError(Exception):
    """Credentials that had expired when they came."""


def find(session: Session, options: AwsOptions) -> Credentials:
    """Find the credentials, and let the session use them. Raise the SDK's errors, ExpiredCredentialsError."""
    found = _fetched(session.get_credentials)
    if found is None:
        raise NoCredentialsError
    return found if options.role_arn is None else _assumed(session, found, options)


def refresh(credentials: Credentials) -> None:
    """Renew them where they are about to expire. Raise the SDK's errors, ExpiredCredentialsError."""
    _fetched(credentials.get_frozen_credentials)


def _assumed(session: Session, source: Credentials, options: AwsOptions) -> Credentials:
    """Let the session act as a role, whose credentials are renewed while they are used."""
    extra = {"RoleSessionName": "syncer", **({"ExternalId": options.external_id} if options.external_id else {})}
    fetcher = AssumeRoleCredentialFetcher(session.create_client, source, options.role_arn, extra_args=extra)
    role = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    session._credentials = role  # noqa: SLF001  # botocore has no public way to set refreshable ones
    return role


def _fetched(fetch: Callable[[], T]) -> T:
    try:
        return fetch()
    except (BotoCoreError, ClientError, ResponseParserError):
        raise
    except _LET_THROUGH as error:
        # Of all providers, none but that of refreshable credentials raises a RuntimeError, for this one reason.
        expired = type(error) is RuntimeError
    if expired:
        raise ExpiredCredentialsError
    raise CredentialRetrievalError(provider="the SDK", error_msg="it broke off")
