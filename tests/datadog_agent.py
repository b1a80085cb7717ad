"""A Datadog Agent as far as secrets go: it runs an executable by the Agent's rules and judges what that says.

The rules are those of comp/core/secrets/impl and pkg/util/filesystem/rights_nix.go of DataDog/datadog-agent, told anew.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MIB = 1024 * 1024
NEWEST, DOCUMENTED = "1.1", "1.0"


class AgentError(Exception):
    """Why the Agent resolves none of the handles that it asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one call gave."""

    values: Mapping[str, str]
    errors: Mapping[str, str]
    """By handle why it has no value; the Agent drops what needs one."""
    raw: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """How one is set up, in the words of datadog.yaml."""

    secret_backend_command: Path
    secret_backend_arguments: Sequence[str] = ()
    secret_backend_timeout: int = 30
    secret_backend_output_max_size: int = MIB
    secret_backend_command_allow_group_exec_perm: bool = False
    environ: Mapping[str, str]
    version: str = NEWEST

    def check(self) -> None:
        """Refuse an executable that others could change or run. Raise AgentError."""
        path = self.secret_backend_command
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  # which follows links
        except OSError as error:
            message = f"invalid executable: {error.strerror}"
            raise AgentError(message) from None
        rights = stat.S_IWGRP | stat.S_IRWXO
        if not self.secret_backend_command_allow_group_exec_perm:
            rights |= stat.S_IRWXG
        if mode & rights:
            message = "invalid executable, 'group' or 'others' have rights on it"
            raise AgentError(message)
        if stat.S_ISDIR(mode) or not os.access(path, os.X_OK):
            message = "the Agent cannot execute it"
            raise AgentError(message)

    def request(self, handles: Sequence[str]) -> dict[str, Any]:
        """Give what the Agent writes: more than documented, since its version 1.1."""
        asked: dict[str, Any] = {"version": self.version, "secrets": list(handles)}
        if self.version != DOCUMENTED:
            asked |= {"secret_backend_timeout": self.secret_backend_timeout, "type": "", "config": {"a": [None]}}
        return asked

    def fetch(self, *handles: str) -> Fetched:
        """Ask for handles. Raise AgentError where that fails as a whole."""
        self.check()
        return self.send(json.dumps(self.request(handles)).encode(), handles)

    def send(self, raw: bytes, handles: Sequence[str] = ()) -> Fetched:
        """Run the executable on some bytes, and judge it."""
        command = [str(self.secret_backend_command), *self.secret_backend_arguments]
        try:
            ended = subprocess.run(
                command,
                input=raw,
                env=dict(self.environ),
                cwd="/",
                capture_output=True,
                timeout=self.secret_backend_timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            message = "timeout"
            raise AgentError(message) from None
        for name, written in (("stdout", ended.stdout), ("stderr", ended.stderr)):
            if len(written) > self.secret_backend_output_max_size:
                message = f"{name} was too long"
                raise AgentError(message)
        if ended.returncode != 0:
            message = f"exit status {ended.returncode}: {ended.stderr.decode()}"
            raise AgentError(message)
        return self._judged(ended.stdout, ended.stderr, handles)

    def _judged(self, stdout: bytes, stderr: bytes, handles: Sequence[str]) -> Fetched:
        entries = _entries(stdout)
        values: dict[str, str] = {}
        errors: dict[str, str] = {}
        for handle in handles:
            entry = entries.get(handle)
            if entry is None:
                errors[handle] = "secret handle was not resolved"
            elif entry.get("error"):
                errors[handle] = entry["error"]
            elif not entry.get("value"):
                errors[handle] = "resolved secret is empty"
            else:
                values[handle] = entry["value"]
        return Fetched(values=values, errors=errors, raw=stdout, stderr=stderr)


def _entries(stdout: bytes) -> dict[str, dict[str, Any]]:
    """Read a reply as Go reads it into a map of structs of two strings."""
    try:
        document = json.loads(stdout)
    except ValueError:
        message = "could not unmarshal the reply"
        raise AgentError(message) from None
    fits = isinstance(document, dict) and all(
        isinstance(entry, dict)
        and all(entry.get(name) is None or isinstance(entry[name], str) for name in ("value", "error"))
        for entry in document.values()
    )
    if not fits:
        message = "could not unmarshal the reply"
        raise AgentError(message)
    return document
