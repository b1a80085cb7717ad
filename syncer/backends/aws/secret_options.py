"""What may stand beside `type: aws-secrets-manager`, and the tags that a reader of its own rules needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.backends.aws import secret_rules as rules
from syncer.backends.aws import tags
from syncer.backends.aws.options import AwsOptions
from syncer.naming import Template, upper_snake
from syncer.readers import Reader
from syncer.rest.options import refuse

if TYPE_CHECKING:
    from syncer.model import Address, Secret

FORMATS = ("string", "json", "binary")
_WINDOW = range(7, 31)
_TAGS = ("namespace", "key", "prefix")
_KESTRAS_PREFIX = str(Reader.KESTRA)
"""What Kestra takes where its configuration names none."""
# No colon, unlike our other marks: Kestra's configuration has the name of this one as a key.
_EXCLUDED = {"syncer-disabled": "true"}
_EXCLUDED_HINT = 'for instance {syncer-disabled: "true"}'
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
    reader: str | None = None
    """`kestra`: secrets have the tags by which a Kestra that only reads finds them; a scope is a namespace.
    `dapr`: they are text, which a component of Dapr finds by the whole name; an object may be several values."""
    excluded_tag: dict[str, str] | None = None
    """A tag that a disabled secret bears for this reader: Kestra's `excluded-tags` name it."""

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
        self._check_reader()

    def _check_regions(self) -> None:
        regions = self.replica_regions
        if not all(isinstance(region, str) and _REGION.fullmatch(region) for region in regions):
            refuse("replica_regions", "must be a list of regions, such as eu-west-1")
        if len(set(regions)) < len(regions) or self.region in regions:
            refuse("replica_regions", "names a region twice, or the one where the secrets are")

    def _check_reader(self) -> None:
        if Reader.of(self.reader) is Reader.DAPR and self.format == "binary":
            refuse("reader", f"{self.reader} goes with text: Dapr reads no binary")
        if not self.for_kestra:
            if self.excluded_tag is not None:
                refuse("excluded_tag", f"goes with `reader{': kestra`' if self.reader else '`, which is missing'}")
            return
        if self.format != "string":
            refuse("reader", f"{self.reader} goes with `format: string`: Kestra reads plain text")
        excluded = self._excluded
        if len(excluded) != 1 or not all(isinstance(text, str) and text for text in (*excluded, *excluded.values())):
            refuse("excluded_tag", "must be the name of one tag and its text", _EXCLUDED_HINT)
        if not excluded.keys().isdisjoint(_TAGS) or tags.problem(excluded, marks=0) is not None:
            refuse("excluded_tag", "must be a tag that AWS takes and that nobody else sets", _EXCLUDED_HINT)

    def names(self, project: str) -> Template:
        """Give the names of a project's secrets."""
        return Template("name", self.prefix + self.name, project)

    @property
    def for_kestra(self) -> bool:
        """Whether secrets bear the tags that Kestra looks for."""
        return self.reader == Reader.KESTRA

    def demanded(self, address: Address) -> dict[str, str]:
        """Give the tags that the reader needs on a secret."""
        if not self.for_kestra:
            return {}
        prefix = self.prefix.strip("/") or _KESTRAS_PREFIX
        return dict(zip(_TAGS, (address.scope, upper_snake(address.ref), prefix), strict=True))

    def taken(self, secret: Secret) -> str | None:
        """Name a declared tag that is the reader's, and would say something else."""
        if not self.for_kestra:
            return None
        demanded = self.demanded(secret.address)
        other = {name for name, said in secret.tags.items() if demanded.get(name, said) != said}
        return min(other | (secret.tags.keys() & self._excluded.keys()), default=None)

    @property
    def off(self) -> dict[str, str]:
        """All the marks that a disabled secret bears."""
        return {tags.ENABLED: tags.OFF} | (self._excluded if self.for_kestra else {})

    @property
    def _excluded(self) -> dict[str, str]:
        return _EXCLUDED if self.excluded_tag is None else self.excluded_tag
