"""Files that name secrets: which there are, what each reference leads to, and what is there."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.handles import Asked, parsed
from syncer.errors import InvalidConfiguration, SyncerError
from syncer.exchange.agent import fault
from syncer.exchange.nodes import MAX_BYTES, read_nodes
from syncer.exchange.references import references
from syncer.handles import Handle, checked
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from yaml.nodes import Node

    from syncer.consumers.handles import Ground
    from syncer.engine.session import Session
    from syncer.exchange.references import Reference
    from syncer.sensitive import Sensitive

SUFFIXES = (".yaml", ".yml", ".json")
STORE_HELP = "The scope that stands for a store of Dapr, if not the one that is called like it; repeatable."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A file that was read, and its references."""

    path: Path
    nodes: Sequence[Node]
    references: Sequence[Reference]
    strays: Sequence[Reference]
    """What looks like one, in a longer text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What references are relative to."""

    scope: str
    """Of handles that name none."""
    stores: Mapping[str, str]
    """The scope that stands for a store of Dapr; for others it is the one that is called alike."""

    def handle(self, found: Reference) -> Handle | SyncerError:
        """Say where a reference leads, or why it leads nowhere."""
        if found.refused is not None:
            return InvalidConfiguration(found.refused)
        if found.store is None:
            return parsed(found.handle, self.scope)
        try:
            return Handle(checked(Address(self.stores.get(found.store, found.store), found.handle)), found.key)
        except InvalidConfiguration:
            return InvalidConfiguration("no secret and no scope of a manifest can be called so")


def read_document(path: Path) -> Document:
    """Read one file. Raise InvalidManifest with the position, InvalidConfiguration where it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a file name").lower()
    else:
        nodes = read_nodes(raw, str(path))
        with suppress(RecursionError):  # aliases to what stands in keys lead deeper than what is written there
            found = list(references(nodes))
            sound, strays = [one for one in found if not one.stray], [one for one in found if one.stray]
            return Document(path=path, nodes=nodes, references=sound, strays=strays)
        reason = "its aliases are nested too deep"
    message = f"{path} cannot be read: {reason}"
    raise InvalidConfiguration(message)


def configuration_files(folder: Path) -> Iterator[Path]:
    """Give the configuration files below a folder, sorted; nothing that is hidden."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and _may_end(Path(place, name)):
                yield Path(place, name)


def _may_end(path: Path) -> bool:
    """Whether it is no FIFO and no device; a link that leads nowhere is none, and will be told."""
    return path.is_file() or not path.exists()


def answers(
    session: Session, where: Ground, naming: Naming, found: Sequence[Reference]
) -> Iterator[tuple[Reference, Sensitive | SyncerError]]:
    """Give what each reference leads to; what the program could not take is an error too."""
    handles = {number: naming.handle(reference) for number, reference in enumerate(found)}
    for number, answer in Asked(session, where, handles).each():
        why = None if isinstance(answer, SyncerError) else fault(answer)
        yield found[number], answer if why is None else InvalidConfiguration(why)
