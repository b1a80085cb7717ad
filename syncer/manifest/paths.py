"""The files that a run writes: none may be another one, or a file of the manifest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration
from syncer.model import DEFAULT_BACKEND
from syncer.options import parse_options
from syncer.registry import options_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.manifest.document import Document, Place, Report
    from syncer.model import BackendSpec, Manifest, StateSpec

KEY_FILE = ".syncer/key"
GIT_FOLDER = ".syncer/git"
"""Where this host keeps what it has seen of a state that lives in a branch."""
BESIDE_STATE = ("journal", "lock", "backup")
"""What the state's name is followed by, after a dot, in the names of the files beside it."""

_STATE: Place = ("state", "path")


def resolved(folder: Path, path: str) -> str:
    """Follow links to the one name that a file has, whether it exists or not."""
    try:
        return os.path.realpath(folder / path)
    except ValueError:  # a NUL character; opening it will tell
        return path


def backend_path(spec: BackendSpec) -> str | None:
    """Give the file that a backend keeps, as its options or their defaults have it; None where it keeps none."""
    try:
        options = parse_options(options_class(spec.type), spec.options)
    except InvalidConfiguration:
        return None  # told where backends are checked
    path = getattr(options, "path", None)
    return path if isinstance(path, str) else None


def kept_paths(manifest: Manifest) -> list[Path]:
    """Give the state, where it is a file, and the files that backends keep; links followed."""
    stores = filter(None, map(backend_path, manifest.backends.values()))
    state = () if manifest.state.in_branch else (manifest.state.path,)
    return [Path(resolved(manifest.folder, path)) for path in (*state, *stores)]


def check_paths(
    documents: Sequence[Document], folder: Path, state: StateSpec, backends: Mapping[str, BackendSpec], report: Report
) -> None:
    """Note each file that would be written over another one."""
    main = documents[0]
    taken = {resolved(folder, KEY_FILE): "the file of the project key"}
    taken |= {os.path.realpath(document.name): "a file of the manifest" for document in documents}
    of_state = _of_state(folder, state)
    clash = next((taken[path] for path in of_state if path in taken), None)
    if clash:
        report.at_value(main, _STATE, f"the state and what stands beside it would take the place of {clash}")
    taken |= of_state
    for spec in backends.values():
        path = backend_path(spec)
        clash = None if path is None else taken.get(resolved(folder, path))
        if clash:
            report.at_value(main, _place(spec), f"the store of backend `{spec.name}` would take the place of {clash}")


def _of_state(folder: Path, state: StateSpec) -> dict[str, str]:
    if state.in_branch:
        return {resolved(folder, GIT_FOLDER): "what is kept of the state's branch"}
    path = resolved(folder, state.path)
    return {path: "the state"} | {f"{path}.{what}": f"the state's {what}" for what in BESIDE_STATE}


def _place(spec: BackendSpec) -> Place:
    """Find what was written: a default path is in nobody's way until the state is put there."""
    if "path" not in spec.options:
        return _STATE
    return ("backend", "path") if spec.name == DEFAULT_BACKEND else ("backends", spec.name, "path")
