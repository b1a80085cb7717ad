"""Documents that bring secrets into the environment of Kestra: `SECRET_<KEY>` variables, in base64.

Kestra reads them once, at its start, and looks a key up in upper case: https://kestra.io/docs/concepts/secret
"""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, Unsupported
from syncer.naming import upper_snake
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "SECRET_"

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_VARIABLE_BYTES = 128 * 1024 - 1
"""Of a name, `=` and a value at most: what Linux hands to a program (MAX_ARG_STRLEN in execve(2), less its NUL)."""
_SECRET_BYTES = 1024 * 1024
"""Of all values of a Kubernetes Secret: https://kubernetes.io/docs/concepts/configuration/secret/"""
_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


def env_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write `SECRET_<KEY>=<base64>` lines, sorted: for `docker run --env-file` and `env_file:` of Compose.

    Raise Unsupported that names every ref which Kestra could not read back byte for byte.
    """
    return Sensitive(b"".join(b"%s=%s\n" % (name, encoded) for name, encoded in _variables(values)))


def compose_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write the part of a Compose file that gives the service `kestra` its secrets. Raise Unsupported."""
    # Base64 has no `$`, so there is nothing that Compose would replace.
    head = b"services:\n  kestra:\n    environment:"
    return Sensitive(head + _mapping(values, indent=6))


def kubernetes_secret(values: Mapping[str, Sensitive], name: str) -> Sensitive:
    """Write a Kubernetes Secret whose keys are the variables, for `envFrom`. Raise Unsupported, InvalidConfiguration.

    The base64 is Kestra's, so it stands under `stringData`: under `data` Kubernetes would take it off.
    """
    if not _SUBDOMAIN.fullmatch(name):
        message = "the name of a Kubernetes Secret has small letters, digits, `-` and `.`, and at most 253 characters"
        raise InvalidConfiguration(message, hint="each part between dots starts and ends with a letter or a digit")
    total = sum(len(encoded) for _, encoded in _variables(values))
    if total > _SECRET_BYTES:
        message = f"the values are {total} bytes in base64, and a Kubernetes Secret holds {_SECRET_BYTES}"
        raise Unsupported(message, hint="spread them over several scopes")
    head = f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: "{name}"\ntype: Opaque\nstringData:'
    return Sensitive(head.encode() + _mapping(values, indent=2))


def _mapping(values: Mapping[str, Sensitive], *, indent: int) -> bytes:
    """Write YAML pairs below a key. In quotes, because base64 may look like a number or like `null`."""
    pairs = [b'%s%s: "%s"\n' % (b" " * indent, name, encoded) for name, encoded in _variables(values)]
    return b"\n" + b"".join(pairs) if pairs else b" {}\n"


def _variables(values: Mapping[str, Sensitive]) -> Iterator[tuple[bytes, bytes]]:
    """Give name and content of each variable, by name. Raise Unsupported for all that cannot be one, at once."""
    refs: dict[str, list[str]] = defaultdict(list)
    for ref in sorted(values):
        refs[upper_snake(ref)].append(ref)
    faults = list(_faults(refs, values))
    if faults:
        hint = "rename them, or keep them in a scope that Kestra does not read"
        raise Unsupported("\n".join(faults), hint=hint)
    for key, (ref,) in sorted(refs.items()):
        yield f"{PREFIX}{key}".encode(), base64.b64encode(values[ref].reveal())


def _faults(refs: Mapping[str, list[str]], values: Mapping[str, Sensitive]) -> Iterator[str]:
    for key, sharing in sorted(refs.items()):
        if len(sharing) > 1:
            yield f"{', '.join(sharing)}: Kestra would call each of them {key}"
        if not _KEY.fullmatch(key):
            yield f"{', '.join(sharing)}: Kestra would call it {key}, and a key has no digit first"
        for ref in sharing:
            fault = _fault(key, values[ref])
            if fault:
                yield f"{ref}: {fault} ({key})"


def _fault(key: str, value: Sensitive) -> str | None:
    """Say what keeps a value from coming out in Kestra as it is."""
    if value.empty:
        return "the value is empty"
    if not _is_text(value):
        return "the value is not UTF-8 text, and Kestra knows no other"
    size = len(f"{PREFIX}{key}=") + 4 * -(-len(value.reveal()) // 3)
    return f"{size} bytes in base64, and a variable holds {_VARIABLE_BYTES}" if size > _VARIABLE_BYTES else None


def _is_text(value: Sensitive) -> bool:
    try:
        value.reveal().decode()
    except UnicodeDecodeError:
        return False
    return True
