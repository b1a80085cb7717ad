"""Files that the backends of the Datadog Agent read.

https://docs.datadoghq.com/agent/configuration/secrets-management/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.errors import Unsupported
from syncer.exchange.files import folder
from syncer.exchange.maps import json_map, yaml_map
from syncer.exchange.texts import is_text, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.exchange.formats import File, Ground
    from syncer.sensitive import Sensitive

_DOCUMENT_BYTES = 10 * 1024 * 1024
"""Of a `file.json` or `file.yaml` at most."""
_FILE_BYTES = 8192
"""Of a file that the Agent's helper scripts read at most."""
_HINT = "keep them in a scope that the Agent does not read"


def json_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write the map that `file.json` reads. Raise Unsupported that names all which the Agent would refuse."""
    return _document(values, json_map)


def yaml_file(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write the map that `file.yaml` reads. Raise Unsupported as above."""
    return _document(values, yaml_map)


def secret_files(values: Mapping[str, Sensitive], ground: Ground) -> Sequence[File]:
    """Give the files that `file.text`, `docker.secrets`, `k8s.file` and `file@` read. Raise Unsupported as above."""
    told = ((ref, _fault(value) or _oversize(value)) for ref, value in sorted(values.items()))
    refuse((f"{ref}: {fault}" for ref, fault in told if fault), _HINT)
    return folder(values, ground)


def _document(values: Mapping[str, Sensitive], write: Callable[[Mapping[str, Sensitive]], Sensitive]) -> Sensitive:
    told = ((ref, _fault(value)) for ref, value in sorted(values.items()))
    refuse((f"{ref}: {fault}" for ref, fault in told if fault), _HINT)
    document = write(values)
    size = len(document.reveal())
    if size > _DOCUMENT_BYTES:
        message = f"the document is {size} bytes, and the Datadog Agent reads {_DOCUMENT_BYTES}"
        raise Unsupported(message, hint="spread them over several scopes")
    return document


def _fault(value: Sensitive) -> str | None:
    if value.empty:
        return "the value is empty, which the Datadog Agent takes for an error"
    return None if is_text(value) else "the value is not UTF-8 text"


def _oversize(value: Sensitive) -> str | None:
    size = len(value.reveal())
    return f"{size} bytes, and the Datadog Agent reads {_FILE_BYTES} of a file" if size > _FILE_BYTES else None
