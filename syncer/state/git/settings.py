"""What git is told by its environment: where the remote is, how to be let in, and nothing of a user's odd habits."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from syncer.errors import InvalidConfiguration, StateError
from syncer.rest.options import is_private
from syncer.state.git.failures import translated
from syncer.state.git.program import Git, GitFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE = "SYNCER_GIT_TOKEN"
USERNAME = "SYNCER_GIT_USERNAME"
HOST = "SYNCER_GIT_HOST"
"""Names a host that may see the token, besides those of the repository's own remotes."""
REMOTE = "syncer"
"""What we call the remote; its address is never an argument."""

_KEPT = ("GIT_SSH", "GIT_SSL", "GIT_HTTP_", "GIT_PROXY", "GIT_EXEC_PATH", "GIT_CONFIG_")
"""Variables of git's that say how to get there. Others say what a hook that runs us works on."""
_SETTINGS = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_CONFIG_PARAMETERS")
"""Variables whose settings are taken over one by one."""
_WAYS = re.compile(r"(credential|http|url|ssh|protocol)\..*|core\.(sshcommand|gitproxy)", re.DOTALL)
"""Settings of the user's repository that say how to get there."""
_ADDRESS = re.compile(r"remote\..*\.(push)?url", re.DOTALL)
_SCP = re.compile(r"(?:[^/]*@)?([^/:@]+):(?!//)")
"""`git@host:path`."""
_OF_REMOTE = ("url", "pushurl", "proxy", "proxyauthmethod", "uploadpack", "receivepack")
_EVERYWHERE = frozenset({"system", "global"})
"""Scopes that our own repository sees by itself."""

_QUIET = {
    "core.hooksPath": "/dev/null",
    "core.askPass": "",
    "core.fsmonitor": "false",
    "core.logAllRefUpdates": "false",
    "fastimport.unpackLimit": "100",
    "fetch.writeCommitGraph": "false",
    "fetch.unpackLimit": "100",
    "gc.auto": "0",
    "init.defaultObjectFormat": "sha1",
    "init.defaultRefFormat": "files",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.negotiate": "false",
    "push.pushOption": "",
    "push.recurseSubmodules": "no",
    "push.useForceIfIncludes": "false",
}
_NEAR = ("safe.bareRepository", "explicit")
"""A folder of a checkout can be a repository, whose settings somebody has proposed."""
_STAY = ("http.followRedirects", "false")
"""Where the first answer leads to another host, git shows the token there with its second call."""
_FIXED = {
    "GIT_ASKPASS": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS_REQUIRE": "never",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that git must be told to reach one remote."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    """Where an address that is a relative path starts."""
    shown: str
    """The remote, for people."""
    secrets: tuple[str, ...] = field(repr=False)
    """What must never be shown, should a server repeat it."""


def settings(environ: Mapping[str, str], folder: Path, remote: str) -> Settings:
    """Look up a remote from the folder of the manifest. Raise StateError, InvalidConfiguration."""
    plain = _plain(environ)
    near = Git(environ=_with(plain, _NEAR) | ({"GIT_DIR": os.devnull} if _is_planted(folder) else {}), folder=folder)
    config = _config(near)
    named = not _is_address(remote)
    facts = _of_remote(near, config, remote) if named else {"url": _absolute(remote, folder)}
    told = [(key, value) for scope, key, value in config if scope not in _EVERYWHERE and _WAYS.fullmatch(key)]
    token = environ.get(VARIABLE, "")
    header = ""
    if token and urlsplit(facts["url"]).scheme in ("http", "https"):
        if not named:
            _check_host(facts["url"], config, environ)
            told.append(_STAY)
        facts = {name: _without_userinfo(text) for name, text in facts.items()}
        header = base64.b64encode(f"{environ.get(USERNAME) or 'x-access-token'}:{token}".encode()).decode()
        told += _let_in(facts, header)
    told += [(f"remote.{REMOTE}.{name}", text) for name, text in facts.items()]
    here = _top(near, folder) if named and not _is_absolute(facts["url"]) else folder
    return Settings(
        environ={
            **{name: text for name, text in plain.items() if not name.startswith(_SETTINGS)},
            **_FIXED,
            **_as_variables([*told, *_QUIET.items()]),
        },
        folder=here,
        shown=f"remote `{remote}`" if named else _without_userinfo(remote),
        secrets=(token, header, *_passwords(facts.values())),
    )


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environ.items()
        if name.startswith(_KEPT) or not name.startswith(("GIT_", "SYNCER_", "SSH_ASKPASS"))
    }


def _is_planted(folder: Path) -> bool:
    """Whether git would take a folder of a checkout for a repository; before 2.38 it cannot be told not to."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return False
        if os.path.lexists(each / "HEAD") and any((each / name).exists() for name in ("objects", "commondir")):
            return True
    return False


def _with(environ: Mapping[str, str], setting: tuple[str, str]) -> dict[str, str]:
    """Add a setting to those that variables hold."""
    count = environ.get("GIT_CONFIG_COUNT") or "0"
    if not count.isdecimal():
        return {**environ}  # git says what is wrong with it
    key, value = setting
    return {
        **environ,
        "GIT_CONFIG_COUNT": str(int(count) + 1),
        f"GIT_CONFIG_KEY_{count}": key,
        f"GIT_CONFIG_VALUE_{count}": value,
    }


def _config(git: Git) -> list[tuple[str, str, str]]:
    """List scope, key and value of all settings as the user's own git has them in the manifest's folder."""
    try:
        listed = git.run("config", "--list", "--show-scope", "-z").decode("utf-8", "surrogateescape")
    except GitFailed as failure:
        said = failure.said
    else:
        scopes, entries = listed.split("\0")[::2], listed.split("\0")[1::2]
        return [(scope, *_entry(entry)) for scope, entry in zip(scopes, entries, strict=False)]
    raise translated(said, "the settings of git cannot be read")


def _entry(text: str) -> tuple[str, str]:
    key, newline, value = text.partition("\n")
    return key, value if newline else "true"


def _of_remote(git: Git, config: Iterable[tuple[str, str, str]], name: str) -> dict[str, str]:
    prefix = f"remote.{name}."
    facts: dict[str, str] = {}
    for _, key, value in config:
        if key.startswith(prefix) and key.removeprefix(prefix) in _OF_REMOTE:
            facts.setdefault(key.removeprefix(prefix), value)
    if "url" not in facts:
        _top(git, git.folder)
        message = f"the repository of the manifest has no remote `{name}`"
        raise StateError(message, hint="add one, or give its address: `state: {type: git, remote: https://...}`")
    return facts


def _top(git: Git, folder: Path) -> Path:
    """Find the top of the repository that holds the manifest, where git starts relative paths. Raise StateError."""
    try:
        top = git.run("rev-parse", "--show-toplevel")
    except GitFailed as failure:
        said = failure.said
    else:
        return Path(top.decode("utf-8", "surrogateescape").rstrip("\n"))
    if "not a git repository" in said:
        message = f"{folder} is in no git repository, so `state: {{remote: ...}}` cannot name a remote of it"
        raise StateError(message, hint="put the manifest into one, or give the address of a repository as the remote")
    raise translated(said, "the repository of the manifest cannot be read")


def _is_address(remote: str) -> bool:
    return ":" in remote or "/" in remote or remote.startswith(".")


def _is_absolute(url: str) -> bool:
    return url.startswith("/") or ":" in url.partition("/")[0]


def _absolute(url: str, folder: Path) -> str:
    return url if _is_absolute(url) else str((folder / url).resolve())


def _let_in(facts: Mapping[str, str], header: str) -> list[tuple[str, str]]:
    """Show the token at each address, and nothing that was to be shown there before: two headers are refused."""
    told = []
    for url in {facts["url"], facts.get("pushurl", facts["url"])}:
        if urlsplit(url).scheme not in ("http", "https"):
            continue
        if not is_private(url):
            message = f"{VARIABLE} would go over plain http"
            raise InvalidConfiguration(message, hint="give an https address of the remote")
        key = f"http.{url}.extraheader"
        told += [(key, ""), (key, f"Authorization: Basic {header}")]
    return told


def _check_host(url: str, config: Iterable[tuple[str, str, str]], environ: Mapping[str, str]) -> None:
    """Raise InvalidConfiguration for a host that the manifest alone names: whoever proposes one would get the token."""
    host = _host(url)
    known = {_host(value) for _, key, value in config if _ADDRESS.fullmatch(key)}
    if not host or host not in known | {environ.get(HOST, "").lower()}:
        message = f"{VARIABLE} would be shown to {host or 'an address'} because the manifest says so"
        hint = f"it is for the hosts of the repository's own remotes; {HOST} can name another"
        raise InvalidConfiguration(message, hint=hint)


def _host(url: str) -> str:
    """Give the host that an address names, with its port where that is not the usual one; empty for a path."""
    if found := _SCP.match(url):
        return found[1].lower()
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return (parts.hostname or "") if parts.scheme == "ssh" else host.removesuffix(":443")


def _without_userinfo(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else url


def _passwords(urls: Iterable[str]) -> list[str]:
    return [parts.password for parts in map(urlsplit, urls) if "@" in parts.netloc and parts.password]


def _as_variables(config: list[tuple[str, str]]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
