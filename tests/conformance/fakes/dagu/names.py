"""How things may be called; must be refused in the server's own words."""

from __future__ import annotations

import json
import re

from conformance.fakes.dagu.replies import Refused, bad

GLOBAL = "global"
REF = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*")
WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")
PROFILE = re.compile(r"[a-z0-9][a-z0-9._-]*")
PROFILE_LENGTH = 128
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({"all", "default", GLOBAL})
RULE = "must contain only letters, numbers, underscores, and hyphens"


def quoted(name: str) -> str:
    """Quote as Go's `%q` does, near enough."""
    return json.dumps(name, ensure_ascii=False)


def check_ref(ref: str) -> None:
    """Refuse what is no ref; none is too long."""
    if not REF.fullmatch(ref):
        raise Refused(bad("invalid secret ref: must be a slash-separated lowercase slug ref"))


def workspace_fault(name: str) -> str:
    """Say what is wrong with the name of a workspace; nothing if it may be one, however long."""
    if name.lower() in RESERVED:
        return "invalid workspace name: all, default, and global are reserved names"
    if not WORKSPACE.fullmatch(name):
        return f"invalid workspace name: {RULE}" if name else "invalid workspace name"
    return ""


def scope(named: str | None, *, prefix: str = "") -> str:
    """Give the scope of secrets that a request names: Global where it names none; `prefix` begins the error."""
    name = (named or "").strip()
    if name in {"", GLOBAL}:
        return GLOBAL
    faults = {
        "default": "workspace cannot be default for secrets; use global",
        "all": "workspace cannot be all",
    }
    fault = faults.get(name) or workspace_fault(name)
    if fault:
        raise Refused(bad(prefix + fault))
    return name


def check_profile(name: str) -> None:
    """Refuse what is no name of a profile."""
    if len(name) > PROFILE_LENGTH or not PROFILE.fullmatch(name):
        raise Refused(bad(f"invalid profile name: {quoted(name)}"))


def check_key(key: str) -> None:
    """Refuse what is no key of an entry."""
    if not KEY.fullmatch(key):
        raise Refused(bad(f"invalid profile key: {quoted(key)}"))
    if key.startswith("DAGU_"):
        raise Refused(bad(f"profile key is reserved: {quoted(key)}"))
