"""What may stand beside `type: vault`: every fault is told, and nothing that stood there is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from syncer.backends.vault import Vault
from syncer.backends.vault.options import VaultOptions
from syncer.errors import InvalidConfiguration, SyncerError
from syncer.model import Address
from syncer.testing.base import assert_no_leak, context

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.testing.base import Backend

URL = "https://vault.test:8200"
TYPED = "s.typed-by-mistake"


def opened(folder: Path, **options: Any) -> Backend:
    """Open one that is never used, so that it need not be closed."""
    return Vault.open({"address": URL, **options}, context(folder, "shop", environ={}))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"adress": TYPED}, "unknown option `adress`, did you mean `address`"),
        ({"mount": 5}, "option `mount` must be a string"),
        ({"purge": "yes"}, "option `purge` must be true or false"),
        ({"mount": ""}, "option `mount` must not be empty"),
        ({"mount": "a//b"}, "option `mount` must be a path of folders"),
        ({"namespace": "../up"}, "option `namespace` must be a path"),
        ({"namespace": "caf\u00e9"}, "option `namespace`, or VAULT_NAMESPACE: it must be ASCII"),
        ({"field": ""}, "option `field` must not be empty"),
        ({"format": TYPED}, "option `format` must be one of string, json"),
        ({"client_key": "k.pem"}, "option `client_key` needs `client_cert`"),
        ({"path": "{scope}/../{ref}"}, "option `path` must be a path of folders"),
        ({"path": "{scope}//{ref}"}, "option `path` must be a path of folders"),
        ({"path": "{ref}"}, "option `path` must hold {scope} and {ref}"),
        ({"path": "{scope}-{ref}"}, "option `path` must name {scope} first"),
        ({"prefix": "./a"}, "option `prefix` must be a path of folders"),
        ({"prefix": "a\nb"}, "option `prefix` must be a path of folders"),
        ({"auth": {"method": TYPED}}, "option `auth.method` must be one of token, userpass"),
        ({"auth": {"method": "aprole"}}, "did you mean `approle`"),
        ({"auth": {"method": ["token"]}}, "option `auth.method` must be one of"),
        ({"auth": {}}, "option `auth.method` must be one of"),
        ({"auth": TYPED}, "option `auth` must be a mapping"),
        (
            {"auth": {"method": "token", "token": TYPED}},
            "option `auth`, method token: option `token` must be a mapping",
        ),
        ({"auth": {"method": "token", "role": "x"}}, "unknown option `role`"),
        ({"auth": {"method": "userpass", "username": "u"}}, "option `password` is missing"),
        ({"auth": {"method": "userpass", "username": "u", "password": TYPED}}, "option `password` must be a mapping"),
        ({"auth": {"method": "userpass", "password": {"env": "P"}}}, "option `username` is missing"),
        ({"auth": {"method": "approle", "role_id": "r", "secret_id": TYPED}}, "option `secret_id` must be a mapping"),
        ({"auth": {"method": "approle"}}, "option `role_id` is missing"),
        ({"auth": {"method": "kubernetes"}}, "option `role` is missing"),
        ({"auth": {"method": "kubernetes", "role": "r", "jwt": TYPED}}, "option `jwt` must be a mapping"),
        ({"auth": {"method": "jwt", "role": "r"}}, "option `jwt` is missing"),
        ({"auth": {"method": "jwt", "jwt": {"env": "J"}, "mount": 5}}, "option `mount` must be a string"),
    ],
    ids=str,
)
def test_what_cannot_work(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    """It is refused when the backend is opened."""
    with pytest.raises(InvalidConfiguration) as caught:
        opened(tmp_path, **options)
    assert why in caught.value.message
    assert_no_leak(TYPED.encode(), caught.value.message, caught.value.hint)


@pytest.mark.parametrize(
    "address",
    [
        "vault.test:8200",
        "ftp://vault.test",
        "unix:///run/vault.sock",
        "https://",
        "https://user:pass@vault.test",
        "https://vault.test:99999",
        "https://vault.test:0",
        "https://vault.test?token=s.typed",
        "https://[::1",
        "https://va ult.test",
        "https://v\u00e4ult.test",
        "",
    ],
)
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    """As an option and in the environment; it may hold a password."""
    with pytest.raises(InvalidConfiguration, match="option `address` must be an http or https URL") as caught:
        opened(tmp_path, address=address)
    assert_no_leak(b"pass@", caught.value)
    assert_no_leak(b"s.typed", caught.value)
    if address:
        with pytest.raises(InvalidConfiguration, match=r"VAULT_ADDR .* must be an http or https URL"):
            Vault.open({}, context(tmp_path, "shop", environ={"VAULT_ADDR": address}))


def test_no_address(tmp_path: Path) -> None:
    """There is no default: a secret must not go where nobody meant it to."""
    with pytest.raises(InvalidConfiguration, match="option `address` is missing") as caught:
        Vault.open({}, context(tmp_path, "shop", environ={}))
    assert caught.value.hint == "for instance https://vault.example.com:8200"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "shop/payments/prod/db"),
        ({"path": "{scope}/{ref}", "prefix": "kestra/secrets"}, "kestra/secrets/payments/prod/db"),
        ({"path": "/{scope}/{ref}/", "prefix": "/dapr/"}, "dapr/payments/prod/db"),
        ({"path": "{scope}/kv-{ref}", "prefix": "{project}"}, "shop/payments/kv-prod/db"),
    ],
)
def test_where_a_secret_stands(options: dict[str, str], path: str) -> None:
    """The prefix goes in front of the path; slashes at the ends mean nothing."""
    assert VaultOptions(**options).template("shop").name(Address("payments", "prod/db")) == path


def test_purge_takes_a_capability_away(tmp_path: Path) -> None:
    """Of that one backend."""
    assert {str(c) for c in Vault.capabilities - opened(tmp_path, purge=True).capabilities} == {"soft-delete"}
    assert opened(tmp_path).capabilities == Vault.capabilities


def test_opening_reaches_for_nothing(tmp_path: Path) -> None:
    """Neither for the server nor for a file or a credential."""
    opened(
        tmp_path,
        ca_cert="missing.pem",
        client_cert="missing.pem",
        auth={"method": "userpass", "username": {"env": "UNSET"}, "password": {"file": "missing"}},
    ).close()


def test_https_in_capitals_is_still_tls(tmp_path: Path) -> None:
    """A scheme means the same in any case: the token never goes there in the clear."""
    from conformance.fakes.loopback import Answer, Handler, Server, running

    seen: list[bytes] = []

    class Plain(Handler):
        def respond(self) -> None:
            seen.append(self.headers["X-Vault-Token"].encode())
            self.send(Answer(body=b"{}"))

    with running(Server(Plain)) as url:
        backend = opened(tmp_path, address=url.replace("http://", "HTTPS://"))
        with pytest.raises(SyncerError):
            list(backend.observe(["s"], []))
        backend.close()
    assert seen == []
