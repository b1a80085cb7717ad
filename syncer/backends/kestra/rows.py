"""What Kestra shows of a secret, and what of its tags is ours."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from syncer.model import Address, Observed
from syncer.naming import upper_snake

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncer.rest.messages import Json

# No colon: the stores that Kestra keeps secrets in make labels of tags, and not all of them take one.
PROJECT, ADDRESS = "syncer-project", "syncer-address"
_OF_KESTRA = frozenset({"namespace", "tenant", "key", "prefix"})
"""Tags that Kestra may keep in a store for itself, and show or not."""
RESERVED = _OF_KESTRA | {PROJECT, ADDRESS}
"""Names of tags that no secret can be declared with."""


class Row(NamedTuple):
    """A secret as a listing shows it."""

    namespace: str
    key: str
    description: str
    tags: Mapping[str, str]
    """All of them, ours and Kestra's own too."""

    @classmethod
    def of(cls, entry: Json, asked: str) -> Row:
        """Read an entry; where it does not say, its namespace is the one that was asked for.

        Raise LookupError, TypeError or AttributeError for what is none.
        """
        tags = {str(tag["key"]): str(tag.get("value") or "") for tag in entry.get("tags") or ()}
        namespace = str(entry.get("namespace") or asked)
        return cls(namespace, str(entry["key"]), str(entry.get("description") or ""), MappingProxyType(tags))

    def address(self, asked: Collection[Address]) -> Address:
        """Give its address: of those asked for by this key the one that our mark names, or else any; else the mark's.

        What no mark names and nobody asked for has its key for a ref.
        """
        scope, _, ref = self.tags.get(ADDRESS, "").partition(":")
        marked = Address(scope, ref) if scope == self.namespace and upper_snake(ref) == self.key else None
        if marked is None or marked not in asked:
            return min(asked, default=marked or Address(self.namespace, self.key))
        return marked

    def observed(self, address: Address, remote_id: str) -> Observed:
        """Give what it means; a version is nothing that Kestra would show."""
        return Observed(
            address=address,
            version="",
            tags={name: text for name, text in self.tags.items() if name not in RESERVED},
            enabled=True,
            description=self.description,
            owner=self.tags.get(PROJECT),
            remote_id=remote_id,
        )


def marked(tags: Mapping[str, str], project: str, address: Address) -> dict[str, str]:
    """Give the tags to write: these, and whose the secret is."""
    return {**tags, PROJECT: project, ADDRESS: str(address)}
