"""What the Datadog Agent waits for: the whole process that answers it, over a project that is applied already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.measure import beside, report

if TYPE_CHECKING:
    from pathlib import Path


def bench_agent(python: Path, folder: Path, secrets: int, scopes: int, environ: dict[str, str]) -> None:
    """Fifty handles, as a large configuration file has, and all that there are, against `syncer get` of one."""
    syncer = python.with_name("syncer")
    names = [f"scope{number % scopes}:app{number % 50}/secret-{number:05d}" for number in range(secrets)]
    for wanted, goal in ((50, "well under 1 s"), (secrets, "bounded memory")):
        request = folder / f"request-{wanted}.json"
        request.write_text(json.dumps({"version": "1.1", "secrets": names[:wanted]}))
        ours = ["sh", "-c", f"exec {syncer} datadog-backend <{request}"]
        answered, got = beside(ours, [syncer, "get", names[0]], folder=folder, environ=environ)
        report(f"datadog-backend, {wanted} handles of {secrets}", answered, got, "syncer get", goal)
