"""Says what a backend holds in a scope, for a manifest that is still to be written; no value is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.model import DEFAULT_BACKEND, Address
from syncer.options import did_you_mean
from syncer.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.engine.session import Session
    from syncer.model import Manifest, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a backend holds in a scope."""

    scope: str
    backend: str
    declared_on: str
    """The backend that the manifest gives the scope now."""
    found: tuple[Observed, ...]
    """What can be declared, by ref."""
    left_out: tuple[tuple[str, str], ...]
    """What cannot: its name and the reason."""


def survey(session: Session, scope: str, backend: str | None = None) -> Survey:
    """Ask a backend, or the one that the manifest gives the scope, what it holds there.

    Raise InvalidConfiguration, Unsupported.
    """
    check_scope_name(scope)
    declared_on = _backend_of(session.manifest, scope)
    name = backend or declared_on
    _check_backend(session.manifest, name)
    asked = session.backend(name)
    if "/" in scope and Capability.SCOPE_PATHS not in asked.capabilities:
        message = f"backend `{name}` cannot hold a scope with a slash"
        raise Unsupported(message, hint="name the scope without one")
    everything = session.surroundings.retry.call(lambda: list(asked.observe([scope], [])))
    here = sorted((seen for seen in everything if seen.address.scope == scope), key=_address)
    reasons = [(seen, _reason(session.manifest, seen)) for seen in here]
    return Survey(
        scope=scope,
        backend=name,
        declared_on=declared_on,
        found=tuple(seen for seen, reason in reasons if reason is None),
        left_out=tuple((seen.address.ref, reason) for seen, reason in reasons if reason is not None),
    )


def check_scope_name(scope: str) -> None:
    """Raise InvalidConfiguration for what no manifest may call a scope."""
    rule, _ = _names()
    if not _fits(rule, scope):
        raise InvalidConfiguration(str(rule["patternErrorMessage"]))


def _check_backend(manifest: Manifest, name: str) -> None:
    if name not in manifest.backends:
        message = f"the manifest has no backend {name}{did_you_mean(name, manifest.backends)}"
        raise InvalidConfiguration(message, hint=f"backends: {', '.join(manifest.backends)}")


def _backend_of(manifest: Manifest, scope: str) -> str:
    declared = manifest.scopes.get(scope)
    return declared.backend if declared else DEFAULT_BACKEND


def _reason(manifest: Manifest, seen: Observed) -> str | None:
    """Say why an entry cannot be declared, or nothing."""
    declared = manifest.secrets.get(seen.address)
    if declared is not None:
        return f"declared at {declared.origin} already"
    if seen.owner not in (None, manifest.project):
        return f"belongs to project {seen.owner}"
    if seen.deleted:
        return "pending deletion"
    _, rule = _names()
    return None if _fits(rule, seen.address.ref) else "no manifest may hold this ref"


def _fits(rule: Mapping[str, object], name: str) -> bool:
    return len(name) <= int(str(rule["maxLength"])) and re.fullmatch(str(rule["pattern"]), name) is not None


@cache
def _names() -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Give what the schema says of a scope's name and of a ref."""
    parts = load_schema("manifest")["$defs"]
    return parts["scopes"]["propertyNames"], parts["ref"]


def _address(seen: Observed) -> Address:
    return seen.address
