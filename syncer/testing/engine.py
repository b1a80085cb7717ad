"""The part of the conformance suite that plays a backend's whole life through the real engine."""
# ruff: noqa: S101  # a suite asserts

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.backends.base import Backend, Capability
from syncer.engine.carry import apply_plan
from syncer.engine.prepare import Request, make_plan
from syncer.engine.session import Session, Surroundings
from syncer.model import DEFAULT_BACKEND, BackendSpec, Manifest, OnRemove, Origin, Scope, Secret, StateSpec
from syncer.testing.base import PROJECT, ConformanceBase, declared

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from syncer.plans import Plan

_KEY = base64.b64encode(b"e" * 32).decode()


class EngineConformance(ConformanceBase):
    """Plan, apply, plan is empty."""

    def test_the_engine_settles(self, backend: Backend, tmp_path: Path) -> None:
        """After creates, a rotation, other metadata, and when a secret leaves; and none of it is done twice."""
        stays, leaves = declared(self.address("stays")), declared(self.address("leaves", scope=1))
        dressed = _dressed(stays, backend.capabilities)
        on_remove = OnRemove.DELETE if Capability.DELETE in backend.capabilities else OnRemove.FORGET
        leaves = replace(leaves, on_remove=on_remove)
        story = [("v1", [stays, leaves], 2), ("v2", [stays, leaves], 2), ("v2", [dressed], 1 + (dressed != stays))]
        for value, secrets, changes in story:
            plan = self._settle(tmp_path, value, secrets)
            assert len({change.address for change in plan.changes}) == changes
        there = {entry.address for entry in self.everything(backend).values() if not entry.deleted}
        assert there == {stays.address} | ({leaves.address} if on_remove is OnRemove.FORGET else set())

    def _settle(self, folder: Path, value: str, secrets: Iterable[Secret]) -> Plan:
        """Plan, apply and plan again; give the first plan."""
        surroundings = Surroundings(
            environ={"UNUSED": value, "SYNCER_KEY": _KEY},
            open_backend=lambda _spec, _context: self.open_backend(folder, PROJECT),
        )
        with Session(_manifest(folder, secrets), surroundings) as session, session.lock("test"):
            plan = make_plan(session, Request())
            assert not plan.errors
            assert not apply_plan(session, plan, allow_mass_change=True).failed
            assert make_plan(session, Request()).changes == ()
            return plan


def _dressed(secret: Secret, capabilities: frozenset[Capability]) -> Secret:
    tags = {"tier": "gold"} if Capability.TAGS in capabilities else {}
    description = "said of it" if Capability.DESCRIPTION in capabilities else ""
    return replace(secret, tags=tags, description=description)


def _manifest(folder: Path, secrets: Iterable[Secret]) -> Manifest:
    by_address = {secret.address: secret for secret in secrets}
    origin = Origin(file="syncer.yaml", line=1)
    return Manifest(
        path=folder / "syncer.yaml",
        project=PROJECT,
        backends={DEFAULT_BACKEND: BackendSpec(name=DEFAULT_BACKEND, type="tested", options={}, origin=origin)},
        state=StateSpec(),
        scopes={address.scope: Scope(name=address.scope) for address in by_address},
        secrets=by_address,
        digest="",
    )
