"""How git is let in: by a token, or as the user's own git is; and that none of it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_http import Server, serving
from git_samples import Origin, Recorder, git, state
from state_samples import SMALL

from syncer.errors import AccessDenied, InvalidConfiguration, StateError
from syncer.state.git.program import Git, GitFailed
from syncer.state.git.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "canary-token-4711"
NO_PROXY = {"no_proxy": "127.0.0.1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
BY_TOKEN = {**NO_PROXY, "SYNCER_GIT_TOKEN": TOKEN}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A remote that takes pushes over http."""
    made = Origin.made(tmp_path / "origin.git")
    made.git("config", "http.receivepack", "true")
    return made


@pytest.fixture
def server(origin: Origin) -> Iterator[Server]:
    """Serves it to who shows the token."""
    with serving(origin.path.parent, "x-access-token", TOKEN) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, origin: Origin, server: Server) -> Path:
    """A clone whose `origin` is there."""
    folder = origin.clone(tmp_path / "here")
    git("remote", "set-url", "origin", f"{server.url}/origin.git", cwd=folder)
    return folder


def test_a_token_lets_in_and_is_seen_nowhere(here: Path, origin: Origin, server: Server, tmp_path: Path) -> None:
    """It goes by the environment: into no argument, file, object or message."""
    recorder = Recorder(tmp_path / "bin")
    stored = state(here, environ={**BY_TOKEN, **recorder.environ})
    stored.write(SMALL)
    assert state(here, environ=BY_TOKEN).read() == SMALL
    assert set(server.shown) == {server.expected}
    encoded = server.expected.removeprefix("Basic ").encode()
    assert all(TOKEN not in call and encoded.decode() not in call for call in recorder.taken())
    kept = b"".join(path.read_bytes() for path in here.rglob("*") if path.is_file())
    for text in (TOKEN.encode(), encoded):
        assert text not in kept + origin.everything()
    assert TOKEN not in repr(settings({**BY_TOKEN}, here, "origin"))


def test_another_user_for_the_token(here: Path, origin: Origin) -> None:
    """As GitLab wants for deploy tokens."""
    with serving(origin.path.parent, "deploy", TOKEN) as server:
        git("remote", "set-url", "origin", f"{server.url}/origin.git", cwd=here)
        state(here, environ={**BY_TOKEN, "SYNCER_GIT_USERNAME": "deploy"}).write(SMALL)


def test_a_token_takes_the_place_of_what_was_there(here: Path, server: Server) -> None:
    """Two headers would be refused, and so would the password in an address."""
    git("config", f"http.{server.url}/.extraheader", "Authorization: Basic c3RhbGU=", cwd=here)
    address = f"{server.url}/origin.git".replace("http://", "http://gitlab-ci-token:stale@")
    git("remote", "set-url", "origin", address, cwd=here)
    state(here, environ=BY_TOKEN).write(SMALL)
    assert set(server.shown) == {server.expected}


@pytest.mark.parametrize("way", ["header", "address", "helper", "includeIf", "variables"])
def test_what_lets_the_users_git_in_lets_us_in(here: Path, server: Server, tmp_path: Path, way: str) -> None:
    """A header as actions/checkout leaves it, also by way of an included file; an address with a token; a helper."""
    header = f"Authorization: {server.expected}"
    environ = dict(NO_PROXY)
    if way == "header":
        git("config", f"http.{server.url}/.extraheader", header, cwd=here)
    elif way == "address":
        address = server.url.replace("http://", f"http://x-access-token:{TOKEN}@")
        git("remote", "set-url", "origin", f"{address}/origin.git", cwd=here)
    elif way == "helper":
        git(
            "config",
            "credential.helper",
            f"!f() {{ echo username=x-access-token; echo password={TOKEN}; }}; f",
            cwd=here,
        )
    elif way == "includeIf":
        (tmp_path / "included").write_text(f'[http "{server.url}/"]\nextraheader = "{header}"\n')
        git("config", f"includeIf.gitdir:{here}/.git.path", str(tmp_path / "included"), cwd=here)
    else:
        key = f"http.{server.url}/.extraheader"
        environ |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": header}
    recorder = Recorder(tmp_path / "bin")
    state(here, environ={**environ, **recorder.environ}).write(SMALL)
    assert state(here, environ=environ).read() == SMALL
    assert all(TOKEN not in call for call in recorder.taken())


@pytest.mark.parametrize("environ", [{}, {"SYNCER_GIT_TOKEN": "wrong"}])
def test_who_is_not_let_in_is_not_asked(here: Path, environ: dict[str, str]) -> None:
    """Exit 4, with the ways to be let in; nothing is prompted for."""
    stored = state(here, environ={**NO_PROXY, "GIT_ASKPASS": "/nonexistent", **environ})
    for attempt in (stored.read, lambda: stored.exists):
        with pytest.raises(AccessDenied, match="remote `origin` cannot be read: access denied") as caught:
            attempt()
        assert caught.value.exit_code == 4
        assert "SYNCER_GIT_TOKEN" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, AccessDenied, "access denied"),
        (404, StateError, "there is no such repository"),
        (429, StateError, "the server asks for patience"),
        (503, StateError, "503"),
    ],
)
def test_what_servers_answer(here: Path, server: Server, status: int, kind: type[Exception], words: str) -> None:
    """Each in its words, after as many tries as make sense; no address with a token is shown."""
    address = server.url.replace("http://", f"http://x-access-token:{TOKEN}@")
    git("remote", "set-url", "origin", f"{address}/origin.git", cwd=here)
    server.status = status
    with pytest.raises(kind, match=words) as caught:
        state(here, environ=NO_PROXY).read()
    assert TOKEN not in str(caught.value)


def test_a_token_never_goes_over_plain_http(here: Path) -> None:
    """But on loopback, where nobody listens."""
    with pytest.raises(InvalidConfiguration, match="SYNCER_GIT_TOKEN would go over plain http"):
        state(here, environ=BY_TOKEN, remote="http://git.example.com/state.git").read()


@pytest.mark.parametrize("remote", ["ssh://git@host/r.git", "git@host:r.git", "/srv/r.git"])
def test_a_token_is_for_http_only(here: Path, remote: str) -> None:
    """Other ways have keys of their own."""
    environ = settings({**BY_TOKEN}, here, remote).environ
    assert not [name for name, text in environ.items() if "extraheader" in text or TOKEN in text]


def test_git_sees_no_key_of_ours_and_asks_nobody(here: Path) -> None:
    """Nor what a hook that runs us works on."""
    given = {"SYNCER_KEY": "k", "GIT_DIR": "/d", "GIT_WORK_TREE": "/w", "SSH_ASKPASS": "/a", "GIT_TRACE_CURL": "1"}
    told = settings({**BY_TOKEN, **given}, here, "git@host:r.git").environ
    assert not told.keys() & {*given, "SYNCER_GIT_TOKEN"}
    assert (told["GIT_TERMINAL_PROMPT"], told["GIT_ASKPASS"], told["LC_ALL"]) == ("0", "", "C")


def test_an_address_is_shown_without_its_user(here: Path) -> None:
    """In errors."""
    assert settings(NO_PROXY, here, "https://ann@git.example.com/r.git").shown == "https://git.example.com/r.git"


def test_the_push_address_of_a_remote_counts(here: Path, origin: Origin, tmp_path: Path) -> None:
    """Read from one, written to the other."""
    git("remote", "set-url", "origin", str(origin.path), cwd=here)
    other = Origin.made(tmp_path / "other.git")
    git("remote", "set-url", "--push", "origin", str(other.path), cwd=here)
    state(here).write(SMALL)
    assert (origin.tip(), bool(other.tip())) == ("", True)


# The program.


def test_a_call_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Whatever it does about it."""
    (tmp_path / "git").write_text("#!/bin/sh\ntrap '' TERM\ntail -f /dev/null\n")
    (tmp_path / "git").chmod(0o755)
    runner = Git(environ={"PATH": f"{tmp_path}:/usr/bin:/bin"}, folder=tmp_path)
    with pytest.raises(GitFailed) as caught:
        runner.run("fetch", timeout=0.1)
    assert caught.value.said == "timed out"


def test_settings_that_cannot_be_read_are_an_error(here: Path) -> None:
    """Somebody broke the configuration of the repository."""
    (here / ".git/config").write_text("[broken\n")
    with pytest.raises(StateError, match="the settings of git cannot be read: bad config line 1"):
        state(here).read()
