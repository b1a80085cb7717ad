"""Documents that bring secrets into the environment of Kestra: `SECRET_<KEY>` variables, in base64.

Kestra reads them once, at its start, and looks a key up in upper case: https://kestra.io/docs/concepts/secret
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from syncer.exchange.kubernetes import SECRET_BYTES, secret
from syncer.exchange.maps import base64_pairs, mapping
from syncer.exchange.texts import is_text
from syncer.exchange.variables import Reader, oversize
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "SECRET_"


def env_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write `SECRET_<KEY>=<base64>` lines, sorted: for `docker run --env-file` and `env_file:` of Compose.

    Raise Unsupported that names every ref which Kestra could not read back byte for byte.
    """
    return Sensitive(b"".join(b"%s=%s\n" % (name.encode(), encoded) for name, encoded in _variables(values)))


def compose_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write the part of a Compose file that gives the service `kestra` its secrets. Raise Unsupported."""
    # Base64 has no `$`, so there is nothing that Compose would replace.
    head = b"services:\n  kestra:\n    environment:"
    return Sensitive(head + mapping(base64_pairs(_variables(values)), indent=6))


def kubernetes_secret(values: Mapping[str, Sensitive], name: str) -> Sensitive:
    """Write a Kubernetes Secret whose keys are the variables, for `envFrom`. Raise Unsupported, InvalidConfiguration.

    The base64 is Kestra's, so it stands under `stringData`: under `data` Kubernetes would take it off.
    """
    pairs = list(_variables(values))
    size = sum(len(encoded) for _, encoded in pairs)
    return secret(name, "stringData", pairs, f"{size} bytes in base64" if size > SECRET_BYTES else None)


def _variables(values: Mapping[str, Sensitive]) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each variable, by name. Raise Unsupported for all that cannot be one, at once."""
    for key, value in _KESTRA.variables(values):
        yield f"{PREFIX}{key}", base64.b64encode(value.reveal())


def _fault(key: str, value: Sensitive) -> str | None:
    if value.empty:
        return "the value is empty"
    if not is_text(value):
        return "the value is not UTF-8 text, and Kestra knows no other"
    return oversize(len(f"{PREFIX}{key}=") + 4 * -(-len(value.reveal()) // 3), " in base64")


# A key is told without what Kestra has before it, and must be a name without that, too: `1ST` is none.
_KESTRA = Reader(called="Kestra", fault=_fault, hint="rename them, or keep them in a scope that Kestra does not read")
