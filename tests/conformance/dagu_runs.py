"""What a run gets of a secret, on a real Dagu: no call gives a value back, so a run prints it."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from conformance.raw_dagu import Document, RawDagu

PATIENCE = 30.0
"""Seconds that a run may take."""
STEP = 0.05
NAME = "syncer-test"
_ENDED = frozenset({"succeeded", "failed", "aborted", "canceled", "rejected"})


def value_in_run(raw: RawDagu, *, ref: str = "", workspace: str = "global", profile: str = "", key: str = "") -> bytes:
    """Start a run that is given a secret by its ref, or a profile with an entry; give what stood in its environment.

    Encoded, because Dagu masks values in what a run prints. AssertionError where it got none.
    """
    lines = [f"labels: [workspace={workspace}]"] if workspace != "global" else []
    lines += [] if profile else [f"secrets: [{{name: HELD, ref: {ref}}}]"]
    lines += [
        "steps:",
        "  - name: show",
        f"    command: sh -c 'printenv {key or 'HELD'} | base64 -w0'",
        "    output: OUT",
    ]
    run = raw.ask("POST /dag-runs", {"name": NAME, "spec": "\n".join(lines) + "\n", "profile": profile})["dagRunId"]
    details = _ended(raw, run)
    assert details["statusLabel"] == "succeeded", details["statusLabel"]
    return base64.b64decode(_printed(raw, run)).removesuffix(b"\n")


def _printed(raw: RawDagu, run: str) -> str:
    """Give what it printed, which the server shows a moment after it says that the run has ended."""
    never = threading.Event()
    for _ in range(int(PATIENCE / STEP)):
        outputs = raw.ask(f"GET /dag-runs/{NAME}/{quote(run)}/outputs")["outputs"]
        if "out" in outputs:
            return str(outputs["out"])
        never.wait(STEP)
    message = f"the run {run} shows no output"
    raise AssertionError(message)


def _ended(raw: RawDagu, run: str) -> Document:
    never = threading.Event()
    for _ in range(int(PATIENCE / STEP)):
        response = raw.send(f"GET /dag-runs/{NAME}/{quote(run)}")
        details: Document = response.document["dagRunDetails"] if response.status < 300 else {}
        if details.get("statusLabel") in _ENDED:
            return details
        never.wait(STEP)
    message = f"the run {run} does not end"
    raise AssertionError(message)
