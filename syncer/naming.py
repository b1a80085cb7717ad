"""Names made from addresses: by a template, with the way back, and as keys of an environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from syncer.errors import InvalidConfiguration
from syncer.model import Address

_FIELDS = {"project": "{project}", "scope": "{scope}", "ref": "{ref}"}
_FIELD = re.compile(r"\{([^{}]*)\}")
# A scope has no slash and a ref may have some: `shop/payments/prod/db-password` can be read in one way only.
_SCOPE = r"(?P<scope>[A-Za-z0-9_][A-Za-z0-9._-]*?)"
_REF = r"(?P<ref>[A-Za-z0-9_][A-Za-z0-9._/-]*)"
_NO_WORD = re.compile(r"[^A-Za-z0-9_]")


def upper_snake(ref: str) -> str:
    """Spell a ref as the name of an environment variable: `prod/db-password` is `PROD_DB_PASSWORD`.

    Several refs may share one, and one that starts with a digit is no name: the caller must refuse both.
    """
    return _NO_WORD.sub("_", ref).upper()


@dataclass(frozen=True)
class Template:
    """How a store calls a secret, such as `{project}/{scope}/{ref}`.

    It must hold `{scope}` and `{ref}` once each, something between the two that no scope holds, so that two addresses
    never share a name. Raise InvalidConfiguration for any other.
    """

    option: str
    """What the manifest calls it, for errors."""
    text: str
    project: str

    def __post_init__(self) -> None:
        unknown = [name for name in _FIELD.findall(self.text) if name not in _FIELDS]
        if unknown or "{" in _FIELD.sub("", self.text) or "}" in _FIELD.sub("", self.text):
            self._refuse("may hold {project}, {scope} and {ref}, and no other braces")
        if self.text.count("{scope}") != 1 or self.text.count("{ref}") != 1:
            self._refuse("must hold {scope} and {ref} once each")
        scope, ref = self.text.index("{scope}"), self.text.index("{ref}")
        between = self.text[scope + len("{scope}") : ref]
        # After a ref nothing tells where it ended; after a scope, only what no scope holds does.
        if scope > ref or "/" not in between:
            self._refuse("must name {scope} first, then {ref}, with a slash between them")

    def name(self, address: Address) -> str:
        """Give the name of an address."""
        return self._fixed.replace("{scope}", address.scope).replace("{ref}", address.ref)

    def address(self, name: str) -> Address | None:
        """Give the address that has the name; None where no address has."""
        found = self._pattern.fullmatch(name)
        return None if found is None else Address(found["scope"], found["ref"])

    def prefix(self, scope: str) -> str:
        """Give what all names of a scope begin with."""
        return self._fixed.partition("{ref}")[0].replace("{scope}", scope)

    @property
    def common_prefix(self) -> str:
        """What all names of all scopes begin with."""
        return self._fixed.partition("{scope}")[0]

    @cached_property
    def _fixed(self) -> str:
        return self.text.replace("{project}", self.project)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        literal = re.escape(self._fixed)
        return re.compile(literal.replace(r"\{scope\}", _SCOPE).replace(r"\{ref\}", _REF))

    def _refuse(self, rule: str) -> None:
        message = f"option `{self.option}` {rule}"
        raise InvalidConfiguration(message, hint="for instance {project}/{scope}/{ref}")
