"""Moto where Secrets Manager keeps rules that AWS documents and moto 5.2 does not keep, and parameters have ARNs."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from conformance.fakes.child import child, listen
from conformance.fakes.moto_server import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARKED = "You can't perform this operation on the secret because it was marked for deletion."
SCHEDULED = "You can't create this secret because a secret with this name is already scheduled for deletion."
BATCH = 20


@contextmanager
def strict_moto() -> Iterator[str]:
    """Give the base URL of a fresh one."""
    with child("conformance.fakes.moto_strict", environment=ENVIRONMENT) as url:
        yield url


def correct() -> None:
    """Refuse what is pending deletion and batches that are too large; clear descriptions; heed who moved a stage.

    Tell the ARN of a parameter that is described.
    """
    from moto.secretsmanager.models import SecretsManagerBackend as Backend
    from moto.ssm.responses import SimpleSystemManagerResponse as Ssm

    Backend.create_secret = _refusing(Backend.create_secret, SCHEDULED)
    for name in ("put_secret_value", "tag_resource", "untag_resource"):
        setattr(Backend, name, _refusing(getattr(Backend, name), MARKED))
    Backend.update_secret = _clearing(Backend.update_secret)
    Backend.update_secret_version_stage = _moving(Backend.update_secret_version_stage)
    Backend.batch_get_secret_value = _counting(Backend.batch_get_secret_value)
    Ssm.describe_parameters = _naming(Ssm.describe_parameters)


def _refusing(method: Callable[..., Any], message: str) -> Callable[..., Any]:
    from moto.secretsmanager.exceptions import InvalidRequestException

    @wraps(method)
    def refusing(self: Any, *args: Any, **kwargs: Any) -> Any:
        names = [*args, *(kwargs[key] for key in ("name", "secret_id", "arn") if key in kwargs)]
        secret = self.secrets.get(names[0]) if names[0] in self.secrets else None
        if secret is not None and secret.is_deleted():
            raise InvalidRequestException(message)
        return method(self, *args, **kwargs)

    return refusing


def _clearing(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def clearing(self: Any, **kwargs: Any) -> Any:
        answer = method(self, **kwargs)
        if kwargs.get("description") == "":
            self.secrets[kwargs["secret_id"]].description = ""
        return answer

    return clearing


def _moving(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def moving(self: Any, **kwargs: Any) -> Any:
        answer = method(self, **kwargs)
        if kwargs["version_stage"] == "AWSCURRENT" and kwargs["move_to_version_id"]:
            self.secrets[kwargs["secret_id"]].set_default_version_id(kwargs["move_to_version_id"])
        return answer

    return moving


def _counting(method: Callable[..., Any]) -> Callable[..., Any]:
    from moto.secretsmanager.exceptions import InvalidParameterException

    @wraps(method)
    def counting(self: Any, **kwargs: Any) -> Any:
        if len(kwargs["secret_id_list"]) > BATCH:
            message = "The list of secrets is too long."
            raise InvalidParameterException(message)
        return method(self, **kwargs)

    return counting


def _naming(method: Callable[..., Any]) -> Callable[..., Any]:
    from moto.ssm.utils import parameter_arn

    @wraps(method)
    def naming(self: Any) -> Any:
        answer = method(self)
        for found in answer.result["Parameters"]:
            found["ARN"] = parameter_arn(self.current_account, self.region, found["Name"])
        return answer

    return naming


if __name__ == "__main__":
    listener = listen()
    from conformance.fakes.moto_app import run

    correct()
    run(listener)
