"""Reads one value as a consumer would: through `fallback`, and never a disabled one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from syncer.backends.base import Capability
from syncer.consumers.access import anybody
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Unsupported
from syncer.model import Address
from syncer.options import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.consumers.access import Allows
    from syncer.engine.session import Session
    from syncer.model import Manifest, Observed, Scope, Secret
    from syncer.sensitive import Sensitive


class Found(NamedTuple):
    """A value, and where it is."""

    address: Address
    value: Sensitive


def read_value(session: Session, address: Address, version: str | None = None) -> Sensitive:
    """Give the value at the address, or at the same ref in the scopes it falls back to.

    A missing secret falls back, a disabled one does not, and neither does a missing `version` of one that is there.
    Raise NotFound, AccessDenied (disabled), Unsupported.
    """
    return find_value(session, address, version).value


def find_value(session: Session, address: Address, version: str | None = None, allows: Allows = anybody) -> Found:
    """Give the value as `read_value` does, and say where it was found. What is not allowed is not read."""
    for secret in candidates(session, address):
        found = _look(session, secret)
        if found is not None:
            if not allows(secret.address):
                message = f"{secret.address} is not for who asks for it"
                raise AccessDenied(message)
            return Found(secret.address, _read(session, secret, found, version))
        if taken_out(session, secret):
            raise disabled(secret)
    message = f"{address} is neither there nor in a scope it falls back to"
    raise NotFound(message, hint="`syncer plan` shows what is missing")


def chain(session: Session, scope: str) -> list[str]:
    """Name a scope and those that it falls back to, nearest first. Raise InvalidConfiguration for an unknown one.

    Where a backend has a tree of namespaces and the manifest names no `fallback`, that is the nearest scope above.
    """
    manifest = session.manifest
    check_scope(manifest, scope)
    found: list[str] = []
    following: str | None = scope
    while following is not None and following not in found:
        found.append(following)
        declared = manifest.scopes[following]
        following = declared.fallback or _above(session, declared)
    return found


def check_scope(manifest: Manifest, scope: str) -> None:
    """Raise InvalidConfiguration for a scope that nobody declares."""
    if scope not in manifest.scopes:
        message = f"the manifest has no scope {scope}{did_you_mean(scope, manifest.scopes)}"
        raise InvalidConfiguration(message, hint=f"scopes: {', '.join(manifest.scopes)}")


def _above(session: Session, scope: Scope) -> str | None:
    parts = scope.name.split(".")
    if len(parts) == 1 or not session.backend(scope.backend).inherits:
        return None
    names = (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((name for name in names if name in session.manifest.scopes), None)


def candidates(session: Session, address: Address) -> Iterator[Secret]:
    """Give the declared secrets that a consumer may find at an address, nearest first. Raise InvalidConfiguration."""
    scopes = chain(session, address.scope)
    declared = (session.manifest.secrets.get(Address(scope, address.ref)) for scope in scopes)
    return (secret for secret in declared if secret is not None)


def taken_out(session: Session, secret: Secret) -> bool:
    """Whether a secret that is not there is disabled: its backend knows no other way, and so it does not fall back."""
    return not secret.enabled and Capability.DISABLE_REMOVES in session.backend(secret.backend).capabilities


def check_owner(session: Session, secret: Secret, found: Observed) -> None:
    """Raise AccessDenied for what another project keeps there."""
    if found.owner not in (None, session.manifest.project):
        message = f"{secret.address} belongs to project {found.owner}"
        raise AccessDenied(message)


def _look(session: Session, secret: Secret) -> Observed | None:
    backend = session.backend(secret.backend)
    wanted = secret.address
    found = session.surroundings.retry.call(lambda: backend.look(wanted))
    return None if found is None or found.deleted else found


def _read(session: Session, secret: Secret, found: Observed, version: str | None) -> Sensitive:
    if not found.enabled:
        raise disabled(secret)
    check_owner(session, secret, found)
    backend = session.backend(secret.backend)
    if Capability.READ not in backend.capabilities:
        message = f"{secret.address}: backend `{secret.backend}` does not give values back"
        raise Unsupported(message)
    retry = session.surroundings.retry
    if version is None:
        return retry.call(lambda: backend.read(secret.address))
    if Capability.READ_VERSION not in backend.capabilities:
        message = f"{secret.address}: backend `{secret.backend}` does not give older values back"
        raise Unsupported(message, hint="`syncer backends` shows which do")
    return retry.call(lambda: backend.read_version(secret.address, version))


def disabled(secret: Secret) -> AccessDenied:
    """Say that nobody gets a secret."""
    return AccessDenied(f"{secret.address} is disabled", hint="set `enabled: true` in the manifest and apply")
