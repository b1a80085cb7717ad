"""The fake in a child process, for those who benchmark a client, or show one to a reader."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from conformance.fakes.child import child, fed, listen, serve

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Secrets that are there from the start; texts may say `{number}`."""

    secrets: int
    workspace: str = "global"
    ref: str = "secret-{number}"
    value: str = "value of {number}"
    description: str = ""


@contextmanager
def dagu_process(*seeds: Seed, auth: str = "builtin", base_path: str = "") -> Iterator[str]:
    """Run a fake that holds the seeds, and give its base URL; the key is `accounts.ADMIN_KEY`."""
    lines = [json.dumps({"auth": auth, "base_path": base_path}), *(json.dumps(asdict(seed)) for seed in seeds)]
    with child("conformance.fakes.dagu.standalone", feed=[f"{line}\n".encode() for line in lines]) as url:
        yield url + base_path


def main() -> None:
    """Serve what the parent feeds."""
    listener = listen()
    from conformance.fakes.dagu.dagu import Dagu
    from conformance.fakes.dagu.server import HttpServer

    options, *seeds = (json.loads(line) for line in fed())
    dagu = Dagu(**options)
    for seed in (Seed(**fields) for fields in seeds):
        for number in range(seed.secrets):
            texts = [text.format(number=number) for text in (seed.ref, seed.value, seed.description)]
            dagu.plant(texts[0], texts[1], seed.workspace, description=texts[2])
    serve(HttpServer(dagu, listener=listener))


if __name__ == "__main__":
    main()
