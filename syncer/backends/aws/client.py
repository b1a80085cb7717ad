"""Makes the SDK's client of one service: as whom, where, and never trying again by itself."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.configprovider import ConfigChainFactory
from botocore.exceptions import BotoCoreError
from botocore.session import get_session

from syncer.backends.aws import credentials
from syncer.backends.aws.errors import SETTINGS_HINT
from syncer.backends.aws.garbled import refuse_garbled
from syncer.backends.aws.quiet import keep_quiet
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.loaders import Loader
    from botocore.session import Session

    from syncer.backends.aws.options import AwsOptions

T = TypeVar("T")

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""What AWS may take to answer, or to send the next part of its answer."""

_UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, OSError)
"""What the SDK raises beside its own errors over a setting, and may quote: an endpoint can hold a password."""


def make_client(service: str, options: AwsOptions, width: int) -> Any:
    """Make one for so many threads at once. Raise the SDK's errors, InvalidConfiguration for settings of no use."""
    keep_quiet()
    session = _session(options, width)
    _settled(lambda: session.get_component("credential_provider"))  # reads the settings, and no credentials yet
    found = credentials.find(session, options)
    client = _settled(
        lambda: boto3.Session(botocore_session=session).client(service, endpoint_url=options.endpoint_url)
    )

    def refresh(**_event: object) -> None:
        credentials.refresh(found)

    # Before signing does it, where nobody could tell their errors from those of the call.
    client.meta.events.register("before-call", refresh)
    return client


def _session(options: AwsOptions, width: int) -> Session:
    session = get_session()
    session.register_component("data_loader", _models())
    _heed_environment(session)
    for name, text in (("profile", options.profile), ("region", options.region)):
        if text is not None:
            session.set_config_variable(name, text)
    # Of the session, so that it holds for the clients that fetch credentials, too.
    session.set_default_client_config(_config(width))
    session.register("before-parse", refuse_garbled)
    return session


def _heed_environment(session: Session) -> None:
    """Take the region and the profile from the environment, where an empty variable is none."""
    config = session.get_component("config_store")
    chain = ConfigChainFactory(session, {name: text for name, text in os.environ.items() if text}).create_config_chain
    profiles = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"]
    config.set_config_provider("profile", chain(instance_name="profile", env_var_names=profiles))
    # The SDK knows AWS_DEFAULT_REGION; every other tool of AWS knows AWS_REGION, and so does Lambda.
    regions = ["AWS_REGION", "AWS_DEFAULT_REGION"]
    found = chain(instance_name="region", env_var_names=regions, config_property_names="region")
    config.set_config_provider("region", found)


def _settled(make: Callable[[], T]) -> T:
    try:
        return make()
    except BotoCoreError:
        raise
    except _UNUSABLE:
        problem = InvalidConfiguration("the AWS settings cannot be used", hint=SETTINGS_HINT)
    raise problem


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
