"""The environment as the commands of OpenBao and Vault read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from syncer.backends.vault import environment
from syncer.backends.vault.environment import Server
from syncer.backends.vault.options import VaultOptions
from syncer.errors import InvalidConfiguration
from syncer.rest.tls import Tls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

URL = "https://vault.test:8200"


def server(folder: Path, environ: Mapping[str, str], **options: Any) -> Server:
    """Find out where to go."""
    return Server.find(VaultOptions(**options), {"VAULT_ADDR": URL, **environ}, folder)


def test_options_win(tmp_path: Path) -> None:
    """Over each variable of their own."""
    environ = {"VAULT_NAMESPACE": "from/env", "VAULT_CACERT": "/env.pem", "VAULT_TLS_SERVER_NAME": "env"}
    environ |= {"VAULT_CAPATH": "/env", "VAULT_CLIENT_CERT": "/env.pem", "VAULT_CLIENT_KEY": "/env.key"}
    files = {"ca_cert": "ca.pem", "client_cert": "client.pem"}
    found = server(tmp_path, environ, address="http://here/", namespace="/a/b/", tls_server_name="name", **files)
    assert (found.address, found.namespace) == ("http://here", "a/b")
    # The key of the environment's certificate does not belong to another one.
    assert found.tls == Tls(
        ca_cert=tmp_path / "ca.pem",
        client_cert=tmp_path / "client.pem",
        client_key=None,
        server_name="name",
        trust=found.tls.trust,
        show=found.tls.show,
    )
    assert "VAULT_CACERT" in found.tls.trust
    assert "VAULT_CLIENT_CERT" in found.tls.show


def test_what_the_environment_says(tmp_path: Path) -> None:
    """Everything that options leave out."""
    environ = {"VAULT_NAMESPACE": "team/", "VAULT_CACERT": "/ca.pem", "VAULT_CAPATH": "/cas"}
    environ |= {"VAULT_CLIENT_CERT": "/c.pem", "VAULT_CLIENT_KEY": "/c.key", "VAULT_SKIP_VERIFY": "TRUE"}
    found = server(tmp_path, environ)
    assert (found.address, found.namespace) == (URL, "team")
    names = {name: str(getattr(found.tls, name)) for name in ("ca_cert", "ca_folder", "client_cert", "client_key")}
    assert names == {"ca_cert": "/ca.pem", "ca_folder": "/cas", "client_cert": "/c.pem", "client_key": "/c.key"}
    assert not found.tls.verify


@pytest.mark.parametrize("text", ["", "0", "f", "no", "anything"])
def test_verification_is_the_rule(tmp_path: Path, text: str) -> None:
    """Nothing but a clear yes switches it off."""
    assert server(tmp_path, {"VAULT_SKIP_VERIFY": text}).tls.verify


def test_openbao_comes_first(tmp_path: Path) -> None:
    """Where its variable is set, be it to nothing; as its command does it."""
    assert server(tmp_path, {"BAO_ADDR": "http://bao"}).address == "http://bao"
    assert server(tmp_path, {"BAO_NAMESPACE": "", "VAULT_NAMESPACE": "team"}).namespace is None
    assert environment.token({"BAO_TOKEN": "b", "VAULT_TOKEN": "v"}) == "b"


@pytest.mark.parametrize("namespace", ["a b", "caf\u00e9", "a\nb"])
def test_a_namespace_that_fits_no_header(tmp_path: Path, namespace: str) -> None:
    """It is refused before it goes over the wire."""
    with pytest.raises(InvalidConfiguration, match="namespace"):
        server(tmp_path, {"VAULT_NAMESPACE": namespace})


def test_the_token_file(tmp_path: Path) -> None:
    """Where `login` leaves it, less what an editor adds; a variable goes first."""
    home = {"HOME": str(tmp_path)}
    assert environment.token(home) is None
    (tmp_path / ".vault-token").write_text("s.file\n")
    assert environment.token(home) == "s.file"
    assert environment.token({**home, "VAULT_TOKEN": ""}) == "s.file"
    assert environment.token({**home, "VAULT_TOKEN": "s.env"}) == "s.env"
    (tmp_path / "other").write_text("s.other")
    assert environment.token({**home, "BAO_TOKEN_PATH": str(tmp_path / "other")}) == "s.other"
    (tmp_path / "other").write_text("\n")
    assert environment.token({"BAO_TOKEN_PATH": str(tmp_path / "other")}) is None
    assert environment.token({}) is None


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is named, and nothing of it is shown."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xffsecret")
    for name in ("folder", "binary"):
        with pytest.raises(InvalidConfiguration, match=f"{name} cannot be read") as caught:
            environment.token({"BAO_TOKEN_PATH": str(tmp_path / name)})
        assert caught.value.__context__ is None
    assert environment.token({"BAO_TOKEN_PATH": str(tmp_path / "binary" / "x")}) is None


PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("environ", "url", "host"),
    [
        ({}, URL, None),
        ({"HTTPS_PROXY": PROXY}, URL, "proxy.test"),
        ({"https_proxy": "proxy.test"}, URL, "proxy.test"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, URL, "proxy.test"),
        ({"HTTP_PROXY": PROXY}, URL, None),
        ({"HTTP_PROXY": PROXY}, "http://vault.test", "proxy.test"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "a.test, vault.test"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ".test"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*.test"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "test"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "ault.test"}, URL, "proxy.test"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "vault.test:8200"}, URL, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "vault.test:443"}, URL, "proxy.test"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3:8200", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8,"}, "https://11.1.2.3:8200", "proxy.test"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.1.2.3"}, "https://10.1.2.3:8200", None),
        ({"HTTPS_PROXY": PROXY}, "https://127.0.0.1:8200", None),
        ({"HTTPS_PROXY": PROXY}, "https://[::1]:8200", None),
        ({"HTTPS_PROXY": PROXY}, "https://localhost:8200", None),
        ({"VAULT_HTTP_PROXY": PROXY}, "https://localhost:8200", "proxy.test"),
        ({"VAULT_PROXY_ADDR": PROXY, "NO_PROXY": "*"}, URL, "proxy.test"),
    ],
    ids=str,
)
def test_proxies(tmp_path: Path, environ: dict[str, str], url: str, host: str | None) -> None:
    """Which one is gone through, and for whom none is."""
    found = server(tmp_path, environ).proxies.between(urlsplit(url))
    assert (found and found.hostname) == host


@pytest.mark.parametrize("url", ["socks5://proxy.test", "http://", "http://proxy.test:none", "https://proxy.test"])
def test_what_is_no_proxy(tmp_path: Path, url: str) -> None:
    """It is not shown: it may hold a password."""
    with pytest.raises(InvalidConfiguration, match="names is no http URL") as caught:
        server(tmp_path, {"HTTPS_PROXY": url}).proxies.between(urlsplit(URL))
    assert url not in caught.value.message
    assert url not in repr(server(tmp_path, {"HTTPS_PROXY": url}))
