"""What stands in the metadata of a KV secret: our marks, everybody's tags, and the state of its newest version."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from syncer.errors import Unsupported, VersionConflict
from syncer.model import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.backends.vault.messages import Json
    from syncer.model import Address, Secret

PREFIX = "syncer:"
PROJECT = f"{PREFIX}project"
ADDRESS = f"{PREFIX}address"
DESCRIPTION = f"{PREFIX}description"
DELETED = f"{PREFIX}deleted"
"""On what we deleted softly: `enabled` or `disabled`, as it is to be again."""
FIELDS = f"{PREFIX}fields"
"""The fields that are ours, where there is one for each key of a value."""
OURS = (PROJECT, ADDRESS, DESCRIPTION, DELETED, FIELDS)

# https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#custom_metadata; and both servers refuse what Go's
# unicode.IsPrint does not call printable, which is what Python's str.isprintable does not.
MAX_KEYS = 64
MAX_KEY = 128
MAX_TEXT = 512

Marks = dict[str, str | None]
"""Keys of the custom metadata to write; None takes one away."""

DESTROYED = "!destroyed"
"""Stands in a version whose value is gone."""

_ON, _OFF = "enabled", "disabled"


class Entry(NamedTuple):
    """What the metadata of one KV secret says."""

    version: str
    """The newest version, and when it was written: numbers start again after a purge. Empty where there is none."""
    hidden: bool
    """Whether readers are refused the newest version."""
    destroyed: bool
    """Whether its value is gone for good."""
    custom: Mapping[str, str]
    versions: Mapping[str, Json] = MappingProxyType({})
    """Each by its number, older ones too."""

    @classmethod
    def of(cls, data: Json, date: str | None) -> Entry:
        """Read the document of a server whose clock shows `date`. Raise LookupError, TypeError, ValueError for none."""
        current, custom = int(data["current_version"]), data["custom_metadata"] or {}
        if not current:
            return cls("", hidden=False, destroyed=False, custom=custom)
        newest = data["versions"].get(str(current))
        if newest is None or newest["destroyed"]:
            return cls(f"{current}{DESTROYED}", hidden=False, destroyed=True, custom=custom, versions=data["versions"])
        hidden = _is_over(newest["deletion_time"], date)
        token = f"{current}@{newest['created_time']}"
        return cls(token, hidden=hidden, destroyed=False, custom=custom, versions=data["versions"])

    @property
    def numbers(self) -> list[int]:
        """The versions that can be hidden: an older one may hold the same value as the newest."""
        return [int(name) for name, version in self.versions.items() if not version["destroyed"]]

    @property
    def owner(self) -> str | None:
        """The project that our mark names."""
        return self.custom.get(PROJECT)

    @property
    def deleted(self) -> bool:
        """Whether we deleted it softly, and nobody has brought it back since."""
        return DELETED in self.custom and (self.hidden or self.destroyed)

    @property
    def was_enabled(self) -> bool:
        """Whether readers had it when we deleted it."""
        return self.custom.get(DELETED) == _ON

    def observed(self, address: Address, remote_id: str) -> Observed:
        """Give what it means."""
        deleted = self.deleted
        return Observed(
            address=address,
            version=self.version,
            tags={key: text for key, text in self.custom.items() if not key.startswith(PREFIX)},
            enabled=self.was_enabled if deleted else not self.hidden,
            description=self.custom.get(DESCRIPTION, ""),
            owner=self.owner,
            remote_id=remote_id,
            deleted=deleted,
        )


def _is_over(deletion_time: str, date: str | None) -> bool:
    """Whether a version's time has come. One that is to expire (`delete_version_after`) has it in the future."""
    if not deletion_time:
        return False
    now = datetime.now(UTC)
    with suppress(TypeError, ValueError):
        now = parsedate_to_datetime(date or "").astimezone(UTC)
    # The header counts whole seconds, the entry parts of them.
    return deletion_time[:19] <= now.isoformat()[:19]


def number(version: str) -> int:
    """Give the number that the store counts by. Raise VersionConflict for what names none."""
    digits = version.partition("@")[0].removesuffix(DESTROYED)
    if not digits.isdecimal():
        message = "it is not known which version is there"
        raise VersionConflict(message, hint="plan again, with --refresh")
    return int(digits)


def token(document: Json) -> str:
    """Give the version that a write made, from its answer. Raise LookupError or TypeError for what is none."""
    return f"{document['data']['version']}@{document['data']['created_time']}"


def declared(secret: Secret, project: str) -> Marks:
    """Give the marks, the description and the tags of a secret that is wanted and not deleted."""
    marks = {PROJECT: project, ADDRESS: str(secret.address), DESCRIPTION: secret.description or None, DELETED: None}
    return {**marks, **secret.tags}


def deleted(*, enabled: bool) -> Marks:
    """Give the mark of what is deleted softly."""
    return {DELETED: _ON if enabled else _OFF}


def merged(custom: Mapping[str, str], wanted: Marks) -> dict[str, str]:
    """Give what is there once the marks are written."""
    return {key: text for key, text in {**custom, **wanted}.items() if text is not None}


def check(secret: Secret) -> None:
    """Raise Unsupported for what the custom metadata cannot hold."""
    address = secret.address
    if len(secret.tags) > MAX_KEYS - len(OURS):
        _refuse(address, f"holds at most {MAX_KEYS - len(OURS)} tags beside our own")
    for key, text in secret.tags.items():
        if key.startswith(PREFIX):
            _refuse(address, f"tag `{key}`: {PREFIX} is for our own marks")
        _check_text(address, f"name of the tag `{key}`", key, MAX_KEY)
        _check_text(address, f"tag `{key}`", text, MAX_TEXT)
    _check_text(address, "address", str(address), MAX_TEXT)
    if secret.description:
        _check_text(address, "description", secret.description, MAX_TEXT)


def _check_text(address: Address, what: str, text: str, most: int) -> None:
    if not 0 < len(text.encode(errors="replace")) <= most:
        _refuse(address, f"{what}: it is to have 1 to {most} bytes")
    if not text.isprintable():
        _refuse(address, f"{what}: it holds what cannot be printed, such as a line break")


def _refuse(address: Address, why: str) -> None:
    message = f"{address}: vault's metadata of a secret: {why}"
    raise Unsupported(message)
