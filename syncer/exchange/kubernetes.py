"""Secrets of Kubernetes.

https://kubernetes.io/docs/concepts/configuration/secret/
"""

from __future__ import annotations

import base64
from collections import defaultdict
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, Unsupported
from syncer.exchange.maps import base64_pairs, mapping
from syncer.exchange.texts import refuse
from syncer.handles import OBJECT
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECRET_BYTES = 1024 * 1024
"""Of all values of a Secret together."""
_KEY_CHARACTERS = 253


def data_secret(values: Mapping[str, Sensitive], name: str) -> Sensitive:
    """Write a Secret with a key for each ref, its slashes as dots. Raise Unsupported, InvalidConfiguration.

    Mounted, each key is a file that holds the value byte for byte.
    """
    refs: dict[str, list[str]] = defaultdict(list)
    for ref in sorted(values):
        refs[ref.replace("/", ".")].append(ref)
    refuse(_faults(refs), "rename them, or keep them in a scope of their own")
    size = sum(len(value.reveal()) for value in values.values())
    # In quotes, because a ref may look like a number or like `null`.
    encoded = ((f'"{key}"', base64.b64encode(values[ref].reveal())) for key, (ref,) in sorted(refs.items()))
    return secret(name, "data", encoded, f"{size} bytes" if size > SECRET_BYTES else None)


def secret(name: str, field: str, pairs: Iterable[tuple[str, bytes]], oversize: str | None) -> Sensitive:
    """Write a Secret that has keys and base64 in a field. Raise InvalidConfiguration for its name.

    Raise Unsupported where `oversize` says how much the values are together.
    """
    if not OBJECT.fullmatch(name):
        message = "the name of a Kubernetes Secret has small letters, digits, `-` and `.`, and at most 253 characters"
        raise InvalidConfiguration(message, hint="each part between dots starts and ends with a letter or a digit")
    if oversize is not None:
        message = f"the values are {oversize}, and a Kubernetes Secret holds {SECRET_BYTES}"
        raise Unsupported(message, hint="spread them over several scopes")
    head = f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: "{name}"\ntype: Opaque\n{field}:'
    return Sensitive(head.encode() + mapping(base64_pairs(pairs), indent=2))


def _faults(refs: Mapping[str, list[str]]) -> Iterator[str]:
    for key, sharing in sorted(refs.items()):
        if len(sharing) > 1:
            yield f"{', '.join(sharing)}: Kubernetes would call each of them {key}"
        if len(key) > _KEY_CHARACTERS:
            yield f"{sharing[0]}: a key of a Kubernetes Secret has at most {_KEY_CHARACTERS} characters"
