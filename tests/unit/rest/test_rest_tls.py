"""Whom we trust, what we show, and what is said where either does not suffice."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.certificates import Authority, self_signed
from conformance.fakes.loopback import running
from conformance.fakes.secured import Tls as Files
from rest_bench import READ, RIGHT, THING, TOKEN, WITH_TOKEN, WRITE, Scripted

from syncer.errors import AccessDenied, InvalidConfiguration, SyncerError, Transient
from syncer.rest.failures import no_answer
from syncer.rest.messages import Request, Server
from syncer.rest.tls import Tls
from syncer.testing.base import CANARY, assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rest_bench import Bench

HERE = "127.0.0.1"
INTO_CA_CERT = "its authority's certificate goes into `ca_cert`"


@contextmanager
def over_tls(files: tuple[Path, Path], client_ca: Path | None = None) -> Iterator[Scripted]:
    """Serve under a certificate; at the end nobody may still be connected."""
    certificate, key = files
    server = Scripted(Files(certificate=certificate, key=key, client_ca=client_ca).context())
    with running(server):
        yield server
        assert server.deserted()


def ask(bench: Bench, url: str, **options: Any) -> int:
    """Ask once, over a connection of its own."""
    client = bench.client(url, **WITH_TOKEN, **options)
    try:
        return client.call(WRITE).status
    finally:
        client.close()


def problem(bench: Bench, url: str, **options: Any) -> SyncerError:
    """Give the error that a write ends in; neither value nor token may stand anywhere in it."""
    with pytest.raises(SyncerError) as caught:
        ask(bench, url, **options)
    assert_no_leak(CANARY, caught.value)
    assert_no_leak(TOKEN, caught.value)
    return caught.value


# Whom we trust.


def test_an_authority_of_our_own(bench: Bench, authority: Authority) -> None:
    """Its file is named by a path that starts in the manifest's folder, or by a whole one."""
    with over_tls(authority.issue(HERE)) as server:
        assert ask(bench, server.url, ca_cert="authority.pem") == 200
        assert ask(bench, server.url, ca_cert=str(authority.certificate)) == 200
        assert [call.headers["Authorization"] for call in server.calls] == [f"Bearer {TOKEN.decode()}"] * 2


def test_a_bundle(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """Of several, with names in UTF-8 between them."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").certificate.read_bytes()
    text = b"# Autorit\xc3\xa9\n" + other + b"\n# Ours\n" + authority.certificate.read_bytes()
    (tmp_path / "bundle.pem").write_bytes(text)
    with over_tls(authority.issue(HERE)) as server:
        assert ask(bench, server.url, ca_cert="bundle.pem") == 200


def test_a_certificate_that_signs_itself(bench: Bench, tmp_path: Path) -> None:
    """It is not trusted, unless it is what `ca_cert` names."""
    files = self_signed(tmp_path, HERE)
    with over_tls(files) as server:
        found = problem(bench, server.url)
        assert type(found) is InvalidConfiguration
        expected = f"{THING}: the certificate of acme at {server.url} is not trusted: self-signed certificate"
        assert found.message == expected
        assert found.hint == INTO_CA_CERT
        assert server.calls == []
        assert ask(bench, server.url, ca_cert=str(files[0])) == 200


def test_an_authority_that_nobody_knows(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """Neither the system nor, where that one is named instead, another one."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").certificate
    with over_tls(authority.issue(HERE)) as server:
        for options in ({}, {"ca_cert": str(other)}):
            found = problem(bench, server.url, **options)
            assert type(found) is InvalidConfiguration
            assert f"the certificate of acme at {server.url} is not trusted: " in found.message
            assert found.hint == INTO_CA_CERT
        assert server.calls == []


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https"])
def test_any_spelling_of_https(bench: Bench, authority: Authority, scheme: str) -> None:
    """Is https: nobody is trusted unseen."""
    with over_tls(authority.issue(HERE)) as server:
        url = server.url.replace("https", scheme)
        assert type(problem(bench, url)) is InvalidConfiguration
        assert server.calls == []
        assert ask(bench, url, ca_cert="authority.pem") == 200


def test_a_certificate_that_has_expired(bench: Bench, authority: Authority) -> None:
    """It is told so."""
    with over_tls(authority.issue(HERE, until=-timedelta(hours=1))) as server:
        found = problem(bench, server.url, ca_cert="authority.pem")
    assert type(found) is InvalidConfiguration
    assert found.message.endswith("is not trusted: certificate has expired")


def test_a_certificate_for_another_name(bench: Bench, authority: Authority) -> None:
    """It is told which one was looked for."""
    with over_tls(authority.issue("127.0.0.2")) as server:
        found = problem(bench, server.url, ca_cert="authority.pem")
    assert type(found) is InvalidConfiguration
    assert "is not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'" in found.message


def test_certificates_are_no_matter_without_tls(bench: Bench) -> None:
    """Files that nobody needs are not read."""
    assert bench.client(ca_cert="missing.pem", client_cert="missing.pem").call(READ).ok


# What we show.


def test_a_certificate_of_the_client(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """In two files or in one."""
    certificate, key = authority.issue("client")
    (tmp_path / "both.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    with over_tls(authority.issue(HERE), client_ca=authority.certificate) as server:
        for files in ({"client_cert": "client.pem", "client_key": "client.key"}, {"client_cert": "both.pem"}):
            assert ask(bench, server.url, ca_cert="authority.pem", **files) == 200


def test_a_certificate_that_is_missing(bench: Bench, authority: Authority) -> None:
    """A server that wants one says so, unless its alert is overtaken by the end of the line."""
    with over_tls(authority.issue(HERE), client_ca=authority.certificate) as server:
        found = problem(bench, server.url, ca_cert="authority.pem")
        assert server.calls == []
    if type(found) is AccessDenied:
        assert f"acme at {server.url} broke TLS off (" in found.message
        assert found.hint == "does it want `client_cert` and `client_key`, or others?"
    else:
        assert type(found) is Transient


def test_a_certificate_of_somebody_else(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """Likewise."""
    (tmp_path / "other").mkdir()
    certificate, key = Authority(tmp_path / "other").issue("client")
    files = {"client_cert": str(certificate), "client_key": str(key)}
    with over_tls(authority.issue(HERE), client_ca=authority.certificate) as server:
        assert type(problem(bench, server.url, ca_cert="authority.pem", **files)) in (AccessDenied, Transient)
        assert server.calls == []


@pytest.mark.parametrize(
    ("reason", "kind", "message"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", AccessDenied, "broke TLS off (TLSV13_ALERT_CERTIFICATE_REQUIRED)"),
        ("TLSV1_ALERT_UNKNOWN_CA", AccessDenied, "broke TLS off (TLSV1_ALERT_UNKNOWN_CA)"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", AccessDenied, "broke TLS off (SSLV3_ALERT_HANDSHAKE_FAILURE)"),
        ("WRONG_VERSION_NUMBER", InvalidConfiguration, "does not speak TLS"),
        ("RECORD_LAYER_FAILURE", InvalidConfiguration, "does not speak TLS"),
        ("HTTP_REQUEST", InvalidConfiguration, "does not speak TLS"),
        ("UNEXPECTED_EOF_WHILE_READING", Transient, "to GET /x (TLS broke off)"),
        (None, Transient, "to GET /x (TLS broke off)"),
    ],
)
def test_what_tls_says(reason: str | None, kind: type[SyncerError], message: str) -> None:
    """An alert is the server's answer to what we have shown; the end of a line is worth another try."""
    cause = ssl.SSLError(1, f"text of OpenSSL, {CANARY.decode()}")
    cause.reason = reason  # type: ignore[assignment]  # as OpenSSL leaves it where it knows none
    error = RuntimeError()
    error.__cause__ = cause
    server = Server(store="acme", url="https://acme.test", credential="the token")
    found = no_answer(error, Request(method="GET", path="/x", thing=THING, right=RIGHT), server, otherwise="else")
    assert type(found) is kind
    assert found.message.startswith(f"{THING}: ")
    assert found.message.endswith(message)
    assert "acme at https://acme.test" in found.message
    assert_no_leak(CANARY, found)


# One speaks TLS, and the other does not.


def test_a_server_that_speaks_no_tls(bench: Bench) -> None:
    """The scheme is what is wrong."""
    url = bench.server.url.replace("http", "https")
    found = problem(bench, url)
    assert type(found) is InvalidConfiguration
    assert found.message == f"{THING}: acme at {url} does not speak TLS"
    assert found.hint == "is it http:// that `url` should say?"
    assert bench.server.calls == []


def test_a_server_that_speaks_nothing_else(bench: Bench, authority: Authority) -> None:
    """What it says to HTTP is no HTTP; those that answer in plain text are told apart elsewhere."""
    with over_tls(authority.issue(HERE)) as server:
        found = problem(bench, server.url.replace("https", "http"))
        assert type(found) is Transient
        assert server.calls == []
    assert found.message.startswith(f"{THING}: no answer from acme at http://{HERE}:")


# Files of no use.


@pytest.mark.parametrize("content", [None, b"", b"\n", b"no certificate", b"\xff\0\xff", "folder"])
@pytest.mark.parametrize("option", ["ca_cert", "client_cert"])
def test_files_of_no_use(bench: Bench, tmp_path: Path, option: str, content: bytes | str | None) -> None:
    """Option and file are named, whole; nobody is asked for a password, and no server for anything."""
    if content == "folder":
        (tmp_path / "file.pem").mkdir()
    elif isinstance(content, bytes):
        (tmp_path / "file.pem").write_bytes(content)
    found = problem(bench, "https://127.0.0.1:1", **{option: "file.pem"})
    assert type(found) is InvalidConfiguration
    named = {"ca_cert": "`ca_cert`", "client_cert": "`client_cert` and `client_key`"}[option]
    assert found.message == f"option {named}: {tmp_path / 'file.pem'} holds nothing that can be used"
    assert found.hint == "a file in PEM form is wanted"


def test_files_that_no_system_has(bench: Bench) -> None:
    """A path may be spelled that cannot be one."""
    for option in ("ca_cert", "client_cert"):
        assert type(problem(bench, "https://127.0.0.1:1", **{option: "a\0b"})) is InvalidConfiguration


def test_a_key_that_does_not_fit(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """Both files are named: either may be the wrong one."""
    authority.issue("client")
    authority.issue("other")
    for key in ("other.key", "missing.key", "client.pem"):
        found = problem(bench, "https://127.0.0.1:1", client_cert="client.pem", client_key=key)
        named = f"{tmp_path / 'client.pem'} with {tmp_path / key}"
        assert found.message == f"option `client_cert` and `client_key`: {named} holds nothing that can be used"


def test_a_key_with_a_password(bench: Bench, authority: Authority, tmp_path: Path) -> None:
    """Nobody is asked for it."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    _, key = authority.issue("client")
    sealed = load_pem_private_key(key.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(CANARY)
    )
    (tmp_path / "sealed.key").write_bytes(sealed)
    found = problem(bench, "https://127.0.0.1:1", client_cert="client.pem", client_key="sealed.key")
    assert type(found) is InvalidConfiguration


# `Tls` by itself: what only some stores have options for.


def test_the_system_is_trusted() -> None:
    """Where nothing is said."""
    made = Tls().context()
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_named_files_alone_are_trusted(authority: Authority, tmp_path: Path) -> None:
    """Not the system's besides."""
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas" / "sub").mkdir()
    (tmp_path / "cas" / "a.pem").write_bytes(authority.certificate.read_bytes())
    for tls in (Tls(ca_cert=authority.certificate), Tls(ca_folder=tmp_path / "cas")):
        made = tls.context()
        assert [dict(name[0] for name in ca["subject"]) for ca in made.get_ca_certs()] == [{"commonName": "authority"}]
        assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_folder_comes_second(authority: Authority, tmp_path: Path) -> None:
    """It is not looked into where a file is named."""
    assert Tls(ca_cert=authority.certificate, ca_folder=tmp_path / "missing").context().get_ca_certs()


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_without_certificates(tmp_path: Path, *, there: bool) -> None:
    """It does not mean that the system's are trusted."""
    if there:
        (tmp_path / "cas").mkdir()
    with pytest.raises(InvalidConfiguration) as caught:
        Tls(ca_folder=tmp_path / "cas", trust="ACME_CAPATH").context()
    assert caught.value.message == f"option ACME_CAPATH: {tmp_path / 'cas'} holds nothing that can be used"


def test_verification_that_is_off() -> None:
    """Where somebody wants that, the name is not looked at either."""
    made = Tls(verify=False).context()
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_NONE, False)
