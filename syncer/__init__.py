"""Plan and apply for secrets: a manifest in git, the values never.

>>> import syncer
>>> manifest = syncer.load_manifest("syncer.yaml")      # doctest: +SKIP
>>> plan = syncer.plan(manifest)                        # doctest: +SKIP
>>> outcome = syncer.apply(plan, manifest)              # doctest: +SKIP

What needs the state or a backend for longer than one call takes a `Session`:

>>> with syncer.Session(manifest) as session:           # doctest: +SKIP
...     report = syncer.find_drift(session, syncer.Selection())

Every name below is imported when it is first used, so that `import syncer` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from syncer.consumers.consume import read_value
    from syncer.engine.adopt import accept_drift, adopt, find_drift
    from syncer.engine.confirm import Confirmed
    from syncer.engine.edit import move_record, remove_records
    from syncer.engine.prepare import Request
    from syncer.engine.rebuild import Rebuilt, rebuild, write_rebuilt
    from syncer.engine.saved import SavedPlan
    from syncer.engine.seal import seal_value
    from syncer.engine.session import Session, Surroundings
    from syncer.engine.standing import Standing
    from syncer.errors import (
        AccessDenied,
        AlreadyExists,
        BackendError,
        Corrupt,
        Interrupted,
        InvalidConfiguration,
        InvalidManifest,
        NotFound,
        PartialFailure,
        PlanIncomplete,
        Problem,
        Refused,
        SafetyLimit,
        SourceError,
        StalePlan,
        StateError,
        StateLocked,
        SyncerError,
        Throttled,
        Transient,
        Unsupported,
        VersionConflict,
    )
    from syncer.library import (
        apply,
        confirm_plan,
        confirm_reviewed,
        load_plan,
        load_reviewed,
        plan,
        read_plan,
        save_plan,
    )
    from syncer.manifest import load_manifest
    from syncer.model import (
        Address,
        BackendSpec,
        Desired,
        Fingerprint,
        Manifest,
        Move,
        Observed,
        OnRemove,
        Origin,
        Rotation,
        Scope,
        Secret,
        SourceSpec,
        StateSpec,
    )
    from syncer.plans import (
        Action,
        Calls,
        Change,
        Counts,
        Diagnostic,
        Drift,
        DriftKind,
        Failure,
        Location,
        Outcome,
        Plan,
        Reason,
        Selection,
        Severity,
        Snapshot,
        Values,
    )
    from syncer.retry import Retry
    from syncer.sensitive import Sensitive
    from syncer.state.model import Record, State

_HOMES = {
    "syncer.engine.adopt": ("accept_drift", "adopt", "find_drift"),
    "syncer.consumers.consume": ("read_value",),
    "syncer.engine.confirm": ("Confirmed",),
    "syncer.engine.edit": ("move_record", "remove_records"),
    "syncer.engine.prepare": ("Request",),
    "syncer.engine.rebuild": ("Rebuilt", "rebuild", "write_rebuilt"),
    "syncer.engine.saved": ("SavedPlan",),
    "syncer.engine.seal": ("seal_value",),
    "syncer.engine.session": ("Session", "Surroundings"),
    "syncer.engine.standing": ("Standing",),
    "syncer.errors": (
        "AccessDenied",
        "AlreadyExists",
        "BackendError",
        "Corrupt",
        "Interrupted",
        "InvalidConfiguration",
        "InvalidManifest",
        "NotFound",
        "PartialFailure",
        "PlanIncomplete",
        "Problem",
        "Refused",
        "SafetyLimit",
        "SourceError",
        "StalePlan",
        "StateError",
        "StateLocked",
        "SyncerError",
        "Throttled",
        "Transient",
        "Unsupported",
        "VersionConflict",
    ),
    "syncer.library": (
        "apply",
        "confirm_plan",
        "confirm_reviewed",
        "load_plan",
        "load_reviewed",
        "plan",
        "read_plan",
        "save_plan",
    ),
    "syncer.manifest": ("load_manifest",),
    "syncer.model": (
        "Address",
        "BackendSpec",
        "Desired",
        "Fingerprint",
        "Manifest",
        "Move",
        "Observed",
        "OnRemove",
        "Origin",
        "Rotation",
        "Scope",
        "Secret",
        "SourceSpec",
        "StateSpec",
    ),
    "syncer.plans": (
        "Action",
        "Calls",
        "Change",
        "Counts",
        "Diagnostic",
        "Drift",
        "DriftKind",
        "Failure",
        "Location",
        "Outcome",
        "Plan",
        "Reason",
        "Refused",
        "Selection",
        "Severity",
        "Snapshot",
        "Values",
    ),
    "syncer.retry": ("Retry",),
    "syncer.sensitive": ("Sensitive",),
    "syncer.state.model": ("Record", "State"),
}

__all__ = [
    "AccessDenied",
    "Action",
    "Address",
    "AlreadyExists",
    "BackendError",
    "BackendSpec",
    "Calls",
    "Change",
    "Confirmed",
    "Corrupt",
    "Counts",
    "Desired",
    "Diagnostic",
    "Drift",
    "DriftKind",
    "Failure",
    "Fingerprint",
    "Interrupted",
    "InvalidConfiguration",
    "InvalidManifest",
    "Location",
    "Manifest",
    "Move",
    "NotFound",
    "Observed",
    "OnRemove",
    "Origin",
    "Outcome",
    "PartialFailure",
    "Plan",
    "PlanIncomplete",
    "Problem",
    "Reason",
    "Rebuilt",
    "Record",
    "Refused",
    "Request",
    "Retry",
    "Rotation",
    "SafetyLimit",
    "SavedPlan",
    "Scope",
    "Secret",
    "Selection",
    "Sensitive",
    "Session",
    "Severity",
    "Snapshot",
    "SourceError",
    "SourceSpec",
    "StalePlan",
    "Standing",
    "State",
    "StateError",
    "StateLocked",
    "StateSpec",
    "Surroundings",
    "SyncerError",
    "Throttled",
    "Transient",
    "Unsupported",
    "Values",
    "VersionConflict",
    "__version__",
    "accept_drift",
    "adopt",
    "apply",
    "confirm_plan",
    "confirm_reviewed",
    "find_drift",
    "load_manifest",
    "load_plan",
    "load_reviewed",
    "move_record",
    "plan",
    "read_plan",
    "read_value",
    "rebuild",
    "remove_records",
    "save_plan",
    "seal_value",
    "write_rebuilt",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
