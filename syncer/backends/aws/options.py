"""What both stores of AWS take: where they are, and as whom to go there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncer.rest.options import refuse

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_URL = re.compile(rf"https?://({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(:0*(?P<port>[0-9]{{1,5}}))?(/[^?#\s]*)?")
_PORTS = range(1, 65_536)
_FORMS = {
    # What the SDK takes for a region: it becomes a part of a host's name.
    "region": (re.compile(rf"(?![0-9]+\Z){_LABEL}"), "must be the name of a region, such as eu-west-1", None),
    "profile": (re.compile(r"[^\x00-\x1f\x7f]+"), "must be the name of a profile", None),
    "role_arn": (
        re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S{1,576}"),
        "must be the ARN of an IAM role",
        "for instance arn:aws:iam::111122223333:role/syncer",
    ),
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    "external_id": (
        re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}"),
        "takes 2 to 1,224 letters, digits and _+=,.@:/-",
        None,
    ),
    # The pattern of SSM's model; Secrets Manager's has none.
    "kms_key_id": (
        re.compile(r"[A-Za-z0-9:/_-]{1,256}"),
        "must be the id, the ARN or the alias of a KMS key",
        "for instance alias/ours",
    ),
}


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

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        for option, (form, rule, hint) in _FORMS.items():
            given = getattr(self, option)
            if given is not None and not form.fullmatch(given):
                refuse(option, rule, hint)
        if self.endpoint_url is not None and not _is_url(self.endpoint_url):
            refuse("endpoint_url", "must be a URL that begins with http:// or https:// and holds no credentials")
        if self.external_id is not None and self.role_arn is None:
            refuse("external_id", "goes with `role_arn`, which is missing")


def _is_url(given: str) -> bool:
    found = _URL.fullmatch(given)
    return found is not None and (found["port"] is None or int(found["port"]) in _PORTS)
