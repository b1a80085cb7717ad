"""Reads one value as a consumer would: through `fallback`, and never a disabled one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Unsupported
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.engine.session import Session
    from syncer.model import Manifest, Observed, Secret
    from syncer.sensitive import Sensitive


def read_value(session: Session, address: Address) -> Sensitive:
    """Give the value at the address, or at the same ref in the scopes it falls back to.

    A missing secret falls back, a disabled one does not. Raise NotFound, AccessDenied (disabled), Unsupported.
    """
    if address.scope not in session.manifest.scopes:
        message = f"{address}: the manifest has no scope {address.scope}"
        raise InvalidConfiguration(message, hint=f"scopes: {', '.join(session.manifest.scopes)}")
    for secret in _candidates(session.manifest, address):
        found = _look(session, secret)
        if found is not None:
            return _read(session, secret, found)
    message = f"{address} is neither there nor in a scope it falls back to"
    raise NotFound(message, hint="`syncer plan` shows what is missing")


def _candidates(manifest: Manifest, address: Address) -> Iterator[Secret]:
    scope: str | None = address.scope
    while scope is not None:
        secret = manifest.secrets.get(Address(scope, address.ref))
        if secret is not None:
            yield secret
        scope = manifest.scopes[scope].fallback


def _look(session: Session, secret: Secret) -> Observed | None:
    backend = session.backend(secret.backend)
    wanted = secret.address
    found = session.surroundings.retry.call(lambda: backend.look(wanted))
    return None if found is None or found.deleted else found


def _read(session: Session, secret: Secret, found: Observed) -> Sensitive:
    if not found.enabled:
        message = f"{secret.address} is disabled"
        raise AccessDenied(message, hint="set `enabled: true` in the manifest and apply")
    if found.owner not in (None, session.manifest.project):
        message = f"{secret.address} belongs to project {found.owner}"
        raise AccessDenied(message)
    backend = session.backend(secret.backend)
    if Capability.READ not in backend.capabilities:
        message = f"{secret.address}: backend `{secret.backend}` does not give values back"
        raise Unsupported(message)
    return session.surroundings.retry.call(lambda: backend.read(secret.address))
