"""Plans made by hand, and the comparison with golden files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncer import __version__
from syncer.errors import SourceError, VersionConflict
from syncer.model import Address, Desired, Fingerprint, OnRemove, Origin, Rotation, Secret, SourceSpec
from syncer.plans import (
    Action,
    Calls,
    Change,
    Diagnostic,
    Drift,
    DriftKind,
    Failure,
    Location,
    Outcome,
    Plan,
    Reason,
    Severity,
    Snapshot,
)
from syncer.sensitive import Sensitive

GOLDEN = Path(__file__).parents[2] / "golden"
CANARY = "canary-9f3b"
OLD = Fingerprint.of("0123456789abcdef", "1a2b3c4d" + "0" * 56)
NEW = Fingerprint.of("0123456789abcdef", "9f0e8d7c" + "0" * 56)


def check_golden(name: str, text: str) -> None:
    """Compare with `tests/golden/NAME`, or write it where SYNCER_UPDATE_GOLDEN is set."""
    text = text.replace(f'"syncer_version": "{__version__}"', '"syncer_version": "0.0.0"')
    path = GOLDEN / name
    if os.environ.get("SYNCER_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def snapshot(**given: Any) -> Snapshot:
    """Enabled, untagged, unless said otherwise."""
    return Snapshot(**({"enabled": True, "tags": {}, "description": None} | given))


def change(address: str, action: Action, reason: Reason, **given: Any) -> Change:
    """Give a change of the default backend, its value moving from OLD to NEW."""
    defaults = {"backend": "default", "before": snapshot(fingerprint=OLD), "after": snapshot(fingerprint=NEW)}
    return Change(address=Address.parse(address), action=action, reason=reason, **(defaults | given))


def created(address: str, **given: Any) -> Change:
    """Give the creation of a new secret."""
    return change(address, Action.CREATE, **({"reason": Reason.NEW, "before": None} | given))


def plan(*changes: Change, **given: Any) -> Plan:
    """Give a plan of project shop."""
    defaults: dict[str, Any] = {
        "project": "shop",
        "lineage": "0c0ffee0-0000-4000-8000-000000000001",
        "serial": 4,
        "manifest_digest": "ab" * 32,
        "timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return Plan(changes=changes, **(defaults | given))


def error(message: str, **given: Any) -> Diagnostic:
    """Give an error without an address."""
    return Diagnostic(**({"severity": Severity.ERROR, "code": "unmanaged", "message": message} | given))


def drifted(address: str, kind: DriftKind, before: object, after: object, backend: str = "default") -> Drift:
    """Give one difference."""
    return Drift(address=Address.parse(address), backend=backend, kind=kind, before=before, after=after)


def all_drift() -> tuple[Drift, ...]:
    """Give drift of every kind."""
    return (
        drifted("payments:tls/key", DriftKind.VALUE, "4", "5", "west"),
        drifted("global:api", DriftKind.VALUE, str(OLD), str(NEW)),
        drifted("global:api", DriftKind.TAGS, {"team": "a", "tier": "gold"}, {"team": "b"}),
        drifted("global:api", DriftKind.ENABLED, before=True, after=False),
        drifted("global:api", DriftKind.DESCRIPTION, "old words", ""),
        drifted("global:gone", DriftKind.MISSING, "7", None),
        drifted("global:read", DriftKind.VALUE, None, "5"),
    )


def every_action() -> Plan:
    """One plan with each action, each kind of value line, drift and findings."""
    before = snapshot(tags={"team": "a", "old": "x", "foreign": "keep"}, description="words", fingerprint=OLD)
    after = snapshot(tags={"team": "b", "tier": "gold", "foreign": "keep"}, description="new words", fingerprint=NEW)
    west = Location(backend="default", address=Address.parse("payments:moved/backend"))
    former = Location(backend="default", address=Address.parse("old:name"))
    return plan(
        created("global:b/new", after=snapshot(tags={"tier": "gold", "app": "web"}, description="db", fingerprint=NEW)),
        created("global:a/generated", after=snapshot()),
        change("payments:tls/key", Action.ROTATE, Reason.SOURCE_CHANGED, backend="west"),
        change(
            "payments:tls/key",
            Action.UPDATE,
            Reason.METADATA_DIFFERS,
            backend="west",
            before=before,
            after=after,
            drop_tags=frozenset({"old"}),
        ),
        change("payments:tls/key", Action.DISABLE, Reason.ENABLED_DIFFERS, backend="west", advisory=True),
        change("payments:drifted", Action.ROTATE, Reason.DRIFTED, after=snapshot(fingerprint=OLD)),
        change("payments:unknown", Action.ROTATE, Reason.UNKNOWN_VALUE, before=snapshot()),
        change("payments:made", Action.ROTATE, Reason.ROTATION_DUE, after=snapshot()),
        change("payments:on", Action.ENABLE, Reason.ENABLED_DIFFERS),
        change("payments:adopted", Action.UPDATE, Reason.METADATA_DIFFERS, after=snapshot(fingerprint=OLD)),
        change("payments:undescribed", Action.UPDATE, Reason.METADATA_DIFFERS, before=snapshot(description="old")),
        change("payments:legacy", Action.DELETE, Reason.ORPHANED, before=before, after=None),
        change("payments:gone", Action.FORGET, Reason.GONE, before=None, after=None),
        change("payments:let-go", Action.FORGET, Reason.ORPHANED, after=None),
        change("new:name", Action.MOVE, Reason.MOVED, previous=former, after=snapshot(fingerprint=OLD)),
        change("new:name", Action.ROTATE, Reason.SOURCE_CHANGED),
        created("payments:moved/backend", reason=Reason.BACKEND_CHANGED, backend="west", previous=west),
        change("payments:moved/backend", Action.DISABLE, Reason.ORPHANED),
        created("payments:other/backend", reason=Reason.BACKEND_CHANGED, backend="west", previous=west),
        created("payments:back", reason=Reason.PENDING_DELETION, after=snapshot(tags={"a": "b"}, fingerprint=OLD)),
        drift=all_drift(),
        diagnostics=(
            error(
                "payments:there is there already and unmanaged",
                address=Address.parse("payments:there"),
                hint="syncer import payments:there",
                origin=Origin(file="syncer.yaml", line=12),
            ),
            error("is due soon", severity=Severity.WARNING, code="rotation_soon", address=Address.parse("a:b")),
        ),
        calls={"west": Calls(calls=5), "default": Calls(calls=7, values_read=1)},
    )


def hostile(text: str) -> Plan:
    """A plan in which everything that comes from outside is one hostile text."""
    nasty = snapshot(tags={text: text}, description=text, version=text)
    address = Address("scope", text)
    return plan(
        change(
            "a:b",
            Action.UPDATE,
            Reason.METADATA_DIFFERS,
            before=snapshot(tags={"k": "v"}),
            after=nasty,
            drop_tags=frozenset({"k"}),
        ),
        Change(
            address=address,
            action=Action.MOVE,
            reason=Reason.MOVED,
            backend=text,
            before=nasty,
            after=nasty,
            previous=Location(backend=text, address=Address("old", text)),
        ),
        created("a:c", after=nasty),
        drift=(
            drifted("a:b", DriftKind.TAGS, {"k": "v"}, {text: text}, text),
            drifted("a:b", DriftKind.VALUE, text, None, text),
        ),
        diagnostics=(error(text, address=address, hint=text, origin=Origin(file=text, line=1)),),
    )


def outcome() -> Outcome:
    """Give an apply of which two changes failed and one was not begun."""
    rotate = change("payments:tls/key", Action.ROTATE, Reason.SOURCE_CHANGED)
    later = change("payments:tls/key", Action.DISABLE, Reason.ENABLED_DIFFERS)
    return Outcome(
        applied=(created("global:new"), change("global:on", Action.ENABLE, Reason.ENABLED_DIFFERS)),
        failed=(
            Failure(
                change=rotate, error=VersionConflict("payments:tls/key: somebody else wrote it", hint="plan again")
            ),
            Failure(change=created("a:b"), error=SourceError("source `env` is not set")),
        ),
        skipped=(later,),
        serial=5,
        calls={"default": Calls(calls=4)},
    )


def with_canary() -> Plan:
    """A plan that carries a value for an apply in the same process, and a source that looks like one."""
    address = Address.parse("global:new")
    secret = Secret(
        address=address,
        source=SourceSpec(type="env", argument=CANARY, options={"decode": CANARY}, folder=Path(CANARY)),
        tags={},
        enabled=True,
        description="",
        rotate=Rotation(),
        on_remove=OnRemove.DISABLE,
        backend="default",
        origin=Origin(file="syncer.yaml", line=3),
    )
    desired = Desired(secret=secret, value=Sensitive(CANARY.encode()), fingerprint=NEW, source_digest=CANARY)
    return plan(created("global:new", secret=secret), desired={address: desired})
