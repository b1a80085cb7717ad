"""The fake in a child process, so that a benchmark does not count the server's work as the client's."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.child import child, fed, listen, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Secrets that are there from the start, at `project/scope/ref`."""

    secrets: int
    """How many in all, dealt to the scopes in turn."""
    project: str = "shop"
    scopes: int = 10
    mount: str = "secret"
    value: str = "value of {address}"
    key: str = "value"
    """Under which the value stands."""
    custom_metadata: Mapping[str, str] = field(default_factory=dict)
    """Texts may say `{project}`, `{scope}`, `{ref}` and `{address}`."""

    def names(self) -> Iterator[dict[str, str]]:
        """Give what the texts may say, secret by secret."""
        for number in range(self.secrets):
            scope, ref = f"scope-{number % self.scopes}", f"ref-{number // self.scopes}"
            yield {"project": self.project, "scope": scope, "ref": ref, "address": f"{scope}:{ref}"}


@contextmanager
def vault_process(*seeds: Seed, flavour: str = "vault") -> Iterator[str]:
    """Run a fake that holds the seeds, and give its base URL; the root token is `root`."""
    lines = [flavour, *(json.dumps(asdict(seed)) for seed in seeds)]
    with child("conformance.fakes.vault.standalone", feed=[f"{line}\n".encode() for line in lines]) as url:
        yield url


def main() -> None:
    """Serve what the parent feeds."""
    listener = listen()
    from conformance.fakes.vault.server import HttpServer
    from conformance.fakes.vault.vault import Vault

    lines = fed()
    vault = Vault(next(lines).decode().strip())
    for line in lines:
        seed = Seed(**json.loads(line))
        for names in seed.names():
            custom = {name: text.format(**names) for name, text in seed.custom_metadata.items()}
            path = "{project}/{scope}/{ref}".format(**names)
            vault.put(path, {seed.key: seed.value.format(**names)}, custom, mount=seed.mount)
    serve(HttpServer(vault, listener=listener))


if __name__ == "__main__":
    main()
