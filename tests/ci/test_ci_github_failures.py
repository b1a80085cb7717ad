"""What goes wrong between us and GitHub: limits, faults, and what must never be seen."""

from __future__ import annotations

import logging
import socket
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from ci_platforms import ARTIFACT, BODY, CANARY, MARKER, Waits, errors_of, everything_of, on_github, on_gitlab
from conformance.fakes.certificates import Authority
from conformance.fakes.forge import Fault
from conformance.fakes.github import refusals
from conformance.fakes.github.fake import FakeGithub
from conformance.fakes.gitlab.fake import FakeGitlab
from conformance.fakes.loopback import Answer
from conformance.fakes.secured import Tls

from syncer.ci import failures
from syncer.ci.detect import detect
from syncer.ci.failures import Asked, Site
from syncer.ci.github import api
from syncer.ci.platform import Pull
from syncer.errors import BackendError, InvalidConfiguration, SyncerError, Throttled, Transient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.fakes.forge import Forge

    from syncer.ci.platform import Platform


def test_a_limit_is_waited_for(github: FakeGithub) -> None:
    """Until it is lifted by the server's clock, which may be another than ours."""
    github.open_pull()
    waits = Waits(github)
    github.spoil("GET *", refusals.primary_limit(github.reset_in(90)))
    on_github(github, patience=waits.patience()).comment(1, MARKER, "one")
    assert [round(one) for one in waits.slept] == [91]


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("call", ["GET *", "POST *"])
def test_a_secondary_limit_is_waited_for(github: FakeGithub, status: int, call: str) -> None:
    """For as long as GitHub asks, or for the minute that it asks of everybody."""
    github.open_pull()
    waits = Waits(github)
    github.spoil(call, refusals.secondary_limit(7, status))
    github.spoil(call, refusals.secondary_limit(None, status))
    on_github(github, patience=waits.patience()).comment(1, MARKER, "one")
    assert waits.slept == [7.0, 60.0]
    assert len(github.comments(1)) == 1


def test_a_limit_without_an_end_is_a_minute(github: FakeGithub) -> None:
    """Nobody has told more."""
    github.open_pull()
    waits = Waits(github)
    github.spoil("GET *", Answer(status=403, headers=(("X-RateLimit-Remaining", "0"),)))
    on_github(github, patience=waits.patience()).comment(1, MARKER, "one")
    assert waits.slept == [60.0]


def test_a_limit_far_away_is_not_waited_for(github: FakeGithub) -> None:
    """A job that waits costs money: the error says how long it would have been."""
    github.open_pull()
    waits = Waits(github)
    github.spoil("GET *", refusals.primary_limit(github.reset_in(2400)), times=9)
    with pytest.raises(Throttled, match=r"asks for fewer calls \(403\), for 2401 s"):
        on_github(github, patience=waits.patience()).comment(1, MARKER, "one")
    assert waits.slept == []
    assert len(github.log) == 1


def test_the_library_does_not_wait_by_itself(github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor tries again: each fault is one call, and one pause of ours."""
    github.open_pull()
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("somebody sleeps"))
    waits = Waits(github)
    github.spoil("GET */comments", refusals.secondary_limit(0))
    github.spoil("GET */comments", refusals.UNAVAILABLE)
    github.spoil("GET */comments", Fault.DROP)
    on_github(github, patience=waits.patience(attempts=4)).comment(1, MARKER, "one")
    on_github(github, patience=waits.patience(attempts=4)).comment(1, MARKER, "two")
    assert len(waits.slept) == 3


def test_a_server_that_hangs_is_not_waited_for(github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has an end."""
    github.open_pull()
    monkeypatch.setattr(api, "_SECONDS", 1)
    github.spoil("GET *", Fault.HANG)
    with pytest.raises(Transient, match="timed out"):
        on_github(github, patience=Waits(github).patience(attempts=1)).comment(1, MARKER, "one")


@pytest.mark.parametrize("on", [on_github, on_gitlab])
def test_certificates_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: Callable[[Forge], Platform]
) -> None:
    """Those of an authority of one's own are trusted where the variable that all libraries know names it."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    kind = FakeGithub if on is on_github else FakeGitlab
    with kind(tls=Tls(certificate=certificate, key=key)) as forge:
        sha = forge.commit()
        with pytest.raises(InvalidConfiguration, match=r"the certificate of git.* is not trusted: ") as caught:
            on(forge).merged_pull(sha)
        assert caught.value.hint == "its authority's certificate goes into REQUESTS_CA_BUNDLE"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
        assert on(forge).merged_pull(sha) is None


def test_a_limit_is_measured_by_our_clock_where_the_server_has_none() -> None:
    """It says when it is lifted, and not what time it is."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    answer = failures.Answer(status=403, headers=headers, data=None)
    site = Site(name="github", url="https://api.github.com", token="GITHUB_TOKEN")
    error = failures.limited(answer, Asked(thing="a", right="b"), site, reset="x-ratelimit-reset")
    assert isinstance(error, Throttled)
    assert error.retry_after == 1.0


def test_a_server_that_is_not_there() -> None:
    """The error names it and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    environ = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": url, "GITHUB_TOKEN": CANARY}
    platform = detect(environ, "github")
    platform._patience.left = 0.0  # type: ignore[attr-defined]
    with pytest.raises(Transient, match=f"no answer from github at {url} .connection refused"):
        platform.close_issue(MARKER, "a")


@pytest.mark.parametrize(
    "answer",
    [
        refusals.LOGIN_PAGE,
        Answer(body=b"{"),
        Answer(body=b"7"),
        Answer(body=b"[7]"),
        Answer(body=b'[{"body": 7}]'),
        Answer(body=b'{"a": 1}'),
        Answer(status=301, headers=(("Location", "http://elsewhere.example.com/"),)),
        Answer(status=302, headers=(("Location", "http://elsewhere.example.com/"),), body=b"<a>Found</a>"),
    ],
)
def test_what_is_no_github_is_told(github: FakeGithub, answer: Answer) -> None:
    """A login page of a proxy, a redirection to somewhere else, an answer of another shape: nobody follows it."""
    github.open_pull()
    github.spoil("GET */comments", answer, times=9)
    with pytest.raises(SyncerError) as caught:
        on_github(github).comment(1, MARKER, "one")
    assert isinstance(caught.value, BackendError | InvalidConfiguration)
    assert not isinstance(caught.value, Transient)
    assert github.comments(1) == []


def test_the_next_page_of_another_host_is_not_asked_for(github: FakeGithub) -> None:
    """The token would go there."""
    github.open_pull()
    link = ("Link", '<http://elsewhere.example.com/page2>; rel="next"')
    github.spoil("GET */comments", Answer(headers=(link, ("Content-Type", "application/json")), body=b'[{"body": ""}]'))
    with pytest.raises(BackendError, match="cannot be read"):
        on_github(github).comment(1, MARKER, "one")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.example.com", "in the clear"),
        ("ftp://api.example.com", "must be an http or https URL"),
        ("https://user:pass@api.example.com", "must be an http or https URL"),
        ("", "must hold a token"),
    ],
)
def test_a_token_goes_nowhere_in_the_clear(url: str, why: str) -> None:
    """But to this machine."""
    environ = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": url, "GITHUB_TOKEN": CANARY if url else ""}
    with pytest.raises(InvalidConfiguration, match=why):
        detect(environ, "github").close_issue(MARKER, "a")


@pytest.mark.parametrize("token", [f"{CANARY}\n", f"{CANARY} x", f"{CANARY}\u20ac", "\udcff"])
def test_what_is_no_token_is_told_and_not_shown(github: FakeGithub, token: str) -> None:
    """A library would quote the header."""
    with pytest.raises(InvalidConfiguration, match="GITHUB_TOKEN: what it holds is no token") as caught:
        on_github(github, token=token).close_issue(MARKER, "a")
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_without_the_library_the_extra_is_named(github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no API works without."""
    for name in [name for name in sys.modules if name.startswith("syncer.ci.github.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "github", None)
    platform = on_github(github)
    assert platform.annotate("error", "m")
    with pytest.raises(InvalidConfiguration, match="github needs the package `github`") as caught:
        platform.comment(1, MARKER, "one")
    assert caught.value.hint == "in the repository of syncer: pip install '.[ci]'"


@pytest.mark.parametrize(
    "spoiler",
    [
        Fault.DROP,
        Fault.CUT,
        refusals.UNAVAILABLE,
        refusals.NOT_ACCESSIBLE.answer,
        refusals.BAD_CREDENTIALS.answer,
        None,
    ],
)
def test_the_token_is_never_seen(
    github: FakeGithub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], spoiler: Fault | None
) -> None:
    """Not in errors and what they came from, nor in logs or reprs; bodies are not logged either."""
    caplog.set_level(logging.DEBUG)
    token = github.token()
    issue = github.open_pull()
    platform = on_github(github, token=token)
    texts = [repr(platform), repr(platform.run), repr(vars(platform)["_patience"])]
    if spoiler:
        github.spoil("*", spoiler, times=99)
    assert issue.pull
    pull = Pull(number=1, sha=issue.pull.sha, url="", trusted=True)
    github.upload_artifact(ARTIFACT, BODY.encode(), sha=pull.sha)
    errors = errors_of(
        lambda: platform.comment(1, MARKER, BODY),
        lambda: platform.open_issue(MARKER, BODY, BODY),
        lambda: platform.merged_pull(pull.sha),
        lambda: platform.plan_artifact(pull, ARTIFACT),
    )
    out = capfd.readouterr()
    seen = "\n".join([*texts, *map(everything_of, errors), caplog.text, out.out, out.err])
    assert [error.__context__ for error in errors] == [None] * (0 if spoiler is None else 4)
    assert token not in seen
    assert BODY not in seen
    assert "sig=" not in seen
