"""The fake in a child process, for those who benchmark a client, or show one to a reader."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.child import child, fed, listen, serve

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Secrets that are there from the start; texts may say `{number}`."""

    secrets: int
    namespace: str = "company.team"
    key: str = "KEY_{number}"
    value: str = "value of {number}"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@contextmanager
def kestra_process(*seeds: Seed, auth: str = "token", tenant: str = "main", version: str = "2.0") -> Iterator[str]:
    """Run a fake that holds the seeds, and give its base URL; credentials are those in `kestra`."""
    setup = {"auth": auth, "tenant": tenant, "version": version, "seeds": [asdict(seed) for seed in seeds]}
    with child("conformance.fakes.kestra.standalone", feed=[f"{json.dumps(setup)}\n".encode()]) as url:
        yield url


def main() -> None:
    """Serve what the parent feeds."""
    listener = listen()
    from conformance.fakes.kestra.kestra import Kestra
    from conformance.fakes.kestra.server import HttpServer

    (line,) = fed()
    setup = json.loads(line)
    kestra = Kestra(setup["auth"], setup["tenant"], version=setup["version"])
    for seed in (Seed(**given) for given in setup["seeds"]):
        for number in range(seed.secrets):
            key, value, description = (one.format(number=number) for one in (seed.key, seed.value, seed.description))
            kestra.plant(seed.namespace, key, value, description, seed.tags)
    serve(HttpServer(kestra, listener=listener))


if __name__ == "__main__":
    main()
