"""One service of AWS: a client made when first needed, each call counted, its errors told in our words."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from syncer.backends.aws.errors import failed, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.base import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """What both stores take: where they are and as whom to go there."""

    region: str | None = None
    """Without it, what the AWS tools would take: the variable, the profile."""
    profile: str | None = None
    role_arn: str | None = None
    """A role to assume, with the credentials that were found."""
    external_id: str | None = None
    endpoint_url: str | None = None
    """Without it, AWS_ENDPOINT_URL and its kin, or Amazon's own."""
    kms_key_id: str | None = None
    """Without it, the key that AWS keeps for the service."""


class Api:
    """The calls of one service, safe to share between threads."""

    def __init__(self, service: str, options: AwsOptions, meter: Meter, width: int) -> None:
        self._service = service
        self._options = options
        self._meter = meter
        self._width = width
        self._lock = threading.Lock()
        self._made: Any = None

    def call(self, action: str, thing: str, request: Mapping[str, Any], *, values_read: int = 0) -> dict[str, Any]:
        """Make one call, such as `ListSecrets`, about `thing`. Raise what `errors` makes of the SDK's errors."""
        name = f"{self._service}:{action}"
        try:
            method = getattr(self._client(), _snake(action))
            self._meter.call(values_read=values_read)
            answer: dict[str, Any] = method(**request)
        except ClientError as error:
            problem = told(error, name, thing)
        except BotoCoreError as error:
            problem = failed(error, name, thing)
        else:
            return answer
        raise problem

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = _client(self._service, self._options, self._width)
            return self._made


def _client(service: str, options: AwsOptions, width: int) -> Any:
    _keep_quiet()
    session = get_session()
    if options.profile is not None:
        session.set_config_variable("profile", options.profile)
    config = Config(
        # Tried again here and by the SDK would be tried six times six; ours knows what may be tried twice.
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=10,
        read_timeout=30,
        max_pool_connections=width,
        user_agent_extra="syncer",
    )
    if options.role_arn is not None:
        _assume(session, options.role_arn, options.external_id)
    return boto3.Session(botocore_session=session).client(
        service, region_name=options.region, endpoint_url=options.endpoint_url, config=config
    )


def _assume(session: Session, role_arn: str, external_id: str | None) -> None:
    """Let the session act as a role, whose credentials are renewed while they are used."""
    extra = {"RoleSessionName": "syncer", **({"ExternalId": external_id} if external_id else {})}
    source = session.get_credentials()
    fetcher = AssumeRoleCredentialFetcher(session.create_client, source, role_arn, extra_args=extra)
    session._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # noqa: SLF001  # botocore has no public way to set refreshable ones


def _keep_quiet() -> None:
    """Keep the SDK from logging requests and answers, which hold values, wherever somebody turns debugging on."""
    for name in ("botocore.endpoint", "botocore.parsers", "botocore.hooks", "botocore.auth", "botocore.httpsession"):
        logging.getLogger(name).setLevel(logging.INFO)


def _snake(action: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
