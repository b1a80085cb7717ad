"""Finds where configuration files name secrets instead of holding them, and fills values in.

- `ENC[handle]` as a whole text, in files of the Datadog Agent: comp/core/secrets/utils of DataDog/datadog-agent;
- `secretKeyRef` in a component of Dapr: https://docs.dapr.io/operations/components/component-secrets/
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from syncer.exchange.nodes import STR, below, line_of, text_node, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.sensitive import Sensitive

_START, _END = "ENC[", "]"
_OWN = "secret_"
"""How the Agent's settings begin that say how handles are resolved."""
_KEY_REF = "secretKeyRef"
_DEFAULT_STORE = "kubernetes"
"""Which Dapr takes in a cluster where a component names none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """One place of a file that names a secret."""

    path: str
    """The keys and indices that lead there, joined by slashes."""
    line: int
    handle: str
    """What stands between the brackets; for Dapr the name of the secret."""
    store: str | None = None
    """The store of Dapr that is asked; None for a handle of the Agent."""
    key: str = ""
    """Which key of the secret Dapr takes; empty for the one that is called like it."""
    refused: str | None = None
    """Why the program does not look at it."""
    stray: bool = False
    """It is none, only looks like one; the handle is not told, for the text may hold anything."""
    node: Node = field(repr=False)
    """Where the value goes: the text itself, or the entry that holds a `secretKeyRef`."""

    def __str__(self) -> str:
        if self.stray:
            return f"{_START}...{_END}"
        if self.store is None:
            return f"{_START}{self.handle}{_END}"
        return f"{_KEY_REF} {self.store}/{self.handle}" + (f" ({self.key})" if self.key else "")


def references(documents: Iterable[Node]) -> Iterator[Reference]:
    """Give every reference, strays among them, in the order in which they stand there.

    What an alias repeats comes once.
    """
    for root in documents:
        if isinstance(root, ScalarNode):
            yield from (_refused(found, "the root of the file is neither a map nor a list") for found in _enc(root, ()))
            continue
        if text_of(below(root, "kind")) == "Component":
            yield from _component(root)
        yield from _Walk().below(root, ())


def fill(reference: Reference, value: Sensitive) -> None:
    """Put a value, which is UTF-8 text, where the reference stands."""
    text, node = value.reveal().decode(), reference.node
    if isinstance(node, ScalarNode):
        node.value, node.style = text, '"'
        return
    pairs = [(key, item) for key, item in node.value if text_of(key) not in {_KEY_REF, "value"}]
    node.value = [*pairs, (ScalarNode(STR, "value"), text_node(text))]


def agent_command(documents: Iterable[Node]) -> tuple[str, bool] | None:
    """Give the executable that a file names as `secret_backend_command`, and whether its group may run it."""
    for root in documents:
        command = text_of(below(root, "secret_backend_command"))
        if command:
            allowed = below(root, "secret_backend_command_allow_group_exec_perm")
            return command, isinstance(allowed, ScalarNode) and allowed.value.lower() == "true"
    return None


class _Walk:
    """Goes through a document; into each of its parts once, however many aliases lead there."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def below(self, node: Node, path: tuple[str, ...]) -> Iterator[Reference]:
        if isinstance(node, ScalarNode):
            yield from _enc(node, path)
            return
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        for step, part in _parts(node):
            found = self.below(part, (*path, step))
            if path or not step.startswith(_OWN):
                yield from found
            else:
                yield from (_refused(each, f"the Agent resolves nothing under `{_OWN}...`") for each in found)


def _parts(node: Node) -> Iterator[tuple[str, Node]]:
    if isinstance(node, MappingNode):
        yield from ((key.value if isinstance(key, ScalarNode) else "?", value) for key, value in node.value)
    else:
        yield from ((str(index), item) for index, item in enumerate(node.value))


def _enc(node: ScalarNode, path: tuple[str, ...]) -> Iterator[Reference]:
    text = node.value.strip(" \t") if node.tag == STR else ""
    if text.startswith(_START) and text.endswith(_END):
        handle = text[len(_START) : -len(_END)]
        yield Reference(path="/".join(path), line=line_of(node), handle=handle, node=node)
    elif _START in text:
        yield Reference(path="/".join(path), line=line_of(node), handle="", stray=True, node=node)


def _refused(found: Reference, why: str) -> Reference:
    return replace(found, refused=why)


def _component(root: Node) -> Iterator[Reference]:
    store = text_of(below(below(root, "auth"), "secretStore")) or _DEFAULT_STORE
    entries = below(below(root, "spec"), "metadata")
    for index, entry in enumerate(entries.value if isinstance(entries, SequenceNode) else ()):
        reference = below(entry, _KEY_REF)
        if reference is not None:
            name, key = text_of(below(reference, "name")) or "", text_of(below(reference, "key")) or ""
            yield Reference(
                path=f"spec/metadata/{index}/{_KEY_REF}",
                line=line_of(reference),
                handle=name,
                store=store,
                key="" if key == name else key,
                refused=None if name else "it names no secret",
                node=entry,
            )
