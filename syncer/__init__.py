"""Plan and apply for secrets: a manifest in git, the values never.

>>> import syncer
>>> manifest = syncer.load_manifest("syncer.yaml")      # doctest: +SKIP
>>> plan = syncer.plan(manifest)                        # doctest: +SKIP
>>> outcome = syncer.apply(plan, manifest)              # doctest: +SKIP

Every name below is imported when it is first used, so that `import syncer` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from syncer.engine.prepare import Request
    from syncer.engine.session import Session, Surroundings
    from syncer.errors import (
        AccessDenied,
        BackendError,
        InvalidConfiguration,
        InvalidManifest,
        SafetyLimit,
        SourceError,
        StalePlan,
        StateError,
        StateLocked,
        SyncerError,
    )
    from syncer.library import apply, confirm_plan, load_plan, plan, save_plan
    from syncer.manifest import load_manifest
    from syncer.model import Address, Manifest
    from syncer.plans import Action, Change, Outcome, Plan, Reason, Selection, Values

_HOMES = {
    "syncer.engine.prepare": ("Request",),
    "syncer.engine.session": ("Session", "Surroundings"),
    "syncer.errors": (
        "AccessDenied",
        "BackendError",
        "InvalidConfiguration",
        "InvalidManifest",
        "SafetyLimit",
        "SourceError",
        "StalePlan",
        "StateError",
        "StateLocked",
        "SyncerError",
    ),
    "syncer.library": ("apply", "confirm_plan", "load_plan", "plan", "save_plan"),
    "syncer.manifest": ("load_manifest",),
    "syncer.model": ("Address", "Manifest"),
    "syncer.plans": ("Action", "Change", "Outcome", "Plan", "Reason", "Selection", "Values"),
}

__all__ = [
    "AccessDenied",
    "Action",
    "Address",
    "BackendError",
    "Change",
    "InvalidConfiguration",
    "InvalidManifest",
    "Manifest",
    "Outcome",
    "Plan",
    "Reason",
    "Request",
    "SafetyLimit",
    "Selection",
    "Session",
    "SourceError",
    "StalePlan",
    "StateError",
    "StateLocked",
    "Surroundings",
    "SyncerError",
    "Values",
    "__version__",
    "apply",
    "confirm_plan",
    "load_manifest",
    "load_plan",
    "plan",
    "save_plan",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
