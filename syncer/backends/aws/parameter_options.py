"""What may stand beside `type: aws-ssm`."""

from __future__ import annotations

from dataclasses import dataclass

from syncer.backends.aws import parameter_rules as rules
from syncer.backends.aws.options import AwsOptions
from syncer.errors import InvalidConfiguration
from syncer.naming import Template
from syncer.rest.options import refuse

_FOR_INSTANCE = "for instance /{project}/{scope}/{ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterStoreOptions(AwsOptions):
    """Options of Parameter Store."""

    path: str = "/{project}/{scope}/{ref}"
    """What a parameter is called."""
    tier: str = "standard"
    """`standard`, `advanced` or `intelligent-tiering`. A parameter that is advanced already stays so."""
    writes_per_second: int = 3
    """What the account may do: 3 unless its owner bought a higher throughput."""

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        AwsOptions.__post_init__(self)  # `super()` does not know the class that `slots` makes anew
        self.names("project")
        if problem := rules.path_problem(self.path):
            refuse("path", problem, _FOR_INSTANCE)
        if self.tier not in rules.LIMITS:
            refuse("tier", f"must be one of {', '.join(rules.LIMITS)}")
        if self.writes_per_second < 1:
            refuse("writes_per_second", "must be 1 or more")

    def names(self, project: str) -> Template:
        """Give the names of a project's parameters."""
        try:
            return Template("path", self.path, project)
        except InvalidConfiguration as error:
            error.hint = _FOR_INSTANCE  # elsewhere a name begins without a slash
            raise
