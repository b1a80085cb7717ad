"""The nouns of the tool: addresses, declared secrets, what is desired and what is observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.rules import Rule
    from syncer.sensitive import Sensitive

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def bulk(cls: type[T]) -> type[T]:
    """Make a frozen dataclass of which there are tens of thousands: the type checker keeps it frozen, not Python.

    Python's own way to freeze makes each field several times as slow to set; a plan would take a tenth longer.
    """
    return dataclass(slots=True, kw_only=True)(cls)


DEFAULT_BACKEND = "default"
"""The name of the backend that stands under `backend:`."""


class Address(NamedTuple):
    """`scope:ref`, the key of everything. A tuple, because plans hash and sort tens of thousands of them."""

    scope: str
    ref: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.ref}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `scope:ref`. Raise ValueError without a colon or with an empty half."""
        scope, colon, ref = text.partition(":")
        if not (scope and colon and ref):
            message = "an address is written scope:ref"
            raise ValueError(message)
        return cls(scope, ref)


class OnRemove(StrEnum):
    """What becomes of a secret that leaves the manifest."""

    DISABLE = "disable"
    DELETE = "delete"
    FORGET = "forget"


class Origin(NamedTuple):
    """Where in the manifest something stands; `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When a value is due for a new version."""

    every: timedelta | None = None
    """Age at which a rotation is due."""
    warn: timedelta | None = None
    """How long before that a plan starts to warn."""
    version: int = 0
    """Raise it to ask for a rotation in a commit."""


NO_ROTATION = Rotation()


@bulk
class SourceSpec:
    """A source as declared: its type, its argument and its options. Never a value."""

    type: str
    """The one key that names the source: `env`, `file`, `command`, `generate`, `sealed`, or an entry point's name."""
    argument: Any
    """What stands under that key, as YAML gives it."""
    options: Mapping[str, Any]
    """The keys beside it, `decode` among them."""
    folder: Path
    """The folder of the file that declares it: relative paths start there."""


@bulk
class Secret:
    """One declared entry: a source and metadata, never a value."""

    address: Address
    source: SourceSpec
    tags: Mapping[str, str]
    enabled: bool
    description: str
    """Empty where the manifest says nothing."""
    rotate: Rotation
    on_remove: OnRemove
    backend: str
    """The name of the backend that holds it."""
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one application may read of a scope, by Dapr's rules: pkg/config/configuration.go of dapr/dapr."""

    default_allow: bool = True
    allowed: tuple[str, ...] = ()
    """Refs; where there is one, exactly these may be read, whatever else is said."""
    denied: tuple[str, ...] = ()

    def allows(self, ref: str) -> bool:
        """Whether it may read a ref."""
        if self.allowed:
            return ref in self.allowed
        return self.default_allow and ref not in self.denied


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """How long readers that live long keep values, in memory."""

    enabled: bool = False
    maximum_size: int = 1000
    """Values."""
    expire_after_write: timedelta = timedelta(seconds=60)
    """Age at which a value is read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A named space of secrets."""

    name: str
    description: str = ""
    fallback: str | None = None
    """Where consumers look next; never changes what is written."""
    backend: str = DEFAULT_BACKEND
    """The name of the backend that holds its secrets."""
    readers: Mapping[str, Access] = field(default_factory=dict)
    """By application id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """A backend as declared: its type and the options that stand beside it."""

    name: str
    type: str
    options: Mapping[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpec:
    """Where the state lives."""

    type: str = "file"
    path: str = ".syncer/state.json"
    """Of the file; relative to the manifest's folder, or to the root of the branch."""
    branch: str = ""
    remote: str = ""
    """The name of a remote of the repository that holds the manifest, or an address."""

    @property
    def in_branch(self) -> bool:
        """Whether it is in a branch of a git repository, and not in a file."""
        return self.branch != ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A `moved:` entry: the secret at `source` is from now on called `target`."""

    source: Address
    target: Address
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything the manifest says, merged from all its files and checked."""

    path: Path
    project: str
    backends: Mapping[str, BackendSpec]
    state: StateSpec
    scopes: Mapping[str, Scope]
    secrets: Mapping[Address, Secret]
    moved: tuple[Move, ...] = ()
    removed: Mapping[Address, OnRemove] = field(default_factory=dict)
    removed_at: Mapping[Address, Origin] = field(default_factory=dict)
    """Where each of those stands."""
    policy: tuple[Rule, ...] = ()
    """Its own rules, then those that a run was given beside it."""
    cache: CacheSpec = CacheSpec()
    digest: str
    """SHA-256 over names and contents of all its files, a policy that it names among them: they hold no value."""

    @property
    def origins(self) -> dict[Address, Origin]:
        """Where each secret is declared."""
        return {address: secret.origin for address, secret in self.secrets.items()}

    @property
    def folder(self) -> Path:
        """The folder of the manifest: state, key and relative paths start there."""
        return self.path.parent


class Fingerprint(str):
    """HMAC-SHA-256 of a value under the project key, salted so that equal values at two addresses differ.

    Written `hmac:<salt>:<mac>`, 16 and 64 hexadecimal digits. A string, because a plan compares ten thousand.
    """

    __slots__ = ()

    @classmethod
    def of(cls, salt: str, mac: str) -> Fingerprint:
        """Put one together."""
        return cls(f"hmac:{salt}:{mac}")

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Read the form that it is written in. Raise ValueError for anything else."""
        if len(text) != _FINGERPRINT_LENGTH or text[:5] != "hmac:" or text[21] != ":":
            message = "not a fingerprint"
            raise ValueError(message)
        return cls(text)

    @property
    def salt(self) -> str:
        """What was hashed with the value; it stays with the secret."""
        return self[5:21]

    @property
    def short(self) -> str:
        """The form for people: enough to see that it moved."""
        return f"hmac:{self[22:30]}"


_FINGERPRINT_LENGTH = len("hmac:") + 16 + len(":") + 64


@bulk
class Desired:
    """What the manifest wants of one address, resolved for this run only."""

    secret: Secret
    value: Sensitive | None = None
    """None for what is made at apply, and where values are skipped."""
    fingerprint: Fingerprint | None = None
    """Of `value`, under the salt of the record where there is one."""
    source_digest: str = ""
    """Of the declaration, `type:hash`; empty where `fingerprint` says more."""
    made_at_apply: bool = False
    """The source makes another value each time; it is asked once for each write."""


@bulk
class Observed:
    """What a backend says of one address now: metadata only."""

    address: Address
    version: str
    """Opaque; moves if and only if the VALUE moves."""
    tags: Mapping[str, str]
    """Without the marks that `syncer` keeps for itself."""
    enabled: bool
    description: str | None
    """None where the backend holds no description."""
    owner: str | None
    """The project that the backend's mark names; None for a secret that nobody marked."""
    remote_id: str = ""
    """What the backend calls it, unlike any other secret in any other store: two backends may be one store."""
    deleted: bool = False
    """Pending deletion: the name is taken and the value can be restored."""
