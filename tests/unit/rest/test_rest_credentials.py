"""As whom we go to a server, and that nothing of it shows."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.loopback import Answer
from rest_bench import ENVIRON, READ, TOKEN, WITH_TOKEN, WRITE, Echo

from syncer.errors import AccessDenied, InvalidConfiguration, SourceError
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from pathlib import Path

    from rest_bench import Bench


def sent(bench: Bench, **options: Any) -> str | None:
    """Give what a client with these options shows of itself."""
    bench.client(**options).call(READ)
    return bench.server.calls[-1].headers["Authorization"]


def test_a_token(bench: Bench) -> None:
    """It stands in the header as it is."""
    assert sent(bench, **WITH_TOKEN) == f"Bearer {TOKEN.decode()}"


@pytest.mark.parametrize("token", ["a", "a.b-c_d~e+f/g==", "dagu_0123", "!\"#$%&'()*,:;<=>?@[\\]^`{|}"])
def test_tokens(bench: Bench, token: str) -> None:
    """Whatever they are made of."""
    assert sent(bench, token={"env": "T"}, environ={"T": token}) == f"Bearer {token}"


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("jo", "pw"),
        ("jo", "p:w::"),
        ("jo@acme.test", " spaced out "),
        ("J\u00f6rg", "p\u00e4ss\u20acw\U0001f511rd"),
        ("jo", "e\u0301"),
        ("", "pw"),
    ],
)
def test_a_user_with_a_password(bench: Bench, user: str, password: str) -> None:
    """In UTF-8 and nothing changed, from the manifest or from a source (RFC 7617)."""
    expected = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    environ = {"U": user, "P": password}
    assert sent(bench, username=user, password={"env": "P"}, environ=environ) == expected
    if user:
        assert sent(bench, username={"env": "U"}, password={"env": "P"}, environ=environ) == expected


def test_the_example_of_the_standard(bench: Bench) -> None:
    """RFC 7617, section 2."""
    options = {"username": "Aladdin", "password": {"env": "P"}}
    assert sent(bench, **options, environ={"P": "open sesame"}) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_password_of_bytes(bench: Bench) -> None:
    """It is what a source yields, be it text or not."""
    (bench.folder / "pw").write_bytes(b"\xff\xfe")
    expected = base64.b64encode(b"jo:\xff\xfe").decode()
    assert sent(bench, username="jo", password={"file": "pw"}) == f"Basic {expected}"


def test_nobody(bench: Bench) -> None:
    """Without a credential there is no header."""
    assert sent(bench) is None


@pytest.mark.parametrize("options", [{}, WITH_TOKEN], ids=["nobody", "token"])
def test_what_others_left_for_us(bench: Bench, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    """A netrc file neither adds a credential nor takes ours away."""
    netrc = bench.folder / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login jo password {CANARY.decode()}\ndefault login jo password x\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(bench.folder))
    monkeypatch.setenv("NETRC", str(netrc))
    assert sent(bench, **options) == (f"Bearer {TOKEN.decode()}" if options else None)


@pytest.mark.parametrize(
    "token",
    [
        CANARY + b"\n",
        CANARY + b"\r\nX-Other: yes",
        b"\t" + CANARY,
        b"Bearer " + CANARY,
        CANARY + b" ",
        CANARY + b"\0",
        CANARY + b"\x7f",
        CANARY + "\u00e9".encode(),
        CANARY + b"\xff",
        "\u200b".encode() + CANARY,
        "\u2026".encode() + CANARY,
    ],
    ids=ascii,
)
def test_what_is_no_token(bench: Bench, caplog: pytest.LogCaptureFixture, token: bytes) -> None:
    """The option is named, and the usual mistake; the token shows nowhere, and nobody was asked."""
    (bench.folder / "token").write_bytes(token)
    client = bench.client(token={"file": "token"})
    with caplog.at_level("DEBUG"), pytest.raises(InvalidConfiguration) as caught:
        client.call(WRITE)
    assert caught.value.message == "option `token`: what its source yields is no token"
    assert caught.value.hint == "a line break at its end? `trim: true` drops it"
    assert caught.value.__context__ is None
    assert_no_leak(CANARY, caught.value, caplog.text, client)
    assert bench.server.accepted == 0


def test_a_line_break_that_is_trimmed(bench: Bench) -> None:
    """As the hint says."""
    (bench.folder / "token").write_bytes(TOKEN + b"\n")
    assert sent(bench, token={"file": "token", "trim": True}) == f"Bearer {TOKEN.decode()}"


@pytest.mark.parametrize("option", ["token", "username", "password"])
def test_a_source_of_nothing(bench: Bench, option: str) -> None:
    """The option is named."""
    options = {"token": {"token": {"env": "E"}}}.get(option, {"username": {"env": "U"}, "password": {"env": "P"}})
    environ = {"E": "", "U": "u", "P": "p"} | {option[0].upper(): ""}
    with pytest.raises(SourceError, match=f"^option `{option}`: source `env` yields an empty value$"):
        bench.client(**options, environ=environ).call(READ)


@pytest.mark.parametrize("option", ["username", "password"])
@pytest.mark.parametrize("tail", ["\n", "\r\n", "\t", "\x7f"], ids=ascii)
def test_what_basic_authentication_has_no_room_for(bench: Bench, option: str, tail: str) -> None:
    """A line break is told here: a server would only call it the wrong password."""
    environ = {"U": "jo", "P": "pw"} | {option[0].upper(): CANARY.decode() + tail}
    with pytest.raises(InvalidConfiguration) as caught:
        bench.client(username={"env": "U"}, password={"env": "P"}, environ=environ).call(READ)
    assert caught.value.message == f"option `{option}`: what its source yields holds a control character"
    assert caught.value.hint == "a line break at its end? `trim: true` drops it"
    assert_no_leak(CANARY, caught.value)


def test_a_user_with_a_colon(bench: Bench) -> None:
    """A server would take the half behind it for the password."""
    with pytest.raises(InvalidConfiguration, match=r"option `username`: .* a colon in the name") as caught:
        bench.client(username=f"jo:{CANARY.decode()}", password={"env": "TOKEN"}).call(READ)
    assert_no_leak(CANARY, caught.value)


def test_a_credential_is_asked_for_once(bench: Bench) -> None:
    """When the first call is made, and by one of the threads that make it."""
    log = bench.folder / "log"
    command = ["sh", "-c", f"echo asked >> {log}; printf %s tok"]
    client = bench.client(token={"command": command})
    assert not log.exists()
    together = Barrier(8)

    def call(_number: int) -> None:
        together.wait()
        client.call(READ)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(8)))
    assert log.read_text() == "asked\n"
    assert {call.headers["Authorization"] for call in bench.server.calls} == {"Bearer tok"}


def test_a_credential_that_comes_later(bench: Bench) -> None:
    """A source that failed is asked again at the next call."""
    client = bench.client(token={"file": "token"})
    with pytest.raises(SourceError, match="option `token`: file `token` cannot be used"):
        client.call(READ)
    (bench.folder / "token").write_bytes(TOKEN)
    assert client.call(READ).ok


# What shows.


def test_nothing_shows(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither token nor value, in no log of whatever level and no text of a thing."""
    bench.server.always = Echo()
    client = bench.client(**WITH_TOKEN)
    with caplog.at_level("DEBUG"):
        answer = client.call(WRITE)
    assert {record.name.partition(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}
    assert answer.document["body"] == WRITE.body
    things = (client, client.server, client._options, client._connections._idle[0], WRITE, answer, answer.request)
    for canary in (CANARY, TOKEN):
        assert_no_leak(canary, caplog.text, *caplog.messages, *things)


def test_no_password_shows(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither itself nor as the header has it."""
    options: dict[str, Any] = {"username": "jo", "password": {"env": "TOKEN"}}
    bench.server.always = Answer(status=401)
    client = bench.client(**options, environ=ENVIRON)
    with (
        caplog.at_level("DEBUG"),
        pytest.raises(AccessDenied, match="does not let us in with user and password") as caught,
    ):
        client.call(WRITE)
    header = bench.server.calls[0].headers["Authorization"].removeprefix("Basic ").encode()
    for canary in (TOKEN, header, CANARY):
        assert_no_leak(canary, caplog.text, caught.value, client, client._options, client._connections._idle[0])


def test_where_files_start(bench: Bench, tmp_path: Path) -> None:
    """In the folder of the manifest, wherever the run began."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "token").write_bytes(TOKEN)
    assert sent(bench, token={"file": "sub/token"}) == f"Bearer {TOKEN.decode()}"
