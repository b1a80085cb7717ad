"""What a node says of itself, to anybody: `sys/health` and `sys/seal-status`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from conformance.fakes.clock import SECOND
from conformance.fakes.vault.replies import Reply, errors
from conformance.fakes.vault.requests import FALSE, TRUE

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.replies import Document

CLUSTER = {"cluster_name": "vault-cluster-fake", "cluster_id": "00000000-0000-4000-8000-000000000000"}


class Role(StrEnum):
    """What a node is to its cluster."""

    ACTIVE = "active"
    STANDBY = "standby"
    PERFORMANCE_STANDBY = "performance standby"
    DR_SECONDARY = "disaster recovery secondary"


STATUS = {Role.ACTIVE: 200, Role.STANDBY: 429, Role.PERFORMANCE_STANDBY: 473, Role.DR_SECONDARY: 472}
PARAMETERS = {
    Role.ACTIVE: "activecode",
    Role.STANDBY: "standbycode",
    Role.PERFORMANCE_STANDBY: "performancestandbycode",
    Role.DR_SECONDARY: "drsecondarycode",
}
FINE = {Role.STANDBY: "standbyok", Role.PERFORMANCE_STANDBY: "perfstandbyok"}
"""The parameters that make a role as good as active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The state of a node at one moment."""

    role: Role
    sealed: bool
    now: int
    flavour: Flavour

    def health(self, asked: Document) -> Reply:
        """Say by the status whether it can serve."""
        fine = str(asked.get(FINE.get(self.role, ""), "false"))
        parameter = "sealedcode" if self.sealed else PARAMETERS[self.role]
        chosen = str(asked.get(parameter, "1"))
        if fine not in TRUE | FALSE or not chosen.isdecimal():
            return errors(400)
        usual = 503 if self.sealed else STATUS[Role.ACTIVE if fine in TRUE else self.role]
        return Reply(status=int(asked.get(parameter, usual)), body=self._health())

    def _health(self) -> Document:
        unknown = self.sealed
        known: dict[str, Any] = {
            "initialized": True,
            "sealed": self.sealed,
            "standby": self.sealed or self.role in FINE,
            "replication_performance_mode": "unknown" if unknown else "disabled",
            "replication_dr_mode": "unknown" if unknown else self._recovery(),
            "server_time_utc": self.now // SECOND,
            "version": self.flavour.version,
        }
        if self.flavour.attributes:
            standby = self.role is Role.PERFORMANCE_STANDBY
            known |= {"performance_standby": standby, "enterprise": False, "echo_duration_ms": 0, "clock_skew_ms": 0}
            known["replication_primary_canary_age_ms"] = 0
        return known | ({} if self.sealed else CLUSTER)

    def _recovery(self) -> str:
        return "secondary" if self.role is Role.DR_SECONDARY else "disabled"

    def seal_status(self) -> Reply:
        """Say whether it is sealed; always with 200."""
        known = {
            "type": "shamir",
            "initialized": True,
            "sealed": self.sealed,
            "t": 1,
            "n": 1,
            "progress": 0,
            "nonce": "",
            "version": self.flavour.version,
            "migration": False,
            "recovery_seal": False,
            "storage_type": "inmem",
        }
        return Reply(body=known | ({} if self.sealed else CLUSTER))
