"""What is known of each secret that was found again, in words: how it stands, and what the next plan makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from syncer.backends.base import DISABLES, Capability
from syncer.model import OnRemove
from syncer.registry import source_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.engine.marked import Marked, Places
    from syncer.engine.session import Session
    from syncer.model import Address, Secret
    from syncer.state.model import Record


class Standing(StrEnum):
    """What is known of a secret that was found again."""

    PROVEN = "proven"
    """Its value was read, and is to stay."""
    DIFFERS = "differs"
    """Its value was read, and its source yields another one."""
    UNKNOWN = "unknown"
    """Its value was not read, or could not be compared."""
    UNDECLARED = "undeclared"
    """Ours, and the manifest does not declare it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One secret that bears the project's mark."""

    address: Address
    record: Record
    standing: Standing
    why: str
    """In words, with what the next plan makes of it."""
    withdrawn: bool
    """Whether the next plan takes it, or a copy of it, away from consumers."""


def judged(
    session: Session, record: Record, secret: Secret | None, places: Places, doubt: tuple[Standing, str] | None
) -> Found:
    """Say how one stands; without a doubt, its value was read and is the one that is wanted."""
    if secret is None:
        standing, (why, withdrawn) = Standing.UNDECLARED, _orphaned(session, record)
    else:
        standing, why = doubt or (Standing.PROVEN, _proof(secret))
        withdrawn = False
    if places.copy is not None and record.on_remove is not OnRemove.FORGET:
        why, withdrawn = f"{why}; the next plan withdraws its copy on backend `{places.copy.backend}`", True
    return Found(address=places.first.seen.address, record=record, standing=standing, why=why, withdrawn=withdrawn)


def _proof(secret: Secret) -> str:
    made = source_class(secret.source.type).made_at_apply
    return "its value was made once, and stays" if made else "its value is what its source yields"


def _orphaned(session: Session, record: Record) -> tuple[str, bool]:
    """Say what the next plan makes of what is not declared, and whether consumers lose it."""
    match record.on_remove:
        case OnRemove.FORGET:
            return "not declared: the next plan forgets it", False
        case OnRemove.DELETE:
            return "not declared: the next plan deletes it", True
    if not record.enabled:
        return "not declared, and disabled already", False
    if session.backend(record.backend).capabilities & {*DISABLES, Capability.DISABLE_REMOVES}:
        return "not declared: the next plan disables it", True
    return "not declared, and its backend cannot disable it: the next plan asks what shall become of it", False


def passed(session: Session, marked: Marked) -> Iterator[tuple[Address, str]]:
    """Say of what is declared and not ours, and of what is pending deletion, why it is not taken."""
    declared = session.manifest.secrets
    for there in sorted(marked.foreign, key=lambda there: there.seen.address):
        address, owner = there.seen.address, there.seen.owner
        if address in declared and owner is None:
            yield address, f"it bears no mark: `syncer import {address}` takes it"
        elif address in declared:
            yield address, f"it belongs to project {owner}"
    for there in sorted(marked.deleted, key=lambda there: there.seen.address):
        address = there.seen.address
        comes = "the next plan restores it" if address in declared else "nobody declares it"
        yield address, f"it is pending deletion: {comes}"
