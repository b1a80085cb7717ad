"""Times the parts of a plan in the current folder: start, parse and check, resolve, observe, plan, render."""

from __future__ import annotations

import gc
import time
from pathlib import Path

START = time.perf_counter()
gc.disable()

from syncer.engine import prepare  # noqa: E402
from syncer.engine.facts import Facts  # noqa: E402
from syncer.engine.planner import diff  # noqa: E402
from syncer.engine.session import Session  # noqa: E402
from syncer.manifest import load_manifest  # noqa: E402
from syncer.plans import Values  # noqa: E402
from syncer.render.human import plan_text  # noqa: E402
from syncer.render.text import Style  # noqa: E402


def main() -> None:
    """Print a line for each part."""
    clock = Clock()
    clock.part("start", START)
    manifest = load_manifest(Path("syncer.yaml"))
    clock.part("parse and check")
    session = Session(manifest)
    session.keyring.key_id()
    clock.part("key")
    state = session.state_store.read()
    clock.part("read state")
    request = prepare.Request()
    resolved = session.resolver.resolve(
        manifest.secrets.values(), lambda address: state.records[address].fingerprint, Values.RESOLVED, 1
    )
    clock.part("resolve")
    observed, backends = prepare.look_around(session, request, state, lambda _address: True)
    clock.part("observe")
    capabilities = {name: backend.capabilities for name, backend in backends.items()}
    facts = Facts(
        project=manifest.project,
        desired=resolved,
        observed=observed,
        state=state,
        capabilities=capabilities,
        now=session.surroundings.clock(),
    )
    diff(facts)
    clock.part("plan")
    plan_text(prepare.make_plan(session, request), Style(color=False))
    clock.part("all of it once more, and render")


class Clock:
    """Prints the time since its last part."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def part(self, name: str, since: float | None = None) -> None:
        """Print one part."""
        now = time.perf_counter()
        print(f"  {name}: {1000 * (now - (since or self._last)):.0f} ms")
        self._last = time.perf_counter()


if __name__ == "__main__":
    main()
