"""From a path to a checked manifest: the file, what it includes, and every fault of all of them at once."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from dataclasses import replace
from glob import glob
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.errors import InvalidManifest
from syncer.manifest.build import build
from syncer.manifest.document import Document, Report, read
from syncer.manifest.shape import INCLUDED, MANIFEST, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.model import Manifest


def load_manifest(path: Path | str, policies: Sequence[Path | str] = ()) -> Manifest:
    """Read a manifest and all that it includes; offline, no source and no backend is asked for anything.

    `policies` are files of rules that it must keep beside its own; whether it does, `syncer.policy` finds out. Raise
    InvalidManifest with every problem found. Files are named as `path` is written.
    """
    report = Report()
    with collector_paused():
        manifest = _load(Path(path), policies, report)
    if manifest is None or report.problems:
        raise InvalidManifest(report.problems)
    return manifest


@contextmanager
def collector_paused() -> Iterator[None]:
    """Make no search for circles meanwhile."""
    # Nodes and data are trees, freed by counting; going through them again and again takes longer than to parse.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(path: Path, policies: Sequence[Path | str], report: Report) -> Manifest | None:
    main = read(path, report, if_missing="no such file; `syncer init` writes a first one, `-f` names another")
    if main is None:
        return None
    main = check(main, MANIFEST, report)
    documents = [main, *_included(main, path, report)]
    if not (policies or main.data.get("policy")):
        return build(documents, _digest(documents, path.parent), report)
    from syncer.manifest import policy  # noqa: PLC0415  # most manifests have none

    # Rules that the manifest names are a part of it, inside or beside it: a plan that was made under others is stale.
    named = policy.named_policy(main, path.parent, report)
    manifest = build([*documents, *named], _digest([*documents, *named], path.parent), report)
    rules = policy.declared_rules(manifest, main, [*named, *policy.policy_files(policies, report)], report)
    return replace(manifest, policy=rules)


def _included(main: Document, path: Path, report: Report) -> Iterator[Document]:
    seen = {os.path.realpath(path)}
    for index, pattern in enumerate(main.data.get("include") or ()):
        found = matches(path.parent, pattern)
        if not found:
            # Secrets that are no longer found would look like secrets that are no longer wanted.
            report.at_value(main, ("include", index), "matches no file")
            report.lost = True
        for file in found:
            real = os.path.realpath(file)
            document = None if real in seen else read(file, report)
            seen.add(real)
            if document:
                yield check(document, INCLUDED, report)


def matches(folder: Path, pattern: str) -> list[Path]:
    """Give the files that a glob of `include` stands for, sorted."""
    names = glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207  # pathlib's takes no absolute pattern
    return [file for name in sorted(names) if not (file := folder / name).is_dir()]


def _digest(documents: list[Document], folder: Path) -> str:
    digest = sha256()
    for name, raw in sorted((os.path.relpath(document.name, folder), document.raw) for document in documents):
        for part in (os.fsencode(name), raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
