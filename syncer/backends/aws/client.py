"""Makes the SDK's client of one service: as whom, where, and never trying again by itself."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, InvalidEndpointConfigurationError, NoCredentialsError
from botocore.session import Session, get_session

from syncer.backends.aws.answers import refuse_garbled
from syncer.backends.aws.quiet import keep_quiet

if TYPE_CHECKING:
    from botocore.loaders import Loader

    from syncer.backends.aws.options import AwsOptions


CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""What AWS may take to answer, or to send the next part of its answer."""


def make_client(service: str, options: AwsOptions, width: int) -> Any:
    """Make one for so many threads at once. Raise the SDK's errors."""
    keep_quiet()
    session = get_session()
    session.register_component("data_loader", _models())
    # The SDK knows AWS_DEFAULT_REGION; every other tool of AWS knows AWS_REGION, and so does Lambda.
    region = options.region or os.environ.get("AWS_REGION")
    for name, text in (("profile", options.profile), ("region", region)):
        if text is not None:
            session.set_config_variable(name, text)
    # Of the session, so that it holds for the clients that fetch credentials, too.
    session.set_default_client_config(_config(width))
    if options.role_arn is not None:
        _assume(session, options.role_arn, options.external_id)
    session.register("before-parse", refuse_garbled)
    try:
        return boto3.Session(botocore_session=session).client(service, endpoint_url=options.endpoint_url)
    except BotoCoreError:
        raise
    except ValueError:
        raise InvalidEndpointConfigurationError(msg="it is no URL") from None


@cache
def _models() -> Loader:
    """Give what the SDK knows of all services, which it else reads again for each backend."""
    return get_session().get_component("data_loader")


def _config(width: int) -> Config:
    return Config(
        # Tried again here and by the SDK would be tried six times six; ours knows what may be tried twice.
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        max_pool_connections=width,
        user_agent_extra="syncer",
    )


def _assume(session: Session, role_arn: str, external_id: str | None) -> None:
    """Let the session act as a role, whose credentials are renewed while they are used."""
    extra = {"RoleSessionName": "syncer", **({"ExternalId": external_id} if external_id else {})}
    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(session.create_client, source, role_arn, extra_args=extra)
    session._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # noqa: SLF001  # botocore has no public way to set refreshable ones
