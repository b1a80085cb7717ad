"""Flat maps of refs to values, in JSON and YAML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from syncer.exchange.texts import is_text, refuse
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ODD = re.compile(r'[^ -~]|["\\]')
_HINT = "keep them in a scope of their own, or encode them, for instance in base64, where they come from"


def json_map(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write one JSON object (RFC 8259) of strings, sorted. Raise Unsupported for every value that is no text."""
    _check_texts(values)
    texts = {ref: value.reveal().decode() for ref, value in values.items()}
    return Sensitive(json.dumps(texts, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n")


def yaml_map(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write one YAML mapping of strings, sorted: versions 1.1 and 1.2 read the same. Raise Unsupported as above."""
    _check_texts(values)
    pairs = ((ref, quoted(value.reveal().decode())) for ref, value in sorted(values.items()))
    return Sensitive(mapping((f'"{ref}"', text) for ref, text in pairs)[1:])


def mapping(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> bytes:
    """Write YAML pairs below a key, or what stands for none behind it; both halves are written already."""
    lines = [f"{' ' * indent}{key}: {text}\n" for key, text in pairs]
    return "".join(["\n", *lines]).encode() if lines else b" {}\n"


def base64_pairs(pairs: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """Put base64 in quotes, because it may look like a number or like `null`."""
    return ((key, f'"{encoded.decode("ascii")}"') for key, encoded in pairs)


def quoted(text: str) -> str:
    """Write a YAML string in double quotes (https://yaml.org/spec/1.2.2/#731-double-quoted-style).

    What is not printable is escaped: YAML folds breaks of lines, Unicode's too, and PyYAML refuses control characters.
    """
    return f'"{_ODD.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    return _ESCAPES.get(letter) or (letter if letter.isprintable() else f"\\U{ord(letter):08x}")


def _check_texts(values: Mapping[str, Sensitive]) -> None:
    refuse((f"{ref}: the value is not UTF-8 text" for ref in sorted(values) if not is_text(values[ref])), _HINT)
