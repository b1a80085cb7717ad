"""What `python -m syncer` and the script `syncer` call."""

from __future__ import annotations

import gc
import signal


def main() -> None:
    """Import the command line and run it. Ctrl-C meanwhile ends the process as the system does: without a traceback."""
    # A run is short and makes no garbage in cycles to speak of; to look for it in a million objects costs a fifth.
    gc.disable()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from syncer.cli import main as run  # noqa: PLC0415  # this is what takes the time

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
