"""Finds the store that a manifest declares for its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.state.file import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.model import Manifest
    from syncer.retry import Retry
    from syncer.state.key import Keyring
    from syncer.state.store import StateStore


def open_store(
    manifest: Manifest,
    keyring: Keyring,
    *,
    environ: Mapping[str, str],
    retry: Retry,
    tell: Callable[[str], None] = lambda _news: None,
) -> StateStore:
    """Give the store; nothing is asked of it yet. `tell` is told what a person should know of its lock."""
    spec = manifest.state
    if not spec.in_branch:
        return StateFile(manifest.folder / spec.path, manifest.project, keyring)
    from syncer.state.git.store import GitState  # noqa: PLC0415  # most states are files

    return GitState(manifest, keyring, environ=environ, retry=retry, tell=tell)
