"""Workflow engines: Dagu lists five hundred secrets a call, Kestra a hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.remote import SCOPES, SECRETS, Store, bench_plan, scope_name
from conformance.fakes.dagu import standalone as dagu
from conformance.fakes.dagu.accounts import ADMIN_KEY
from conformance.fakes.kestra import standalone as kestra
from conformance.fakes.kestra.kestra import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

EACH = SECRETS // SCOPES
MARK = 'syncer:v1 {{"address":"SCOPE:ref-{number}","project":"bench","tags":{{"team":"payments"}}}}'
TAGS = {"syncer-project": "bench", "team": "payments"}


def bench_engines(python: Path, workplace: Path) -> None:
    """Both, by their API."""
    scopes = [scope_name(number) for number in range(SCOPES)]
    held = [
        dagu.Seed(secrets=EACH, workspace=s, ref="ref-{number}", description=MARK.replace("SCOPE", s)) for s in scopes
    ]
    with dagu.dagu_process(*held) as url:
        bench_plan(python, workplace / "dagu", _store("dagu", url, ADMIN_KEY, "ref-{number}"))
    named = [kestra.Seed(secrets=EACH, namespace=scope, key="REF_{number}", tags=TAGS) for scope in scopes]
    with kestra.kestra_process(*named) as url:
        bench_plan(python, workplace / "kestra", _store("kestra", url, TOKEN, "ref-{number}"))


def _store(kind: str, url: str, token: str, ref: str) -> Store:
    backend = f"{{type: {kind}, url: '{url}', token: {{env: ENGINE_TOKEN}}}}"
    return Store(name=kind, backend=backend, environ={"ENGINE_TOKEN": token}, ref=ref, goal="no goal was set")
