"""Where a scope is in Dagu: Global, a workspace, or a layer of runtime profiles; and which names it takes.

Rules of dagucloud/dagu 2.15: internal/secret/secret.go, internal/workspace, internal/profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import Unsupported

if TYPE_CHECKING:
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
    problem = scope_problem(address.scope) or _ref_problem(address)
    if problem is not None:
        message = f"{address}: {problem}"
        raise Unsupported(message)


def scope_problem(scope: str) -> str | None:
    """Say why a scope can be neither a workspace nor a layer that holds secrets; None where it can."""
    if is_layer(scope):
        found = Layer.of(scope)
        inherited = found.name == _OF_ALL or (found.workspace is not None and _is_workspace(found.workspace))
        if inherited or _PROFILE.fullmatch(found.name):
            return None
        rule = "small letters, digits and `-` where it is to hold secrets; or _global, or _workspaces/<name>"
        return f"a runtime profile's name is {rule}"
    if scope == GLOBAL or _is_workspace(scope):
        return None
    return "a workspace has 1 to 64 letters, digits, `_` and `-`, and is not all, default or global"


def _ref_problem(address: Address) -> str | None:
    scope, ref = address
    if is_layer(scope):
        if _KEY.fullmatch(ref) and not ref.startswith("DAGU_"):
            return None
        return "in a runtime profile, a ref is the name of a variable, at most 255 long and not DAGU_..."
    if not _REF.fullmatch(ref):
        return "a ref in dagu is small letters, digits and `-`, in parts joined by `/`"
    if scope == GLOBAL and ref.startswith(OF_PROFILES):
        return "such refs in Global belong to runtime profiles; use a scope `profile/<name>`"
    return None


def _is_workspace(name: str) -> bool:
    return bool(_WORKSPACE.fullmatch(name)) and name.lower() not in _RESERVED


def _hex(text: str) -> str:
    return text.encode().hex()
