"""One file for each secret, its value byte for byte: what `docker.secrets`, `k8s.file` and most programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.exchange.formats import File

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.exchange.formats import Ground
    from syncer.sensitive import Sensitive

READ_ONLY = 0o400


def folder(values: Mapping[str, Sensitive], _ground: Ground) -> Sequence[File]:
    """Give a file for each ref, the slashes of which are folders, for its owner to read."""
    return [File(name=ref, content=value, mode=READ_ONLY) for ref, value in sorted(values.items())]
