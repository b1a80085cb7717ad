"""Vault and OpenBao: each secret has metadata of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.remote import SCOPES, SECRETS, Store, bench_plan
from conformance.fakes.vault.standalone import Seed, vault_process

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {"syncer:project": "{project}", "syncer:address": "{address}", "team": "payments"}


def bench_vault(python: Path, workplace: Path) -> None:
    """Both products."""
    for flavour in ("vault", "openbao"):
        seed = Seed(secrets=SECRETS, project="bench", scopes=SCOPES, custom_metadata=MARKS)
        with vault_process(seed, flavour=flavour) as url:
            environ = {"VAULT_ADDR": url, "VAULT_TOKEN": "root"}
            bench_plan(python, workplace / flavour, Store(name=flavour, backend="{type: vault}", environ=environ))
