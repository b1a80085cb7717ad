"""How git is let in: by a token, or as the user's own git is; and that none of it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.loopback import Answer
from git_http import GitServer, basic, serving
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
SHOWN = basic("x-access-token", TOKEN)
BY_TOKEN = {**NO_PROXY, "SYNCER_GIT_TOKEN": TOKEN}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A remote that takes pushes over http."""
    made = Origin.made(tmp_path / "origin.git")
    made.git("config", "http.receivepack", "true")
    return made


@pytest.fixture
def server(origin: Origin) -> Iterator[GitServer]:
    """Serves it to who shows the token."""
    with serving(origin.path.parent, "x-access-token", TOKEN) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, origin: Origin, server: GitServer) -> Path:
    """A clone whose `origin` is there."""
    folder = origin.clone(tmp_path / "here")
    git("remote", "set-url", "origin", f"{server.url}/origin.git", cwd=folder)
    return folder


def test_a_token_lets_in_and_is_seen_nowhere(here: Path, origin: Origin, server: GitServer, tmp_path: Path) -> None:
    """It goes by the environment: into no argument, file, object or message."""
    recorder = Recorder(tmp_path / "bin")
    stored = state(here, environ={**BY_TOKEN, **recorder.environ})
    stored.write(SMALL)
    assert state(here, environ=BY_TOKEN).read() == SMALL
    assert set(server.shown) == {SHOWN}
    encoded = SHOWN.removeprefix("Basic ").encode()
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


def test_a_token_takes_the_place_of_what_was_there(here: Path, server: GitServer) -> None:
    """Two headers would be refused, and so would the password in an address."""
    git("config", f"http.{server.url}/.extraheader", "Authorization: Basic c3RhbGU=", cwd=here)
    address = f"{server.url}/origin.git".replace("http://", "http://gitlab-ci-token:stale@")
    git("remote", "set-url", "origin", address, cwd=here)
    state(here, environ=BY_TOKEN).write(SMALL)
    assert set(server.shown) == {SHOWN}


@pytest.mark.parametrize("way", ["header", "address", "helper", "includeIf", "variables"])
def test_what_lets_the_users_git_in_lets_us_in(here: Path, server: GitServer, tmp_path: Path, way: str) -> None:
    """A header as actions/checkout leaves it, also by way of an included file; an address with a token; a helper."""
    header = f"Authorization: {SHOWN}"
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
def test_what_servers_answer(here: Path, server: GitServer, status: int, kind: type[Exception], words: str) -> None:
    """Each in its words, after as many tries as make sense; no address with a token is shown."""
    address = server.url.replace("http://", f"http://x-access-token:{TOKEN}@")
    git("remote", "set-url", "origin", f"{address}/origin.git", cwd=here)
    server.status = status
    with pytest.raises(kind, match=words) as caught:
        state(here, environ=NO_PROXY).read()
    assert TOKEN not in str(caught.value)


def test_a_token_never_goes_over_plain_http(here: Path) -> None:
    """But on loopback, where nobody listens."""
    environ = {**BY_TOKEN, "SYNCER_GIT_HOST": "git.example.com"}
    with pytest.raises(InvalidConfiguration, match="SYNCER_GIT_TOKEN would go over plain http"):
        state(here, environ=environ, remote="http://git.example.com/state.git").read()


def test_a_token_is_not_for_whom_the_manifest_names(here: Path, origin: Origin) -> None:
    """Whoever proposes a manifest could have it sent to himself; the environment may name another host for it."""
    with serving(origin.path.parent, "x-access-token", TOKEN) as other:
        remote = f"{other.url}/origin.git"
        with pytest.raises(InvalidConfiguration, match=r"would be shown to 127.0.0.1:.* because the manifest says so"):
            state(here, environ=BY_TOKEN, remote=remote).read()
        assert other.shown == []
        told = {**BY_TOKEN, "SYNCER_GIT_HOST": other.url.removeprefix("http://")}
        state(here, environ=told, remote=remote).write(SMALL)
        assert set(other.shown) == {SHOWN}


def test_a_token_does_not_follow_where_an_address_leads(here: Path, origin: Origin, server: GitServer) -> None:
    """Git would show it to another host with its second call."""
    with serving(origin.path.parent, "nobody", TOKEN) as known:
        place = f"{server.url}/origin.git/info/refs?service=git-upload-pack"
        known.denial = Answer(status=302, headers=(("Location", place),))
        environ = {**BY_TOKEN, "SYNCER_GIT_HOST": known.url.removeprefix("http://")}
        with pytest.raises(StateError, match="302"):
            state(here, environ=environ, remote=f"{known.url}/origin.git").read()
    assert server.shown == []


@pytest.mark.parametrize(
    ("ours", "remote", "shown"),
    [
        ("https://git.example.com/shop.git", "https://git.example.com/state.git", True),
        ("https://ann@GIT.example.com:443/shop", "https://git.example.com/state.git", True),
        ("git@git.example.com:shop.git", "https://git.example.com/state.git", True),
        ("ssh://git@git.example.com:2222/shop.git", "https://git.example.com/state.git", True),
        ("https://git.example.com/shop.git", "https://git.example.com:8443/state.git", False),
        ("https://git.example.com/shop.git", "https://git.example.com.evil.example/state.git", False),
        ("https://git.example.com/shop.git", "https://git.example.com@evil.example/state.git", False),
        ("https://git.example.com/shop.git", "https://evil.example\\@git.example.com@evil.example/r", False),
        ("https://git.example.com/shop.git", "https://evil.example#@git.example.com/r.git", False),
        ("https://git.example.com/shop.git", "https::https://git.example.com/state.git", False),
        ("/srv/shop.git", "https://git.example.com/state.git", False),
        ("/srv/shop.git", "https:///state.git", False),
    ],
)
def test_whose_host_is_whose(here: Path, ours: str, remote: str, shown: bool) -> None:  # noqa: FBT001  # a table
    """A token is for the hosts of the remotes that the checkout has, however they are reached."""
    git("remote", "set-url", "origin", ours, cwd=here)
    try:
        told = settings({**BY_TOKEN}, here, remote).secrets
    except InvalidConfiguration:
        told = ()
    assert bool(told) is shown


def test_a_repository_in_the_checkout_is_not_ours(here: Path, tmp_path: Path) -> None:
    """Its settings could name programs and remotes, and they come with a commit."""
    folder = here / "east"
    git("init", "--quiet", "--bare", str(folder), cwd=here)
    git("config", "-f", str(folder / "config"), "remote.origin.url", "https://evil.example/", cwd=here)
    git("config", "-f", str(folder / "config"), "core.sshCommand", f"touch {tmp_path}/pwned", cwd=here)
    for environ in (BY_TOKEN, {**BY_TOKEN, "GIT_CONFIG_COUNT": "0"}):
        with pytest.raises(StateError, match="is in no git repository"):
            settings(environ, folder, "origin")
        told = settings(environ, folder, "ssh://git@host/r.git").environ
        assert not [text for text in told.values() if "pwned" in text or "evil" in text]
    with pytest.raises(StateError, match="the settings of git cannot be read"):
        settings({**BY_TOKEN, "GIT_CONFIG_COUNT": "many"}, here, "origin")


@pytest.mark.parametrize("way", ["config", "commondir", "link"])
def test_a_copy_that_came_with_the_checkout_is_not_used(here: Path, tmp_path: Path, way: str) -> None:
    """It is made anew: `.syncer/git` can be committed by whoever proposes a change."""
    planted, elsewhere = here / ".syncer/git/repository", tmp_path / "elsewhere"
    home = planted if way == "config" else elsewhere
    git("init", "--quiet", "--bare", str(home), cwd=here)
    git("config", "-f", str(home / "config"), "credential.helper", f"!touch {tmp_path}/pwned", cwd=here)
    if way == "commondir":
        git("init", "--quiet", "--bare", str(planted), cwd=here)
        (planted / "commondir").write_text(str(elsewhere))
    if way == "link":
        planted.parent.mkdir(parents=True)
        planted.symlink_to(elsewhere)
    with pytest.raises(AccessDenied):
        state(here, environ=NO_PROXY).read()
    assert not (tmp_path / "pwned").exists()
    state(here, environ=BY_TOKEN).write(SMALL)
    assert not planted.is_symlink()
    assert b"helper" not in (planted / "config").read_bytes()


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
