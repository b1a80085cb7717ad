"""What a policy demands of declared secrets: its rules, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from jsonschema_rs import Draft202012Validator, RegexOptions

from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from syncer.model import OnRemove, Origin

OWN_CHARACTERS = "characters"
"""Stands among `alphabets` for one that a manifest spells out itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom a rule is about, and how grave it is."""

    severity: Literal["error", "warning"] = "error"
    scopes: tuple[str, ...] = ("*",)
    """Globs."""
    exceptions: tuple[str, ...] = ()
    """Globs of addresses that it is not about."""
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What every rule has. It is about declarations, never about a value."""

    name: ClassVar[str]
    """As a manifest calls it."""
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredTags(Demand):
    """Each secret has these tags."""

    name = "required-tags"
    tags: Mapping[str, str | None]
    """Name to the expression that its value matches, as a whole; None where any will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumAge(Demand):
    """Each value is rotated before it is so old."""

    name = "maximum-age"
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedValues(Demand):
    """What `generate` makes is strong enough."""

    name = "generated-values"
    minimum_length: int | None = None
    """In what `length` counts: characters of a password, random bytes of hex and base64url."""
    types: tuple[str, ...] | None = None
    alphabets: tuple[str, ...] | None = None
    """Of passwords; `OWN_CHARACTERS` among them allows alphabets that are spelt out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedSources(Demand):
    """Values come from these types of sources only."""

    name = "allowed-sources"
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenOnRemove(Demand):
    """Nothing of this becomes of a secret that leaves the manifest."""

    name = "forbidden-on-remove"
    on_remove: tuple[OnRemove, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming(Demand):
    """Refs match an expression, as a whole."""

    name = "naming"
    refs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners(Demand):
    """Each secret has one of these owners, by a tag."""

    name = "owners"
    owners: tuple[str, ...]
    tag: str = "owner"


Rule: TypeAlias = RequiredTags | MaximumAge | GeneratedValues | AllowedSources | ForbiddenOnRemove | Naming | Owners
"""One of them."""


@cache
def matcher(expression: str) -> Callable[[str], bool]:
    """Give a test for texts that match an expression as a whole. Raise InvalidConfiguration.

    It is matched by finite automata, so in time that grows with the text alone: no expression can keep a run busy.
    The engine is the one of the schema's validator, with the syntax of ECMA 262 but for look-around and
    back-references, which automata cannot have; an expression that makes too large an automaton is refused.
    """
    try:
        _compiled(expression)  # by itself first: `a)|(b` is none, whatever stands around it
        test: Callable[[str], bool] | None = _compiled(f"^(?:{expression})$").is_valid
    except ValueError:
        test = None
    if test is None:
        message = "not a regular expression that can be matched; look-around and back-references cannot"
        raise InvalidConfiguration(message)
    return test


def _compiled(expression: str) -> Draft202012Validator:
    return Draft202012Validator({"pattern": expression}, pattern_options=RegexOptions())
