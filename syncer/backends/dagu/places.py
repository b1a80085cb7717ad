"""Where a scope is in Dagu: Global, a workspace, or a layer of runtime profiles; and which names it takes.

Rules of dagucloud/dagu 2.15: internal/secret/secret.go, internal/workspace, internal/profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import Unsupported

if TYPE_CHECKING:
    from typing import NoReturn

    from syncer.model import Address

GLOBAL = "global"
PROFILE = "profile/"
"""What the name of a scope begins with that is a layer of runtime profiles."""
OF_PROFILES = ("runtime-profiles/", "runtime-profile-defaults/")
"""Refs in Global that belong to layers, and are never taken for secrets of Global."""

_REF = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*")
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RESERVED = frozenset({"all", "default", GLOBAL})
# A profile's name may hold more, but becomes a part of refs, which may not.
_PROFILE = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_OF_ALL, _OF_WORKSPACE = "_global", "_workspaces/"


@dataclass(frozen=True, slots=True)
class Layer:
    """A runtime profile, or one of the layers that every run inherits: `_global`, `_workspaces/payments`."""

    name: str

    @classmethod
    def of(cls, scope: str) -> Layer:
        """Give the layer that a scope `profile/...` is."""
        return cls(scope.removeprefix(PROFILE))

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/profiles/{self.name}"

    @property
    def inherited(self) -> bool:
        """Whether it is one that is there as soon as something is written to it."""
        return self.name.startswith("_")

    @property
    def workspace(self) -> str | None:
        """The workspace whose runs inherit it; None for a profile, and for what all runs inherit."""
        return self.name.removeprefix(_OF_WORKSPACE) if self.name.startswith(_OF_WORKSPACE) else None

    def ref(self, key: str) -> str:
        """Give the ref under which Dagu keeps the value of an entry, in Global."""
        if not self.inherited:
            return f"{OF_PROFILES[0]}{self.name}/key-{_hex(key)}"
        of = GLOBAL if self.workspace is None else f"workspaces/{_hex(self.workspace)}"
        return f"{OF_PROFILES[1]}{of}/key-{_hex(key)}"


def is_layer(scope: str) -> bool:
    """Whether a scope is a layer of runtime profiles, and neither Global nor a workspace."""
    return scope.startswith(PROFILE)


def workspace(scope: str) -> str | None:
    """Give the workspace that a scope is; None for Global."""
    return None if scope == GLOBAL else scope


def check(address: Address) -> None:
    """Raise Unsupported for an address that Dagu cannot hold, with the rule."""
    if is_layer(address.scope):
        _check_layer(address, Layer.of(address.scope))
        return
    if address.scope != GLOBAL and not _is_workspace(address.scope):
        _refuse(address, "a workspace has 1 to 64 letters, digits, `_` and `-`, and is not all, default or global")
    if not _REF.fullmatch(address.ref):
        _refuse(address, "a ref in dagu is small letters, digits and `-`, in parts joined by `/`")
    if address.scope == GLOBAL and address.ref.startswith(OF_PROFILES):
        _refuse(address, "such refs in Global belong to runtime profiles; use a scope `profile/<name>`")


def _check_layer(address: Address, found: Layer) -> None:
    inherited = found.name == _OF_ALL or (found.workspace is not None and _is_workspace(found.workspace))
    if not (inherited or _PROFILE.fullmatch(found.name)):
        rule = "small letters, digits and `-` where it is to hold secrets; or _global, or _workspaces/<name>"
        _refuse(address, f"a runtime profile's name is {rule}")
    if not _KEY.fullmatch(address.ref) or address.ref.startswith("DAGU_"):
        _refuse(address, "in a runtime profile, a ref is the name of a variable, at most 255 long and not DAGU_...")


def _is_workspace(name: str) -> bool:
    return bool(_WORKSPACE.fullmatch(name)) and name.lower() not in _RESERVED


def _hex(text: str) -> str:
    return text.encode().hex()


def _refuse(address: Address, rule: str) -> NoReturn:
    message = f"{address}: {rule}"
    raise Unsupported(message)
