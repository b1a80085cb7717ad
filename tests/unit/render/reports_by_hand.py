"""Findings made by hand, for the reports that programs read."""

from __future__ import annotations

from plans_by_hand import all_drift, error, plan

from syncer.errors import Problem
from syncer.model import Address, Origin
from syncer.plans import Diagnostic, Plan, Severity

NASTY = "a\x00\x07\x1b[2J\u202e\ufffe\ud800</failure>]]>&<!-- [x](https://evil) \u2028é🙂"
FINE = Address("global", "fine")


def origins() -> dict[Address, Origin]:
    """Give where drift was looked for."""
    lines = {"global:api": 12, "global:fine": 14, "payments:tls/key": 20}
    return {Address.parse(name): Origin("secrets/a b.yaml", line) for name, line in lines.items()}


def drifted_plan() -> Plan:
    """Give drift of every kind, an address that is fine, one that another run was writing, and warnings."""
    return plan(
        drift=all_drift(),
        origins=origins() | {Address("global", "busy"): Origin("syncer.yaml", 30)},
        unchecked=(Address("global", "busy"),),
        diagnostics=(
            error("another run was writing", severity=Severity.WARNING, code="busy", hint="plan again"),
            error("not read", severity=Severity.WARNING, code="not_verified", address=FINE),
        ),
    )


def findings() -> list[Diagnostic]:
    """Give two errors and a warning of one address, an error of another, and one of none."""
    api, key = Address("global", "api"), Address("payments", "tls/key")
    here = Origin("syncer.yaml", 12)
    return [
        error("tag `owner` is missing", code="policy/required-tags", address=api, origin=here, hint="set it here"),
        error("tag `team` is missing", code="policy/required-tags", address=api, origin=here),
        error("no", code="policy/naming", address=api, origin=here, severity=Severity.WARNING),
        error("global:api is old", code="policy/maximum-age", address=api, severity=Severity.NOTE),
        error("source `env` is not allowed here", code="policy/allowed-sources", address=key),
        error("backend `west` holds none", code="nothing_there"),
    ]


def problems() -> list[Problem]:
    """Give two faults of a manifest."""
    return [
        Problem(file="syncer.yaml", line=4, column=1, message="unknown key, did you mean `scopes`?"),
        Problem(file="syncer.yaml", line=8, column=10, message="a secret is a mapping"),
    ]


def nasty() -> list[Diagnostic | Problem]:
    """Give findings in which everything that comes from outside is one hostile text."""
    return [
        error(NASTY, code="conflict", address=Address("scope", NASTY), hint=NASTY, origin=Origin(NASTY, 1)),
        error(NASTY, code="conflict", severity=Severity.WARNING),
        Problem(file=NASTY, line=1, column=2, message=NASTY),
    ]
