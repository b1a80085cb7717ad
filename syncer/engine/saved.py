"""Saved plans: authenticated JSON without values, checked against the world before they are applied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncer import crypto
from syncer.engine.prepare import Request
from syncer.errors import StalePlan
from syncer.model import Address, Fingerprint
from syncer.plans import (
    Action,
    Calls,
    Change,
    Diagnostic,
    Drift,
    DriftKind,
    Location,
    Plan,
    Reason,
    Selection,
    Severity,
    Snapshot,
    Values,
)
from syncer.state.model import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.state.key import Keyring

FORMAT_VERSION = "1.0"
MAX_BYTES = 256 * 1024 * 1024
"""More is not a plan of ours, and not worth reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A saved plan whose MAC is right."""

    document: Mapping[str, Any]

    @property
    def request(self) -> Request:
        """Ask again for what this plan was asked for, about the addresses that it changes and no others."""
        return Request(
            selection=_selection(self.document["selection"]),
            refresh=self.document["refreshed"],
            verify_values=self.document.get("verified", False),
            only=frozenset(self._addresses()),
            now=datetime.fromisoformat(self.document["timestamp"]),
        )

    def check_applicable(self) -> None:
        """Raise StalePlan for a plan that was never meant to be applied."""
        if self.document["values"] != Values.RESOLVED:
            message = "the plan was made with --values skip and cannot be applied"
            raise StalePlan(message, hint="plan again with values")

    def _addresses(self) -> Iterator[Address]:
        for change in self.document["resource_changes"]:
            yield Address.parse(change["address"])


def to_plan(document: Mapping[str, Any]) -> Plan:
    """Give the plan that a document tells of, to be shown; it holds no declaration and cannot be applied."""
    return Plan(
        project=document["project"],
        changes=tuple(map(_change, document["resource_changes"])),
        drift=tuple(map(_drift, document["drift"])),
        diagnostics=tuple(map(_diagnostic, document["diagnostics"])),
        unchecked=tuple(map(Address.parse, document["unchecked"])),
        lineage=document["lineage"],
        serial=document["serial"],
        manifest_digest=document["manifest_digest"],
        timestamp=datetime.fromisoformat(document["timestamp"]),
        values=Values(document["values"]),
        selection=_selection(document["selection"]),
        calls={name: Calls(**asked) for name, asked in document["backend_calls"].items()},
        refreshed=document["refreshed"],
        verified=document.get("verified", False),
    )


def sign(document: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
    """Add the MAC that makes a JSON plan a saved plan."""
    return {**document, "mac": crypto.mac(keyring.subkey(crypto.PLAN_MAC), canonical(document))}


def parse(text: bytes, keyring: Keyring) -> SavedPlan:
    """Read a saved plan. Raise StalePlan for anything that this project key did not sign."""
    try:
        document = json.loads(text)
        written = document.pop("mac")
        version = document["format_version"]
        right = crypto.same_mac(written, crypto.mac(keyring.subkey(crypto.PLAN_MAC), canonical(document)))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        message = "this is not a saved plan"
        raise StalePlan(
            message, hint="make one with `syncer plan --out FILE`; the output of --format json is none"
        ) from None
    if not right:
        message = "the saved plan was tampered with, or made under another project key"
        raise StalePlan(message, hint="plan again with the key of this state")
    if version != FORMAT_VERSION:
        message = f"the saved plan has format {version}, this syncer reads {FORMAT_VERSION}"
        raise StalePlan(message, hint="apply it with the version that made it, or plan again")
    return SavedPlan(document=document)


def check_still_holds(saved: SavedPlan, fresh: Mapping[str, Any]) -> None:
    """Raise StalePlan where the document of a fresh plan for the same request says anything else."""
    for fact, what in (
        ("project", "another project"),
        ("lineage", "another state (its lineage differs)"),
        ("manifest_digest", "another manifest"),
        ("serial", "a state that has moved since"),
    ):
        if saved.document[fact] != fresh[fact]:
            message = f"the saved plan was made for {what}"
            raise StalePlan(message, hint="plan again")
    then = _by_key(saved.document["resource_changes"])
    now = _by_key(fresh["resource_changes"])
    for key in sorted(then.keys() | now.keys()):
        if then.get(key) != now.get(key):
            message = f"{key[0]}: {_difference(then.get(key), now.get(key))}"
            raise StalePlan(message, hint="plan again")


def _by_key(changes: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(change["address"], change["backend"], change["action"]): change for change in changes}


def _difference(then: dict[str, Any] | None, now: dict[str, Any] | None) -> str:
    if then is None or now is None:
        return "what is to be done has changed since the plan was made"
    before, after = (then["change"]["before"] or {}), (now["change"]["before"] or {})
    if before.get("version") != after.get("version"):
        return "its observed version moved since the plan was made"
    if (then["change"]["after"] or {}).get("fingerprint") != (now["change"]["after"] or {}).get("fingerprint"):
        return "its source yields another value than when the plan was made"
    return "it was changed outside since the plan was made"


def _selection(asked: Mapping[str, Any]) -> Selection:
    return Selection(
        targets=tuple(asked["targets"]),
        excludes=tuple(asked["excludes"]),
        rotate=tuple(asked["rotate"]),
        destroy=asked["destroy"],
    )


def _change(document: Mapping[str, Any]) -> Change:
    previous = None
    before, after = (_snapshot(document["change"][side]) for side in ("before", "after"))
    if "previous_address" in document:
        address = Address.parse(document["previous_address"])
        previous = Location(backend=document["previous_backend"], address=address)
    return Change(
        address=Address.parse(document["address"]),
        action=Action(document["action"]),
        reason=Reason(document["reason"]),
        backend=document["backend"],
        before=before,
        after=after,
        previous=previous,
        drop_tags=frozenset(before.tags) - frozenset(after.tags) if before and after else frozenset(),
        advisory=document["advisory"],
        removes=document["removes"],
    )


def _snapshot(document: Mapping[str, Any] | None) -> Snapshot | None:
    if document is None:
        return None
    fingerprint = document["fingerprint"]
    return Snapshot(**{**document, "fingerprint": fingerprint and Fingerprint.parse(fingerprint)})


def _drift(document: Mapping[str, Any]) -> Drift:
    return Drift(
        address=Address.parse(document["address"]),
        backend=document["backend"],
        kind=DriftKind(document["kind"]),
        before=document["before"],
        after=document["after"],
    )


def _diagnostic(document: Mapping[str, Any]) -> Diagnostic:
    address = document["address"]
    return Diagnostic(
        severity=Severity(document["severity"]),
        code=document["code"],
        message=document["message"],
        address=address and Address.parse(address),
        hint=document["hint"],
    )
