"""What may stand beside `type: aws-secrets-manager`, and the tags that a profile demands of every secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.backends.aws import secret_rules as rules
from syncer.backends.aws.options import AwsOptions, refuse
from syncer.naming import Template

if TYPE_CHECKING:
    from syncer.model import Address

KESTRA = "kestra"
FORMATS = ("string", "json", "binary")
_WINDOW = range(7, 31)
_REGION = re.compile(r"([a-z]+-)+[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsManagerOptions(AwsOptions):
    """Options of Secrets Manager."""

    name: str = "{project}/{scope}/{ref}"
    """What a secret is called."""
    prefix: str = ""
    """Stands in front of the name, as it is."""
    recovery_window_days: int = 30
    """How long a deleted secret can be restored, 7 to 30."""
    format: str = "string"
    """`string`; `json`, text that is a JSON object; `binary`, any bytes."""
    replica_regions: list[str] = field(default_factory=list)
    """Where a copy is kept of each secret that is made or restored."""
    tags: str | None = None
    """`kestra`: the tags by which a Kestra that only reads finds a secret, whose namespace the scope is."""

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        AwsOptions.__post_init__(self)  # `super()` does not know the class that `slots` makes anew
        for option in ("name", "prefix"):
            if problem := rules.fixed_problem(getattr(self, option)):
                refuse(option, problem)
        if "{" in self.prefix:
            refuse("prefix", "holds no braces; `name` may")
        self.names("project")
        if self.recovery_window_days not in _WINDOW:
            refuse("recovery_window_days", f"must be {_WINDOW[0]} to {_WINDOW[-1]}")
        if self.format not in FORMATS:
            refuse("format", f"must be one of {', '.join(FORMATS)}")
        self._check_regions()
        self._check_profile()

    def _check_regions(self) -> None:
        regions = self.replica_regions
        if not all(isinstance(region, str) and _REGION.fullmatch(region) for region in regions):
            refuse("replica_regions", "must be a list of regions, such as eu-west-1")
        if len(set(regions)) < len(regions) or self.region in regions:
            refuse("replica_regions", "names a region twice, or the one where the secrets are")

    def _check_profile(self) -> None:
        if self.tags not in (None, KESTRA):
            refuse("tags", f"must be {KESTRA}, the one profile there is")
        if self.tags == KESTRA and self.format != "string":
            refuse("tags", f"{KESTRA} goes with `format: string`: Kestra reads plain text")

    def names(self, project: str) -> Template:
        """Give the names of a project's secrets."""
        return Template("name", self.prefix + self.name, project)

    def demanded(self, address: Address) -> dict[str, str]:
        """Give the tags that the profile demands of a secret."""
        if self.tags is None:
            return {}
        return {"namespace": address.scope, "key": address.ref, "prefix": self.prefix.strip("/") or KESTRA}
