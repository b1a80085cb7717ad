"""Documents of the right shape to one manifest: defaults applied, references followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncer.manifest.backends import declared_backends
from syncer.manifest.consumers import check_readers, declared_cache
from syncer.manifest.paths import check_paths
from syncer.manifest.references import declared_moves, declared_removals, removal_origins
from syncer.manifest.scopes import declared_scopes
from syncer.manifest.secrets import declared_secrets
from syncer.manifest.state import declared_state
from syncer.model import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.manifest.document import Document, Report


def build(documents: Sequence[Document], digest: str, report: Report) -> Manifest:
    """Build the manifest; what it gives must not be used if the report holds a problem. The main document is first."""
    main = documents[0]
    path = Path(main.name)
    if isinstance(main.data["version"], float):
        report.at_value(main, ("version",), "`version` must be 1")  # to a JSON Schema 1.0 is the same number
    backends = declared_backends(main, report)
    state = declared_state(main, report)
    check_paths(documents, path.parent, state, backends, report)
    scopes = declared_scopes(documents, backends, report)
    secrets = declared_secrets(documents, scopes, report)
    moved = declared_moves(main, secrets, report)
    for document in documents:
        check_readers(document, secrets, report)
    return Manifest(
        path=path,
        project=main.data["project"],
        backends=backends,
        state=state,
        scopes={name: given.scope for name, given in scopes.items()},
        secrets=secrets,
        moved=moved,
        removed=declared_removals(main, secrets, moved, report),
        removed_at=removal_origins(main),
        cache=declared_cache(main, report),
        digest=digest,
    )
