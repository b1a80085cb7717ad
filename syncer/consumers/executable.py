"""What the Datadog Agent would say of an executable on Linux, before it runs it.

The rules are those of pkg/util/filesystem/rights_nix.go of DataDog/datadog-agent: the owner is not compared.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BY_OTHERS_WITH_GROUP = stat.S_IWGRP | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """What was found out about a file, links followed."""

    facts: str = ""
    """Its mode, its owner and its group; empty where there is no such file."""
    refusals: tuple[str, ...] = ()
    """Why the Agent would not run it."""


def examine(path: Path, *, group: bool) -> Executable:
    """Look at an executable; `group` stands for `secret_backend_command_allow_group_exec_perm`."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        return Executable(refusals=(f"it cannot be looked at: {reason.lower()}",))
    mode = stat.S_IMODE(found.st_mode)
    facts = f"mode {mode:04o}, owner {user(found.st_uid)}, group {_group(found.st_gid)}"
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        return Executable(facts=facts, refusals=(f"it is {what}",))
    refusals = [_rights(mode, group=group)]
    if not os.access(path, os.X_OK):
        refusals.append(f"{user(os.getuid())}, who asks, may not run it")
    return Executable(facts=facts, refusals=tuple(filter(None, refusals)))


def _rights(mode: int, *, group: bool) -> str:
    if not group and mode & _BY_OTHERS:
        more = "; 0750 is fine with secret_backend_command_allow_group_exec_perm" if not mode & stat.S_IRWXO else ""
        return f"its group or others have rights on it: chmod 700{more}"
    if group and mode & _BY_OTHERS_WITH_GROUP:
        return "its group may write it, or others have rights on it: chmod 750"
    return ""


def user(number: int) -> str:
    """Name a user, by number where nobody knows the name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
