"""Saved plans: authenticated JSON without values, checked against the world before they are applied."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema_rs import Draft202012Validator

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
from syncer.schemas import load_schema
from syncer.state.model import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.state.key import Keyring

FORMAT_VERSION = "1.0"
MAX_BYTES = 256 * 1024 * 1024
"""More is not a plan of ours, and not worth reading."""
MAX_UNTRUSTED_BYTES = 32 * 1024 * 1024
"""The same for what nobody vouches for: ten thousand changes take a third of it."""
Document = dict[str, Any]
"""A plan as JSON."""
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A saved plan whose MAC is right."""

    document: Document

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


def to_plan(document: Document) -> Plan:
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


def sign(document: Document, keyring: Keyring) -> Document:
    """Add the MAC that makes a JSON plan a saved plan."""
    return {**document, "mac": crypto.mac(keyring.subkey(crypto.PLAN_MAC), canonical(document))}


def parse(text: bytes, keyring: Keyring) -> SavedPlan:
    """Read a saved plan. Raise StalePlan for anything that this project key did not sign."""
    try:
        document = json.loads(text)
        check_authentic(document, keyring)
        del document["mac"]
        version = document["format_version"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        message = "this is not a saved plan"
        raise StalePlan(
            message, hint="make one with `syncer plan --out FILE`; the output of --format json is none"
        ) from None
    if version != FORMAT_VERSION:
        message = f"the saved plan has format {version}, this syncer reads {FORMAT_VERSION}"
        raise StalePlan(message, hint="apply it with the version that made it, or plan again")
    return SavedPlan(document=document)


def is_signed(text: bytes) -> bool:
    """Whether it bears a MAC, right or wrong; what is no plan bears none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "mac" in document


def check_authentic(document: Document, keyring: Keyring) -> None:
    """Raise StalePlan for a plan that bears no MAC, whether or not there is a key, or not that of this project key."""
    if "mac" not in document and "resource_changes" in document:
        message = "this plan is not signed, so it can be shown and never applied"
        raise StalePlan(message, hint="plan again with values, where the project key is: `syncer plan --out FILE`")
    unsigned = {name: part for name, part in document.items() if name != "mac"}
    if not crypto.same_mac(document["mac"], crypto.mac(keyring.subkey(crypto.PLAN_MAC), canonical(unsigned))):
        message = "the saved plan was tampered with, or made under another project key"
        raise StalePlan(message, hint="plan again with the key of this state")


def parse_unauthenticated(text: bytes | str) -> Document:
    """Read the document of a plan that nobody vouches for, to be shown and never applied; a MAC is not looked at.

    It fits schemas/plan.schema.json, and `to_plan` takes it. Raise StalePlan for anything else.
    """
    if len(text) > MAX_UNTRUSTED_BYTES:
        message = f"this is not a plan: it is larger than {MAX_UNTRUSTED_BYTES >> 20} MiB"
        raise StalePlan(message)
    try:
        document: Document = json.loads(text, parse_constant=_no_number)
        _check_version(document)
        fits = _shape().is_valid(document)
        if fits:
            to_plan(document)  # says more than a shape can: no month has 99 days
    except (ValueError, KeyError, TypeError, RecursionError):
        fits = False
    if not fits:
        message = "this is not a plan"
        raise StalePlan(message, hint="make one with `syncer plan --out FILE` or `--format json`")
    return document


def _check_version(document: Document) -> None:
    """Raise StalePlan for the plan of another version; KeyError or TypeError for what has none."""
    version = document["format_version"]
    if version == FORMAT_VERSION:
        return
    known = isinstance(version, str) and _VERSION.fullmatch(version)
    message = f"the plan has {f'format {version}' if known else 'another format'}, this syncer reads {FORMAT_VERSION}"
    raise StalePlan(message, hint="show it with the version that made it, or plan again")


@cache
def _shape() -> Draft202012Validator:
    definitions = load_schema("plan")["$defs"]
    return Draft202012Validator({"$ref": "#/$defs/plan", "$defs": definitions})


def _no_number(_constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python takes for JSON."""
    message = "not a number"
    raise ValueError(message)


def check_still_holds(saved: SavedPlan, fresh: Document) -> None:
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
            message = f"{key[0]}: {difference(_told(then.get(key)), _told(now.get(key)))}"
            raise StalePlan(message, hint="plan again")


def _by_key(changes: list[Document]) -> dict[tuple[str, str, str], Document]:
    return {(change["address"], change["backend"], change["action"]): change for change in changes}


def _told(document: Document | None) -> Change | None:
    return None if document is None else _change(document)


def difference(then: Change | None, now: Change | None) -> str:
    """Say to people what is other in a change than when its plan was made; None for a change that is not there."""
    if then is None or now is None or then.action is not now.action:
        return "what is to be done has changed since the plan was made"
    if _version(then) != _version(now):
        return "its observed version moved since the plan was made"
    if _fingerprint(then) != _fingerprint(now):
        return "its source yields another value than when the plan was made"
    return "it was changed outside since the plan was made"


def _version(change: Change) -> str | None:
    return change.before.version if change.before else None


def _fingerprint(change: Change) -> Fingerprint | None:
    return change.after.fingerprint if change.after else None


def _selection(asked: Document) -> Selection:
    return Selection(
        targets=tuple(asked["targets"]),
        excludes=tuple(asked["excludes"]),
        rotate=tuple(asked["rotate"]),
        destroy=asked["destroy"],
    )


def _change(document: Document) -> Change:
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


def _snapshot(document: Document | None) -> Snapshot | None:
    if document is None:
        return None
    fingerprint = document["fingerprint"]
    return Snapshot(**{**document, "fingerprint": fingerprint and Fingerprint.parse(fingerprint)})


def _drift(document: Document) -> Drift:
    return Drift(
        address=Address.parse(document["address"]),
        backend=document["backend"],
        kind=DriftKind(document["kind"]),
        before=document["before"],
        after=document["after"],
    )


def _diagnostic(document: Document) -> Diagnostic:
    address = document["address"]
    return Diagnostic(
        severity=Severity(document["severity"]),
        code=document["code"],
        message=document["message"],
        address=address and Address.parse(address),
        hint=document["hint"],
    )
