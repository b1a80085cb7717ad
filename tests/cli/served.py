"""`serve` in this process: a thread talks to it, then ends it with a signal, as an operator would."""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import TYPE_CHECKING

from dapr_reader import Http

from syncer.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.folder import Folder, Result

_LISTENING = "listening on "


def serve(
    syncer: Folder,
    *arguments: str,
    ask: Callable[[Http], None] = lambda _http: None,
    number: signal.Signals = signal.SIGTERM,
) -> Result:
    """Run `serve dapr` until `ask` is done, whose errors are raised here."""
    listening: queue.Queue[str | None] = queue.Queue()
    failed: list[BaseException] = []
    real = Console.note

    def note(console: Console, text: str) -> None:
        real(console, text)
        if text.startswith(_LISTENING):
            listening.put(text.removeprefix(_LISTENING))

    def talk() -> None:
        url = listening.get()
        if url is None:
            return  # it ended before
        try:
            ask(Http(url))
        except BaseException as error:  # noqa: BLE001  # raised below
            failed.append(error)
        os.kill(os.getpid(), number)

    syncer.monkeypatch.setattr(Console, "note", note)
    thread = threading.Thread(target=talk)
    thread.start()
    try:
        result = syncer("serve", "dapr", "--port", "0", *arguments)
    finally:
        listening.put(None)
        thread.join()
        syncer.monkeypatch.setattr(Console, "note", real)
    if failed:
        raise failed[0]
    return result
