"""What both stores of AWS take: where they are, and as whom to go there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncer.errors import InvalidConfiguration

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
