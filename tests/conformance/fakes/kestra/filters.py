"""`filters[FIELD][OPERATION]=VALUE`: which secrets a list has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.kestra.errors import BAD_FILTERS, UNKNOWN_HERE, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = re.compile(r"filters\[(.*?)]\[(.*?)](?:\[(.+)])?")
GROUPS = frozenset({"and", "or"})
QUERY, NAMESPACE = "q", "namespace"
CONSTANTS = {QUERY: "QUERY", NAMESPACE: "NAMESPACE"}
INVALID = "Provided query filters are invalid: "
SUPPORTED = "Supported fields are QUERY, NAMESPACE"


def _listed(text: str) -> list[str]:
    return text.strip("[]").split(",")


OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda own, asked: own == asked,
    "NOT_EQUALS": lambda own, asked: own != asked,
    "CONTAINS": lambda own, asked: asked in own,
    "STARTS_WITH": lambda own, asked: own.startswith(asked),
    "ENDS_WITH": lambda own, asked: own.endswith(asked),
    "PREFIX": lambda own, asked: own == asked or own.startswith(f"{asked}."),
    "IN": lambda own, asked: own in _listed(asked),
    "NOT_IN": lambda own, asked: own not in _listed(asked),
}
"""What may be asked of a namespace; children are not equal to their parent."""
QUERIES: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda own, asked: asked.lower() in own.lower(),
    "NOT_EQUALS": lambda own, asked: asked.lower() not in own.lower(),
}
"""What may be asked of a key: to equal a text is to contain it."""
NOT_HERE = frozenset({"REGEX"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition; all of them must hold."""

    field: str
    operation: str
    asked: str

    def lets(self, namespace: str, key: str) -> bool:
        """Whether a secret passes."""
        if self.field == QUERY:
            return QUERIES[self.operation](key, self.asked)
        return OPERATIONS[self.operation](namespace, self.asked)


def filters(parameters: list[tuple[str, str]]) -> list[Filter]:
    """Read the conditions of a query; other parameters mean nothing here."""
    return [_filter(name, asked) for name, asked in parameters if name.startswith("filters")]


def _filter(name: str, asked: str) -> Filter:
    match = NAME.fullmatch(name)
    if not match:
        raise Refused(BAD_FILTERS, f"{INVALID}Invalid filter: {name}")
    field, operation, nested = match[1], match[2].upper(), match[3]
    if field in GROUPS:
        raise Refused(UNKNOWN_HERE, "filters in groups")
    if operation in NOT_HERE:
        raise Refused(UNKNOWN_HERE, f"the operation {operation}")
    known = {QUERY: QUERIES, NAMESPACE: OPERATIONS}.get(field)
    if known is None:
        raise Refused(
            BAD_FILTERS, f"{INVALID}Field {_constant(field)} is not supported for resource SECRET_METADATA. {SUPPORTED}"
        )
    if operation not in known or nested:
        raise Refused(BAD_FILTERS, f"{INVALID}Operation {operation} is not supported for field {CONSTANTS[field]}")
    return Filter(field=field, operation=operation, asked=asked)


def _constant(field: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).upper()
