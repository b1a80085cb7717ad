"""The forms in which values are handed to other programs: name to function, imported on first use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from syncer.model import Scope
    from syncer.sensitive import Sensitive


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A form of document that another program reads."""

    home: str
    """`module:function` that takes values by ref, and the document's name where it has one; it must do no I/O."""
    name: str | None = None
    """What the document calls itself unless a user says otherwise; None for a form without names."""

    def document(self, values: Mapping[str, Sensitive], name: str | None = None) -> Sensitive:
        """Write values by ref into one document.

        Raise Unsupported that names every ref which that program could not read as it is, InvalidConfiguration for
        a name that cannot be.
        """
        module, _, function = self.home.partition(":")
        write: Callable[..., Sensitive] = getattr(import_module(module), function)
        return write(values) if self.name is None else write(values, name or self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a folder."""

    name: str
    """Inside the folder; may hold slashes."""
    content: Sensitive
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a folder's files may have to say beside the values."""

    scope: Scope
    folder: Path
    """Where they will stand, absolute."""
    named: Callable[[Sensitive], str]
    """Gives a content a short name under the project key: the same for the same content, and telling nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFormat:
    """A form of several files that another program reads."""

    home: str
    """`module:function` that takes values by ref and a Ground, and gives files; it must do no I/O."""

    def files(self, values: Mapping[str, Sensitive], ground: Ground) -> Sequence[File]:
        """Give the files in the order in which they must be written. Raise Unsupported as `Format.document` does."""
        module, _, function = self.home.partition(":")
        write: Callable[..., Sequence[File]] = getattr(import_module(module), function)
        return write(values, ground)


FORMATS: dict[str, Format] = {
    "dotenv": Format(home="syncer.exchange.shell:dotenv_file"),
    "json": Format(home="syncer.exchange.maps:json_map"),
    "yaml": Format(home="syncer.exchange.maps:yaml_map"),
    "github-env": Format(home="syncer.exchange.github:env_file"),
    "k8s-secret": Format(home="syncer.exchange.kubernetes:data_secret", name="syncer-secrets"),
    "datadog-json": Format(home="syncer.exchange.datadog:json_file"),
    "datadog-yaml": Format(home="syncer.exchange.datadog:yaml_file"),
    "kestra-env": Format(home="syncer.exchange.kestra:env_file"),
    "kestra-compose": Format(home="syncer.exchange.kestra:compose_file"),
    "kestra-k8s": Format(home="syncer.exchange.kestra:kubernetes_secret", name="kestra-secrets"),
}
"""In the order in which they are listed."""

FOLDERS: dict[str, FolderFormat] = {
    "files": FolderFormat(home="syncer.exchange.files:folder"),
    "datadog-files": FolderFormat(home="syncer.exchange.datadog:secret_files"),
    "dapr": FolderFormat(home="syncer.exchange.dapr:flat"),
    "dapr-multi": FolderFormat(home="syncer.exchange.dapr:multi_valued"),
}
"""Forms of several files, for `--out DIR`."""
