"""What git says, turned into our errors; nothing of an address's password or a token comes through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncer.errors import AccessDenied, StateError, SyncerError, Throttled, Transient
from syncer.state.git.program import NEEDED, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

_DENIED = (
    r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied"
    r"|returned error: 40[13]|Access denied|Invalid username or password|not allowed to (push|upload)"
    r"|Write access to repository not granted|Permission to \S+ denied|could not be authenticated"
)
_TRANSIENT = (
    rf"{TIMED_OUT}|Could not resolve|Connection (refused|reset|closed|timed out)|Failed to connect|early EOF"
    r"|Network is unreachable|unexpected disconnect|RPC failed|returned error: (408|5\d\d)|hung up unexpectedly"
    r"|Recv failure|Empty reply|No route to host|Broken pipe|kex_exchange|handshake|transfer closed"
    r"|\(stale info\)|cannot lock ref|failed to update ref|unable to create .*\.lock"
)
_ANSWERS: tuple[tuple[str, type[SyncerError], str, str | None], ...] = (
    (r"returned error: 429|\brate limit", Throttled, "the server asks for patience", None),
    # Before the others: what follows a denial says that nothing could be read.
    (
        _DENIED,
        AccessDenied,
        "access denied",
        "git must be let in without a question: by a credential helper, an SSH key, or SYNCER_GIT_TOKEN",
    ),
    (
        "Host key verification failed",
        StateError,
        "the key of its host is not known",
        "put it into known_hosts first",
    ),
    # What is too old for our options, and what for our settings, where it has never heard of our remote.
    (
        r"(?m:^)error: unknown option|'syncer' does not appear to be a git repository",
        StateError,
        "this git is too old",
        NEEDED,
    ),
    (
        "dubious ownership",
        StateError,
        "the repository belongs to another user",
        "tell git that it is safe: `git config --global --add safe.directory ...`",
    ),
    (
        "Repository not found|not appear to be a git repository|returned error: 404|repository '.*' not found",
        StateError,
        "there is no such repository",
        "check `state: {remote: ...}`; a server may also say so where it lets nobody in",
    ),
    (
        _TRANSIENT,
        Transient,
        "",
        None,
    ),
)
"""What git and servers say, what it is to us, in which words, and the next step."""

_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_REASON = re.compile(
    r"^(?:remote: (?:error: |fatal: )?|fatal: |error: )(.*\S)|\[(?:remote )?rejected\] \((.*)\)$", re.MULTILINE
)
_SHOWN = 200


def translated(said: str, doing: str, secrets: Iterable[str] = ()) -> SyncerError:
    """Give the error for a call that failed; `doing` says what could not be done, as a clause."""
    for pattern, kind, cause, hint in _ANSWERS:
        if re.search(pattern, said, re.IGNORECASE):
            return kind(f"{doing}: {cause or _reason(said, secrets) or 'no answer'}", hint=hint)
    return StateError(f"{doing}: {_reason(said, secrets) or 'git failed'}")


def _reason(said: str, secrets: Iterable[str]) -> str:
    """Give the first line that tells, without control characters, passwords and tokens."""
    if said == TIMED_OUT:
        return "it took too long"
    found = [one or other for one, other in _REASON.findall(said)]
    text = _USERINFO.sub("", found[0] if found else "")
    for secret in filter(None, secrets):
        text = text.replace(secret, "[redacted]")
    return "".join(c for c in text if c.isprintable())[:_SHOWN]
