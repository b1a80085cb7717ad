"""What goes wrong between us and GitLab: tokens, limits, faults, and what must never be seen."""

from __future__ import annotations

import logging
import socket
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from ci_platforms import ARTIFACT, BODY, CANARY, MARKER, Waits, errors_of, everything_of, on_gitlab
from conformance.fakes.forge import Fault
from conformance.fakes.gitlab import refusals
from conformance.fakes.loopback import Answer

from syncer.ci.detect import detect
from syncer.ci.gitlab import api
from syncer.ci.platform import Pull
from syncer.errors import AccessDenied, BackendError, InvalidConfiguration, SyncerError, Throttled, Transient

if TYPE_CHECKING:
    from conformance.fakes.gitlab.fake import FakeGitlab


def test_a_limit_is_waited_for(gitlab: FakeGitlab) -> None:
    """As long as GitLab asks, or a minute where it does not say."""
    gitlab.open_merge()
    waits = Waits(gitlab)
    gitlab.spoil("GET *", refusals.throttled(7))
    gitlab.spoil("POST *", refusals.throttled(None))
    on_gitlab(gitlab, patience=waits.patience()).comment(1, MARKER, "one")
    reset = int(gitlab.clock.now.timestamp()) + 90
    gitlab.spoil("GET *", refusals.throttled(None, reset))
    on_gitlab(gitlab, patience=waits.patience()).comment(1, MARKER, "two")
    assert [round(one) for one in waits.slept] == [7, 60, 91]
    gitlab.spoil("GET *", refusals.throttled(301), times=9)
    with pytest.raises(Throttled, match=r"asks for fewer calls \(429\), for 301 s"):
        on_gitlab(gitlab, patience=waits.patience()).comment(1, MARKER, "three")


def test_the_library_does_not_wait_by_itself(gitlab: FakeGitlab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor tries again: each fault is one call, and one pause of ours."""
    gitlab.open_merge()
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("somebody sleeps"))
    waits = Waits(gitlab)
    for fault in (refusals.throttled(0), refusals.UNAVAILABLE, Fault.DROP):
        gitlab.spoil("GET *", fault)
    on_gitlab(gitlab, patience=waits.patience(attempts=4)).comment(1, MARKER, "one")
    assert len(waits.slept) == 3


def test_the_token_of_a_job_may_do_little(gitlab: FakeGitlab) -> None:
    """The error says which token would do."""
    gitlab.open_merge()
    job = gitlab.token(kind="job", user="dev")
    platform = on_gitlab(gitlab, token="", CI_JOB_TOKEN=job)
    with pytest.raises(AccessDenied, match=r"CI_JOB_TOKEN may not do it \(401\)") as caught:
        platform.comment(1, MARKER, "one")
    assert "set GITLAB_TOKEN to a project access token" in (caught.value.hint or "")


def test_a_token_that_may_only_read(gitlab: FakeGitlab) -> None:
    """The error names the scope."""
    gitlab.open_merge()
    with pytest.raises(AccessDenied, match="scope does not reach") as caught:
        on_gitlab(gitlab, token=gitlab.token(scope="read_api")).comment(1, MARKER, "one")
    assert caught.value.hint == "GITLAB_TOKEN needs the scope `api`"
    with pytest.raises(AccessDenied, match=r"does not know the token \(401\)"):
        on_gitlab(gitlab, token=CANARY).comment(1, MARKER, "one")
    gitlab.spoil("GET *", refusals.FORBIDDEN.answer)
    with pytest.raises(AccessDenied, match=r"does not let the token do it \(403\)"):
        on_gitlab(gitlab).comment(1, MARKER, "one")


def test_a_server_that_hangs_or_is_not_there(gitlab: FakeGitlab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has an end."""
    gitlab.open_merge()
    monkeypatch.setattr(api, "_SECONDS", 1)
    gitlab.spoil("GET *", Fault.HANG)
    with pytest.raises(Transient, match="timed out"):
        on_gitlab(gitlab, patience=Waits(gitlab).patience(attempts=1)).comment(1, MARKER, "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v4"
    with pytest.raises(Transient, match="connection refused"):
        on_gitlab(gitlab, CI_API_V4_URL=url).comment(1, MARKER, "one")


@pytest.mark.parametrize(
    "answer",
    [
        refusals.LOGIN_PAGE,
        Answer(body=b"{"),
        Answer(body=b"7"),
        Answer(body=b"[7]"),
        Answer(body=b'[{"id": 7}]'),
        Answer(body=b'{"a": 1}'),
        Answer(status=301, headers=(("Location", "http://elsewhere.example.com/"),)),
        Answer(status=302),
    ],
)
def test_what_is_no_gitlab_is_told(gitlab: FakeGitlab, answer: Answer) -> None:
    """A login page, a redirection, an answer of another shape: nobody follows it."""
    gitlab.open_merge()
    gitlab.spoil("GET *", answer, times=9)
    with pytest.raises(SyncerError) as caught:
        on_gitlab(gitlab).comment(1, MARKER, "one")
    assert isinstance(caught.value, BackendError | InvalidConfiguration)
    assert not isinstance(caught.value, Transient)
    assert gitlab.comments(1) == []


@pytest.mark.parametrize(
    "answer", [refusals.LOGIN_PAGE, Answer(body=b"{}", headers=(("Content-Type", "application/json"),))]
)
def test_a_server_that_does_not_say_who_we_are(gitlab: FakeGitlab, answer: Answer) -> None:
    """Nothing is taken for ours then."""
    gitlab.open_merge()
    gitlab.note(1, MARKER)
    gitlab.spoil("GET */user", answer)
    with pytest.raises(BackendError, match=r"who we are: what gitlab at .* answered cannot be read"):
        on_gitlab(gitlab).comment(1, MARKER, "one")


def test_an_archive_that_is_json_is_none(gitlab: FakeGitlab) -> None:
    """Nor is what comes from an address that is none."""
    merge = gitlab.open_merge()
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT)
    pull = Pull(number=1, sha=merge.sha, url="", trusted=True)
    gitlab.redirect = "http://elsewhere.example.com/"
    with pytest.raises(BackendError, match="where nobody should read a plan"):
        on_gitlab(gitlab).plan_artifact(pull, ARTIFACT)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://gitlab.example.com/api/v4", "in the clear"),
        ("https://gitlab.example.com", "must end with /api/v4"),
        ("gitlab.example.com", "must be an http or https URL"),
    ],
)
def test_an_address_that_is_none(gitlab: FakeGitlab, url: str, why: str) -> None:
    """The error names its variable."""
    with pytest.raises(InvalidConfiguration, match=f"CI_API_V4_URL.*{why}"):
        on_gitlab(gitlab, CI_API_V4_URL=url).close_issue(MARKER, "a")


def test_without_token_or_library_it_is_told_what_is_missing(
    gitlab: FakeGitlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables, or the extra."""
    with pytest.raises(InvalidConfiguration, match="GITLAB_TOKEN or CI_JOB_TOKEN must hold a token"):
        on_gitlab(gitlab, token="").close_issue(MARKER, "a")
    for name in [name for name in sys.modules if name.startswith("syncer.ci.gitlab.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gitlab", None)
    with pytest.raises(InvalidConfiguration, match="gitlab needs the package `gitlab`") as caught:
        on_gitlab(gitlab).close_issue(MARKER, "a")
    assert caught.value.hint == "in the repository of syncer: pip install '.[ci]'"


@pytest.mark.parametrize("token", [f"{CANARY}\n", f"{CANARY}\u20ac"])
def test_what_is_no_token_is_told_and_not_shown(token: str) -> None:
    """A library would quote the header."""
    environ = {"CI_PROJECT_ID": "7", "GITLAB_TOKEN": token}
    with pytest.raises(InvalidConfiguration, match="GITLAB_TOKEN: what it holds is no token") as caught:
        detect(environ, "gitlab").close_issue(MARKER, "a")
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("spoiler", [Fault.DROP, Fault.CUT, refusals.UNAVAILABLE, refusals.UNAUTHORIZED.answer, None])
@pytest.mark.parametrize("kind", ["private", "job"])
def test_the_token_is_never_seen(
    gitlab: FakeGitlab, caplog: pytest.LogCaptureFixture, spoiler: Fault | None, kind: str
) -> None:
    """Not in errors and what they came from, nor in logs or reprs; bodies are not logged either."""
    caplog.set_level(logging.DEBUG)
    token = gitlab.token(kind=kind)
    merge = gitlab.open_merge()
    given = {"token": token} if kind == "private" else {"token": "", "CI_JOB_TOKEN": token}
    platform = on_gitlab(gitlab, merge, **given)
    texts = [repr(platform)]
    if spoiler:
        gitlab.spoil("*", spoiler, times=99)
    pull = Pull(number=1, sha=merge.sha, url="", trusted=True)
    gitlab.run_job(gitlab.run_pipeline(merge), ARTIFACT, BODY.encode())
    errors = errors_of(
        lambda: platform.comment(1, MARKER, BODY),
        lambda: platform.open_issue(MARKER, BODY, BODY),
        lambda: platform.plan_artifact(pull, ARTIFACT),
    )
    seen = "\n".join([*texts, *map(everything_of, errors), caplog.text])
    assert [error.__context__ for error in errors] == [None] * (0 if spoiler is None and kind == "private" else 3)
    assert token not in seen
    assert BODY not in seen
    assert "sig=" not in seen
