"""Puts a server together out of what a user wants; what it needs to be installed is imported here."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from syncer.consumers.reading import Reading
from syncer.serving.app import Service
from syncer.serving.dapr import SecretsApi
from syncer.serving.door import Door
from syncer.serving.server import Server, is_here, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.engine.session import Session
    from syncer.sensitive import Sensitive
    from syncer.serving.dapr import Store
    from syncer.serving.metrics import Metrics


def start(
    session: Session,
    stores: Mapping[str, Store],
    *,
    address: tuple[str, int],
    token: Sensitive | None = None,
    told: Callable[[str], None],
    broken: Callable[[Exception], None],
) -> Server:
    """Open the backends, take the address, and give a server to `run`. Raise InvalidConfiguration."""
    api = SecretsApi(Reading(session), stores)
    listener = listen(*address)
    door = Door(token=token, here=is_here(listener))
    service = Service(api=api, door=door, metrics=_metrics(), told=told, broken=broken)
    return Server(service.app(), listener)


def _metrics() -> Metrics | None:
    """Give what counts; None where prometheus-client is not installed."""
    with suppress(ModuleNotFoundError):
        counting: Metrics = import_module("syncer.serving.metrics").Metrics()
        return counting
    return None
