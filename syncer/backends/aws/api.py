"""One service of AWS: a client made when first needed, each call counted, its errors told in our words."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncer.backends.aws.client import make_client
from syncer.backends.aws.errors import SDK_ERRORS, translated
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from syncer.backends.base import Meter

Request = Mapping[str, object]
"""What a call is made with, as the SDK spells it."""
Answer = dict[str, Any]
"""What comes back."""

_URL = re.compile(r"https?://[^/?#\s@]+(/[^?#\s]*)?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S{1,576}")


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

    def check(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        if self.endpoint_url is not None and not _URL.fullmatch(self.endpoint_url):
            _refuse("endpoint_url", "must be a URL that begins with http:// or https:// and holds no credentials")
        if self.role_arn is not None and not _ROLE.fullmatch(self.role_arn):
            _refuse("role_arn", "must be the ARN of an IAM role", "for instance arn:aws:iam::111122223333:role/syncer")
        if self.external_id is not None and self.role_arn is None:
            _refuse("external_id", "goes with `role_arn`, which is missing")


def _refuse(option: str, rule: str, hint: str | None = None) -> None:
    message = f"option `{option}` {rule}"
    raise InvalidConfiguration(message, hint=hint)


class Api:
    """The calls of one service, safe to share between threads. Raise InvalidConfiguration for options of no use."""

    def __init__(self, service: str, options: AwsOptions, meter: Meter, width: int) -> None:
        options.check()
        self._service = service
        self._options = options
        self._meter = meter
        self._width = width
        self._lock = threading.Lock()
        self._made: Any = None

    def call(self, action: str, thing: str, request: Request, *, values_read: int = 0) -> Answer:
        """Make one call, such as `ListSecrets`, about `thing`. Raise what `errors` makes of the SDK's errors."""
        try:
            return self._ask(action, request, values_read)
        except SDK_ERRORS as error:
            problem = translated(error, f"{self._service}:{action}", thing)
        raise problem

    def _ask(self, action: str, request: Request, values_read: int) -> Answer:
        method = getattr(self._client(), _snake(action))
        read = 0
        try:
            answer: Answer = method(**request)
            read = values_read
        finally:
            self._meter.call(values_read=read)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client(self._service, self._options, self._width)
            return self._made


def _snake(action: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
