"""Changes to the state alone: rename and forget records. No backend is asked."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.engine.session import Session
    from syncer.model import Address
    from syncer.state.model import Record, State


def move_record(session: Session, source: Address, target: Address) -> State:
    """Rename a record. Needs the lock. Raise InvalidConfiguration where one is missing or in the way."""
    state = session.state_store.fold()
    record = _record(state, source)
    if target in state.records:
        message = f"the state has a record for {target} already"
        raise InvalidConfiguration(message, hint=f"forget it first: syncer state rm {target}")
    return _write(session, state, {source: None, target: record})


def remove_records(session: Session, addresses: tuple[Address, ...]) -> State:
    """Forget records; the secrets stay where they are. Needs the lock. Raise InvalidConfiguration."""
    state = session.state_store.fold()
    for address in addresses:
        _record(state, address)
    return _write(session, state, dict.fromkeys(addresses))


def _record(state: State, address: Address) -> Record:
    record = state.records.get(address)
    if record is None:
        message = f"the state has no record for {address}"
        raise InvalidConfiguration(message, hint="`syncer state list` names all")
    return record


def _write(session: Session, state: State, puts: Mapping[Address, Record | None]) -> State:
    after = state.advance(puts, lineage=state.lineage or str(uuid.uuid4()))
    session.state_store.write(after)
    return after
