"""What is refused as the options of a server, and that nothing of it is ever repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rest_bench import ENVIRON

from syncer.errors import InvalidConfiguration, SourceError
from syncer.options import parse_options
from syncer.rest.options import RestOptions, check_url
from syncer.testing.base import CANARY, assert_no_leak, context

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://acme.test:8080"
C = CANARY.decode()


def options(**given: Any) -> RestOptions:
    """Read options as a manifest gives them."""
    return parse_options(RestOptions, {"url": URL, **given})


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.test",
        "https://acme.test",
        "HTTPS://Acme.Test/",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://acme.test.:443/under/a@path/",
        "http://acme_web-1:8080",
        "http://xn--bcher-kva.test",
    ],
)
def test_urls(tmp_path: Path, url: str) -> None:
    """What stands is what is asked, less the slash at its end."""
    assert options(url=url).at(context(tmp_path, "shop")) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        C,
        f"{C}.test:8080",
        f"//{C}.test",
        f"ftp://{C}.test",
        f"https:/{C}.test",
        f"https:///{C}",
        "https://",
        f"https://:8080/{C}",
        f"https://jo:{C}@acme.test",
        f"https://{C}@acme.test",
        f"https://:{C}@acme.test",
        f"https://@acme.test/{C}",
        f"https://:@acme.test/{C}",
        f"https://acme.test?token={C}",
        f"https://acme.test/{C}?",
        f"https://acme.test#{C}",
        f"https://acme.test/{C}#",
        f"https://acme.test:0/{C}",
        f"https://acme.test:65536/{C}",
        f"https://acme.test:port/{C}",
        f"https://acme.test:+1/{C}",
        f"https://acme.test:-1/{C}",
        f"https://[::1/{C}",
        f"https://[{C}]",
        f"https://acme.test/{C} ",
        f" https://acme.test/{C}",
        f"https://acme .test/{C}",
        f"https://acme.test/a b/{C}",
        f"https://acme.test/{C}\n",
        f"https://acme.test\n/{C}",
        f"https://acme.test/\t{C}",
        f"https://acme.test/\0{C}",
        f"https://b\u00fccher.test/{C}",
        f"https://acme.test/b\u00fccher/{C}",
        f"https://acme\uff0etest/{C}",
        f"https://acme..test/{C}",
        f"https://.acme.test/{C}",
        f"https://-acme.test/{C}",
        f"https://acme-.test/{C}",
        f"https://{'a' * 64}.test/{C}",
        f"https://acme\\{C}",
        f"https://acme.test/\\{C}",
        f"https://acme%2etest/{C}",
        f"https://*.test/{C}",
        f"https://acme|test/{C}",
    ],
)
def test_what_is_no_url(tmp_path: Path, url: str) -> None:
    """In the manifest and from a source alike; an example is given, and what stood there is not repeated."""
    for refused in (
        lambda: options(url=url),
        lambda: check_url("option `url`", url),
        lambda: options(url={"env": "URL"}).at(context(tmp_path, "shop", environ={"URL": url or " "})),
    ):
        with pytest.raises(InvalidConfiguration) as caught:
            refused()
        assert caught.value.message == "option `url` must be an http or https URL of a server and nothing more"
        assert caught.value.hint == "for instance https://secrets.example.com:8080"
        assert caught.value.__context__ is None
        assert_no_leak(CANARY, caught.value)


def test_a_url_from_a_source(tmp_path: Path) -> None:
    """It is asked when the backend is opened, and not before."""
    found = options(url={"env": "URL"})
    assert found.at(context(tmp_path, "shop", environ={"URL": f"{URL}/"})) == URL
    with pytest.raises(SourceError, match="option `url`: environment variable URL is not set"):
        found.at(context(tmp_path, "shop", environ={}))


def test_a_url_of_bytes(tmp_path: Path) -> None:
    """What is no text is no URL, and no error of a decoder holds it."""
    (tmp_path / "url").write_bytes(b"https://acme.test/\xff" + CANARY)
    with pytest.raises(InvalidConfiguration, match="option `url` must be an http or https URL") as caught:
        options(url={"file": "url"}).at(context(tmp_path, "shop"))
    assert_no_leak(CANARY, caught.value)


SOURCE = {"env": "TOKEN"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"token": SOURCE, "username": C}, "option `token` goes without `username` and `password`"),
        ({"token": SOURCE, "password": SOURCE}, "option `token` goes without `username` and `password`"),
        (
            {"token": SOURCE, "username": C, "password": SOURCE},
            "option `token` goes without `username` and `password`",
        ),
        ({"username": C}, "option `username` goes with `password`"),
        ({"username": {"env": C}}, "option `username` goes with `password`"),
        ({"password": {"env": C}}, "option `username` goes with `password`"),
        ({"client_key": C}, "option `client_key` needs `client_cert`"),
        ({"timeout": ""}, "option `timeout` is no duration"),
        ({"timeout": C}, "option `timeout` is no duration"),
        ({"timeout": "30"}, "option `timeout` is no duration"),
        ({"timeout": "0s"}, "option `timeout` is no duration"),
        ({"timeout": "-1s"}, "option `timeout` is no duration"),
        ({"timeout": "1.5s"}, "option `timeout` is no duration"),
        ({"timeout": "1ms"}, "option `timeout` is no duration"),
        ({"timeout": "30 s"}, "option `timeout` is no duration"),
        ({"timeout": "30s\n"}, "option `timeout` is no duration"),
        ({"timeout": "99999w"}, "option `timeout` is no duration"),
        ({"timeout": 30}, "option `timeout` must be a string"),
        ({"token": C}, "option `token` must be a mapping or null"),
        ({"username": "jo", "password": C}, "option `password` must be a mapping or null"),
        ({"username": [C], "password": SOURCE}, "option `username` must be a string or a mapping or null"),
        ({"url": [C]}, "option `url` must be a string or a mapping"),
        ({"tokn": C}, "unknown option `tokn`, did you mean `token`?"),
    ],
    ids=str,
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    """The option is named, and what stood there is not: it may be a value that was typed in the wrong place."""
    with pytest.raises(InvalidConfiguration) as caught:
        options(**given)
    assert caught.value.message.startswith(message)
    assert_no_leak(CANARY, caught.value)


def test_a_server_must_be_named() -> None:
    """There is no usual one."""
    with pytest.raises(InvalidConfiguration, match="option `url` is missing"):
        parse_options(RestOptions, {})


@pytest.mark.parametrize(("timeout", "seconds"), [("1s", 1.0), ("2m", 120.0), (None, 30.0)])
def test_the_timeout(timeout: str | None, seconds: float) -> None:
    """It is told in seconds, and is half a minute where nobody says."""
    assert options(**({} if timeout is None else {"timeout": timeout})).seconds == seconds


@pytest.mark.parametrize(
    ("given", "credential"),
    [
        ({}, "no credential"),
        ({"token": SOURCE}, "the token"),
        ({"username": "jo", "password": SOURCE}, "user and password"),
        ({"username": SOURCE, "password": SOURCE}, "user and password"),
    ],
    ids=str,
)
def test_the_credential_in_words(given: dict[str, Any], credential: str) -> None:
    """For errors."""
    assert options(**given).credential == credential


def test_what_options_show_of_themselves() -> None:
    """Neither where the server is, nor anything of what lets us in."""
    shown = options(url={"env": C}, username=C, password={"env": C}, ca_cert="ca.pem", timeout="5s")
    assert_no_leak(CANARY, shown, options(token={"command": ["echo", C]}))
    assert "ca.pem" in repr(shown)


def test_what_a_source_may_be(tmp_path: Path) -> None:
    """A credential never stands in the manifest itself, and is not made up either."""
    told = context(tmp_path, "shop", environ=ENVIRON)
    for given in ({"value": C}, {"generate": {"length": 8}}, {"env": "A", "file": "b"}, {}):
        with pytest.raises(InvalidConfiguration, match="option `url` must be a source: one of env, file, command"):
            options(url=given).at(told)
