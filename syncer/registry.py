"""Type name to class: a static table for what is ours, entry points for the rest, imported on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration
from syncer.extras import how_to_install
from syncer.options import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.backends.base import Backend
    from syncer.sources.base import Source

BACKENDS: dict[str, tuple[str, str | None]] = {
    "local": ("syncer.backends.local:LocalBackend", None),
    "aws-secrets-manager": ("syncer.backends.aws.secrets_manager:SecretsManager", "aws"),
    "aws-ssm": ("syncer.backends.aws.parameter_store:ParameterStore", "aws"),
    "dagu": ("syncer.backends.dagu.backend:Dagu", "dagu"),
    "kestra": ("syncer.backends.kestra.backend:Kestra", "kestra"),
    "vault": ("syncer.backends.vault:Vault", "vault"),
}
"""Type to class, and the extra that brings its SDK."""

OPTIONS = {
    "aws-secrets-manager": "syncer.backends.aws.secret_options:SecretsManagerOptions",
    "aws-ssm": "syncer.backends.aws.parameter_options:ParameterStoreOptions",
    "dagu": "syncer.backends.dagu.options:DaguOptions",
    "kestra": "syncer.backends.kestra.options:KestraOptions",
}
"""Types whose class needs an SDK, to the class of their options, which needs none: a manifest is checked without."""

EMBEDDED = "local"
"""The type that needs no set-up: taken where a manifest names none."""

SOURCES: dict[str, str] = {
    "env": "syncer.sources.env:EnvSource",
    "file": "syncer.sources.file:FileSource",
    "command": "syncer.sources.command:CommandSource",
    "generate": "syncer.sources.generate:GenerateSource",
    "sealed": "syncer.sources.sealed:SealedSource",
}

BACKEND_GROUP = "syncer.backends"
SOURCE_GROUP = "syncer.sources"


def backend_class(type_name: str) -> type[Backend]:
    """Import the class of a backend type. Raise InvalidConfiguration for an unknown type or a missing SDK."""
    target, extra = BACKENDS.get(type_name, (None, None))
    try:
        found: type[Backend] = _load(BACKEND_GROUP, type_name, target, BACKENDS)
    except ModuleNotFoundError as error:
        message = f"backend type {type_name} needs the package `{error.name}`"
        raise InvalidConfiguration(message, hint=how_to_install(extra) if extra else None) from None
    return found


def options_class(type_name: str) -> type[Any]:
    """Import the class of a backend type's options, without its SDK where that is ours. Raise as `backend_class`."""
    target = OPTIONS.get(type_name)
    found: type[Any] = _load(BACKEND_GROUP, type_name, target, BACKENDS) if target else backend_class(type_name).Options
    return found


@cache
def source_class(type_name: str) -> type[Source]:
    """Import the class of a source type, once. Raise InvalidConfiguration for an unknown type."""
    found: type[Source] = _load(SOURCE_GROUP, type_name, SOURCES.get(type_name), SOURCES)
    return found


def backend_types() -> tuple[str, ...]:
    """Name every backend type at hand: ours first, then those of entry points."""
    return (*BACKENDS, *sorted(entry.name for entry in _entry_points(BACKEND_GROUP) if entry.name not in BACKENDS))


def _load(group: str, name: str, target: str | None, known: Iterable[str]) -> Any:
    if target is not None:
        module, _, attribute = target.partition(":")
        return getattr(import_module(module), attribute)
    for entry in _entry_points(group):
        if entry.name == name:
            return entry.load()
    what = "backend type" if group == BACKEND_GROUP else "source"
    # The unknown name is not repeated: where a source was meant, a value may have been typed.
    message = f"unknown {what}{did_you_mean(name, known)}"
    raise InvalidConfiguration(
        message, hint=f"known: {', '.join(known)}; a package may bring more as entry points {group}"
    )


def _entry_points(group: str) -> Any:
    from importlib.metadata import entry_points  # noqa: PLC0415  # slow: asked only for names that the table lacks

    return entry_points(group=group)
