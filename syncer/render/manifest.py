"""Files that a manifest includes: `scopes` made of what was found or sealed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from syncer.naming import upper_snake
from syncer.render.text import clean
from syncer.sources.base import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.model import Observed

_MADE_OF_LETTERS = re.compile(r"[A-Za-z_][A-Za-z0-9_./:-]*")
_ONE_LINE = 1 << 30


def sealed_manifest(scope: str, sealed: Mapping[str, str]) -> str:
    """Write secrets that are sealed for their addresses, by ref."""
    head = [
        "Values sealed for this project: only its key opens them, and only at these addresses.",
        "To use them, name this file under `include:` in the manifest.",
    ]
    secrets = {ref: {"source": {"sealed": text}} for ref, text in sealed.items()}
    return _document(head, scope, {"secrets": secrets})


def found_manifest(
    scope: str,
    backend: str,
    declared_on: str,
    found: Iterable[Observed],
    left_out: Sequence[tuple[str, str]],
) -> str:
    """Write what a backend holds in a scope, each with a variable as its source; below, what is left out and why.

    The scope says its backend where that is another than the manifest has for it.
    """
    options = {} if backend == declared_on else {"backend": backend}
    secrets = _secrets(scope, found)
    head = [
        f"What backend `{backend}` holds in scope {scope}. No value was read. To take it under management:",
        "1. Set the variables that stand here as sources, or write other sources: file, command, generate, sealed.",
        "2. Name this file under `include:` in the manifest.",
        f"3. syncer import '{scope}:*'",
        "4. syncer plan; a value that its source does not yield would be rotated.",
        *(() if backend == declared_on else (f"The manifest has backend `{declared_on}` for it; a scope has one.",)),
        *(["", "Left out:"] if left_out else []),
        *(f"  {ref}: {reason}" for ref, reason in left_out),
    ]
    return _document(head, scope, options | {"secrets": secrets})


def _secrets(scope: str, found: Iterable[Observed]) -> dict[str, dict[str, object]]:
    secrets: dict[str, dict[str, object]] = {}
    taken = {KEY_VARIABLE}
    for seen in sorted(found, key=lambda seen: seen.address):
        variable = _variable(f"{scope}_{seen.address.ref}", taken)
        entry: dict[str, object] = {"source": {"env": variable}}
        if seen.description:
            entry["description"] = seen.description
        if seen.tags:
            entry["tags"] = dict(sorted(seen.tags.items()))
        if not seen.enabled:
            entry["enabled"] = False
        secrets[seen.address.ref] = entry
    return secrets


def _variable(name: str, taken: set[str]) -> str:
    """Name a variable as no other one is called yet, and note it."""
    plain = upper_snake(name if not name[0].isdigit() else f"_{name}")
    variable, number = plain, 1
    while variable in taken:
        number += 1
        variable = f"{plain}_{number}"
    taken.add(variable)
    return variable


def _document(head: Iterable[str], scope: str, body: Mapping[str, object]) -> str:
    comments = "".join(f"# {clean(line)}".rstrip() + "\n" for line in head)
    document = {"scopes": {scope: dict(body)}}
    return comments + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ONE_LINE, default_flow_style=None
    )


class _Dumper(yaml.CSafeDumper):
    """Puts everything in quotes that YAML 1.2 could take for something else than text; PyYAML knows 1.1 only."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    style = None if _MADE_OF_LETTERS.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
