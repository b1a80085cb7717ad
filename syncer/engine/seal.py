"""Seals a value for the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.sources.base import SourceContext
from syncer.sources.sealed import seal_text

if TYPE_CHECKING:
    from syncer.engine.session import Session
    from syncer.model import Address
    from syncer.sensitive import Sensitive


def seal_value(session: Session, address: Address, value: Sensitive) -> str:
    """Give the `syncer:v1:...` text that `source: {sealed: ...}` takes at this address.

    Raise StateError where there is a state under another key: what is sealed with the wrong one may be lost.
    """
    session.state_store.read()
    context = SourceContext(
        project=session.manifest.project,
        address=address,
        environ=session.surroundings.environ,
        subkey=session.keyring.subkey,
    )
    return seal_text(value, context)
