"""Installed packages packed up again, so that pip can install them without an index."""

from __future__ import annotations

import zipfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution
    from pathlib import Path

LEFT_OUT = {"INSTALLER", "REQUESTED", "direct_url.json"}
"""What an installer leaves beside a package's own files."""


def needed(requirement: str, found: dict[str, Distribution] | None = None) -> dict[str, Distribution]:
    """Give the installed packages that a requirement comes to, itself included, by name."""
    found = {} if found is None else found
    asked = Requirement(requirement)
    name = canonicalize_name(asked.name)
    installed = distribution(name)
    extras = asked.extras or {""}
    if name in found and extras == {""}:
        return found
    found[name] = installed
    for text in installed.requires or ():
        inner = Requirement(text)
        if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
            needed(f"{inner.name}[{','.join(inner.extras)}]" if inner.extras else inner.name, found)
    return found


def pack(package: Distribution, folder: Path) -> None:
    """Pack one package as a wheel."""
    name = package.metadata["Name"].replace("-", "_")
    with zipfile.ZipFile(folder / f"{name}-{package.version}-{tag(package)}.whl", "w") as archive:
        for inner, path in files(package):
            archive.write(path, inner)


def files(package: Distribution) -> Iterator[tuple[str, str]]:
    """Give what a package has put among the others: as a wheel calls it, and where it is."""
    for entry in package.files or ():
        if ".." not in entry.parts and entry.suffix != ".pyc" and entry.name not in LEFT_OUT:
            yield entry.as_posix(), str(entry.locate())


def tag(package: Distribution) -> str:
    """Give what the package runs on, as the name of a wheel says it."""
    lines = (package.read_text("WHEEL") or "").splitlines()
    tags = [line.partition(": ")[2].split("-") for line in lines if line.startswith("Tag: ")]
    return "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
