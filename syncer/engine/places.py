"""Recognises a secret that stands where it stood, although its backend goes by another name now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.base import Backend
    from syncer.engine.refresh import Observations
    from syncer.model import Address, Desired
    from syncer.state.model import Record, State


def with_records(state: State, records: Mapping[Address, Record]) -> State:
    """Give the state as it will be once these records are written."""
    return replace(state, records={**state.records, **records}) if records else state


def renamed(
    desired: Mapping[Address, Desired], observed: Observations, state: State, backends: Mapping[str, Backend]
) -> dict[Address, Record]:
    """Give the records that name a secret's backend as the manifest does now, where nothing but the name changed.

    Without them, the secret would be taken for one that left its former backend, and withdrawn there: from under its
    own new name.
    """
    found = {}
    for address, record in state.records.items():
        wanted = desired.get(address)
        name = wanted.secret.backend if wanted else record.backend
        if name != record.backend and _same(address, record, (name, record.backend), observed, backends):
            found[address] = replace(record, backend=name, previous_backend=_kept(record, name))
        elif (former := record.previous_backend) is not None and _same(
            address, record, (name, former), observed, backends
        ):
            found[address] = replace(record, previous_backend=None)
    return found


def _kept(record: Record, name: str) -> str | None:
    return None if record.previous_backend == name else record.previous_backend


def _same(
    address: Address,
    record: Record,
    names: tuple[str, str],
    observed: Observations,
    backends: Mapping[str, Backend],
) -> bool:
    """Whether two backends mean one and the same secret: the same place, or what the store calls it is the same."""
    one, other = (backends.get(name) for name in names)
    if one is not None and other is not None and one.place and one.place == other.place:
        return True
    here, there = (observed.get(name, {}).get(address) for name in names)
    known = {record.remote_id if names[1] == record.backend else "", there.remote_id if there else ""} - {""}
    return here is not None and here.remote_id in known
