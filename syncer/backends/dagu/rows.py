"""What Dagu says of a secret, read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from syncer.backends.dagu import marks
from syncer.backends.dagu.places import GLOBAL
from syncer.model import Address, Observed
from syncer.rest.messages import garbled

if TYPE_CHECKING:
    from syncer.backends.dagu.marks import Mark
    from syncer.rest.messages import Answer, Json

_ACTIVE = "active"


class Row(NamedTuple):
    """One secret as the API shows it."""

    id: str
    address: Address
    """By its workspace and ref, also where it belongs to a runtime profile."""
    number: int
    """Of its newest version; 0 for a secret without a value."""
    rotated: str
    """When that was written; empty for a secret without a value."""
    enabled: bool
    description: str

    @classmethod
    def of(cls, document: Json) -> Row:
        """Read a document. Raise LookupError, TypeError or ValueError for what is none."""
        return cls(
            id=str(document["id"]),
            address=Address(str(document.get("workspace") or GLOBAL), str(document["ref"])),
            number=int(document["currentVersion"]),
            rotated=str(document.get("lastRotatedAt", "")),
            enabled=document["status"] == _ACTIVE,
            description=str(document.get("description", "")),
        )

    @property
    def version(self) -> str:
        """What moves when the value does. `updatedAt` also moves with each run that reads the secret.

        A number alone may come twice: it starts again for a secret made anew, and a lost write frees it.
        """
        return f"{self.number}@{self.rotated}"

    def mark(self, address: Address) -> Mark | None:
        """Give our mark, where it is this very secret's: one that was copied from another says nothing."""
        found = marks.apart(self.description).mark
        return found if found is not None and found.address == address else None

    def observed(self, address: Address) -> Observed:
        """Give what it means."""
        mark = self.mark(address)
        return Observed(
            address=address,
            version=self.version,
            tags=dict(mark.tags) if mark else {},
            enabled=self.enabled,
            description=marks.apart(self.description).text,
            owner=mark.project if mark else None,
            remote_id=self.id,
        )


def no_secret(address: Address) -> Row:
    """Give an entry of a profile that has no secret: a variable, or one whose secret somebody deleted."""
    return Row(id="", address=address, number=0, rotated="", enabled=True, description="")


def row(answer: Answer) -> Row:
    """Read the secret that an answer is. Raise Transient or InvalidConfiguration for anything else."""
    with suppress(LookupError, TypeError, ValueError, ArithmeticError):
        return Row.of(answer.document)
    raise garbled(answer)
