"""Handles: how configuration files of other programs name a secret, and where the name leads. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple

from syncer.errors import InvalidConfiguration
from syncer.model import Address

_CHARACTERS = 4096
_NAME_CHARACTERS = 512
_FILE, _CLUSTER = "file@", "k8s_secret@"

# As schemas/manifest.schema.json has it, for scopes and refs alike. To load that would take longer than all handles.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAMESPACE = re.compile(rf"(?=.{{1,63}}\Z){_LABEL}")
OBJECT = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_DATA_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")


class File(NamedTuple):
    """A file below a folder that the user has named."""

    path: str


class ClusterKey(NamedTuple):
    """One key of a Secret of the Kubernetes cluster around us."""

    namespace: str
    name: str
    key: str


Place = Address | File | ClusterKey
"""Where a handle leads."""


class Handle(NamedTuple):
    """A place, and which part of the value there is meant."""

    place: Place
    field: str = ""
    """A dotted path into the value, which is JSON then; empty for all of it."""


def parse(text: str, scope: str) -> Handle:
    """Read `scope:ref`, `ref` in `scope`, either with `;field`; `file@path`, `k8s_secret@namespace/name/key`.

    Raise InvalidConfiguration, which never repeats the handle: somebody may have put a value there.
    """
    if len(text) > _CHARACTERS:
        message = f"a handle has at most {_CHARACTERS} characters"
        raise InvalidConfiguration(message)
    if text.startswith(_FILE):
        return Handle(File(text.removeprefix(_FILE)))
    if text.startswith(_CLUSTER):
        return Handle(_cluster_key(text.removeprefix(_CLUSTER)))
    name, semicolon, field = text.partition(";")
    if "@" in name:
        message = f"there is no such provider: {_FILE} and {_CLUSTER} are known"
        raise InvalidConfiguration(message)
    if semicolon and not field:
        message = "after the `;` stands no key"
        raise InvalidConfiguration(message)
    return Handle(address(name, scope), field)


def address(name: str, scope: str) -> Address:
    """Read `scope:ref`, or `ref` in `scope`. Raise InvalidConfiguration."""
    before, colon, after = name.partition(":")
    return checked(Address(before, after) if colon else Address(scope, name))


def checked(found: Address) -> Address:
    """Give an address as it is. Raise InvalidConfiguration for one that no manifest can hold."""
    if not all(len(part) <= _NAME_CHARACTERS and NAME.fullmatch(part) for part in found):
        message = "this is no handle: one is written scope:ref, or ref alone, and may go on with ;key"
        raise InvalidConfiguration(message)
    return found


def _cluster_key(text: str) -> ClusterKey:
    parts = text.split("/")
    rules = (_NAMESPACE, OBJECT, _DATA_KEY)
    if len(parts) != len(rules) or not all(rule.fullmatch(part) for rule, part in zip(rules, parts, strict=True)):
        message = f"such a handle is written {_CLUSTER}namespace/name/key"
        raise InvalidConfiguration(message)
    return ClusterKey(*parts)
