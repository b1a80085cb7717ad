"""Plans, drift, outcomes and failures as JSON documents; their shape is `schemas/plan.schema.json`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncer import __version__
from syncer.errors import InvalidManifest
from syncer.plans import Action, Severity, by_action, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from syncer.errors import Problem, SyncerError
    from syncer.plans import Calls, Change, Diagnostic, Drift, Failure, Outcome, Plan, Selection, Snapshot

FORMAT_VERSION = "1.0"

_NOT_DIGESTED = frozenset({"digest", "mac", "timestamp", "syncer_version", "backend_calls"})
"""What may differ between two makings of the same plan."""

_TERRAFORM = {
    Action.CREATE: "create",
    Action.ROTATE: "update",
    Action.UPDATE: "update",
    Action.ENABLE: "update",
    Action.DISABLE: "update",
    Action.DELETE: "delete",
    Action.FORGET: "forget",
    Action.MOVE: "no-op",
}

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def plan_json(plan: Plan) -> str:
    """Write a plan as one JSON document."""
    return to_json(plan_document(plan))


def drift_json(plan: Plan) -> str:
    """Write what changed outside as one JSON document."""
    return to_json(
        {
            **_origin(plan),
            "complete": not plan.errors and not plan.selection.partial,
            "selection": _selection(plan.selection),
            "drift": _drift(plan.drift),
            "backend_calls": _calls(plan.calls),
            "diagnostics": _diagnostics(plan.diagnostics),
        }
    )


def outcome_json(outcome: Outcome, diagnostics: Iterable[Diagnostic] = ()) -> str:
    """Write what came of an apply as one JSON document, with the findings of its plan."""
    return to_json(
        {
            "format_version": FORMAT_VERSION,
            "syncer_version": __version__,
            "complete": not (outcome.failed or outcome.skipped or outcome.interrupted),
            "interrupted": outcome.interrupted,
            "serial": outcome.serial,
            "applied": _changes(outcome.applied),
            "failed": [_failure(each) for each in sorted(outcome.failed, key=lambda each: each.change.address)],
            "skipped": _changes(outcome.skipped),
            **_summaries(outcome.applied),
            "backend_calls": _calls(outcome.calls),
            "diagnostics": _diagnostics(diagnostics),
        }
    )


def valid_json(diagnostics: Sequence[Diagnostic] = ()) -> str:
    """Write what a policy finds in a manifest without faults, as one JSON document of the shape that tells faults."""
    return to_json(
        {
            "format_version": FORMAT_VERSION,
            "syncer_version": __version__,
            "complete": all(each.severity is not Severity.ERROR for each in diagnostics),
            "diagnostics": _diagnostics(diagnostics),
        }
    )


def failure_json(error: SyncerError, diagnostics: Iterable[Diagnostic] = ()) -> str:
    """Write an error that ended the run as one JSON document, every problem of a manifest with its position."""
    problems = error.problems if isinstance(error, InvalidManifest) else ()
    found = [_problem(problem) for problem in problems] or [_error_diagnostic(error)]
    return to_json(
        {
            "format_version": FORMAT_VERSION,
            "syncer_version": __version__,
            "complete": False,
            "diagnostics": [*found, *_diagnostics(diagnostics)],
        }
    )


def plan_document(plan: Plan) -> dict[str, Any]:
    """Give a plan as a JSON object with its digest, ready to be signed. No value is in it."""
    document = {
        **_origin(plan),
        "manifest_digest": plan.manifest_digest,
        "values": str(plan.values),
        "complete": plan.complete,
        "refreshed": plan.refreshed,
        "selection": _selection(plan.selection),
        "resource_changes": _changes(plan.changes),
        "drift": _drift(plan.drift),
        "unchecked": sorted(map(str, plan.unchecked)),
        **_summaries(plan.changes),
        "backend_calls": _calls(plan.calls),
        "diagnostics": _diagnostics(plan.diagnostics),
    }
    if plan.verified:
        document["verified"] = True
    return {**document, "digest": plan_digest(document)}


def plan_digest(document: Mapping[str, Any]) -> str:
    """Digest a plan document: the same plan made twice has the same digest, whoever made it and when."""
    digested = {key: value for key, value in document.items() if key not in _NOT_DIGESTED}
    canonical = json.dumps(digested, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def to_json(document: Mapping[str, Any]) -> str:
    """Write a document with two spaces of indent and a final newline; ASCII only, so no terminal acts on it."""
    return json.dumps(document, indent=2) + "\n"


def _origin(plan: Plan) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "syncer_version": __version__,
        "project": plan.project,
        "timestamp": _timestamp(plan.timestamp),
        "lineage": plan.lineage,
        "serial": plan.serial,
    }


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _selection(selection: Selection) -> dict[str, Any]:
    return {
        "targets": sorted(selection.targets),
        "excludes": sorted(selection.excludes),
        "rotate": sorted(selection.rotate),
        "destroy": selection.destroy,
    }


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    # A stable sort: the order of one address' changes has a meaning.
    return [_change(change) for change in sorted(changes, key=lambda change: change.address)]


def _change(change: Change) -> dict[str, Any]:
    document = {
        "address": str(change.address),
        "scope": change.address.scope,
        "ref": change.address.ref,
        "backend": change.backend,
        "action": str(change.action),
        "reason": str(change.reason),
        "advisory": change.advisory,
        "removes": change.removes,
        "change": {
            "actions": [_TERRAFORM[change.action]],
            "before": _snapshot(change.before),
            "after": _snapshot(change.after),
        },
    }
    if change.previous is not None:
        document["previous_address"] = str(change.previous.address)
        document["previous_backend"] = change.previous.backend
    return document


def _snapshot(snapshot: Snapshot | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    return {
        "tags": dict(sorted(snapshot.tags.items())),
        "enabled": snapshot.enabled,
        "description": snapshot.description,
        "version": snapshot.version,
        "fingerprint": None if snapshot.fingerprint is None else str(snapshot.fingerprint),
    }


def _drift(drift: Iterable[Drift]) -> list[dict[str, Any]]:
    return [
        {
            "address": str(each.address),
            "backend": each.backend,
            "kind": str(each.kind),
            "before": _side(each.before),
            "after": _side(each.after),
        }
        for each in sorted(drift, key=lambda each: (each.address, each.kind))
    ]


def _side(side: object) -> object:
    return dict(sorted(side.items())) if isinstance(side, Mapping) else side


def _summaries(changes: tuple[Change, ...]) -> dict[str, Any]:
    counts = count(changes)
    return {
        "summary": {str(action): number for action, number in by_action(changes).items()},
        "change_summary": {"add": counts.add, "change": counts.change, "remove": counts.destroy},
    }


def _calls(calls: Mapping[str, Calls]) -> dict[str, Any]:
    return {name: {"calls": each.calls, "values_read": each.values_read} for name, each in sorted(calls.items())}


def _diagnostics(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [_diagnostic(each) for each in diagnostics]


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    where = diagnostic.origin
    return {
        "severity": str(diagnostic.severity),
        "code": diagnostic.code,
        "address": None if diagnostic.address is None else str(diagnostic.address),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "origin": None if where is None else {"file": where.file, "line": where.line, "column": None},
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "severity": str(Severity.ERROR),
        "code": _code(InvalidManifest),
        "address": None,
        "message": problem.message,
        "hint": None,
        "origin": {"file": problem.file, "line": problem.line, "column": problem.column},
    }


def _error_diagnostic(error: SyncerError) -> dict[str, Any]:
    return {"severity": str(Severity.ERROR), **_error(error), "address": None, "origin": None}


def _failure(failure: Failure) -> dict[str, Any]:
    change = failure.change
    return {"address": str(change.address), "action": str(change.action), "error": _error(failure.error)}


def _error(error: SyncerError) -> dict[str, Any]:
    return {"code": _code(type(error)), "message": error.message, "hint": error.hint}


def _code(kind: type[SyncerError]) -> str:
    """Name an error class as diagnostics do: `version_conflict`."""
    return _CAPITAL.sub("_", kind.__name__).lower()
