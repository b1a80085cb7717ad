"""`reader: dapr`: a secret store of Dapr that is Vault finds each secret and each of its fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from conformance.fakes.vault.vault import ROOT_TOKEN
from dapr_reader import KINDS, VaultStore, run_sidecar, write_component
from support import secret

from syncer.backends.vault.options import VaultOptions
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.model import Address
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vault_bench import Bench

ONE = Address("payments", "prod/db")


@pytest.fixture
def syncer(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Folder:
    """The command line, with the token in its environment."""
    monkeypatch.setenv("VAULT_ADDR", bench.proxy.url)
    monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder


@pytest.fixture(params=sorted(KINDS))
def sidecar(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What runs a sidecar."""
    return run_sidecar(request.param)


def component(bench: Bench, folder: Path, **metadata: str) -> Path:
    """Write a component for the fake, and give the folder that holds it."""
    given = {"vaultAddr": bench.proxy.url, "vaultToken": ROOT_TOKEN, **metadata}
    return write_component(folder, "vault", "secretstores.hashicorp.vault", given)


@pytest.mark.parametrize("flavour", ["vault", "openbao"])
def test_3e5_dapr_reads_every_field(
    bench: Bench, syncer: Folder, sidecar: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At `<engine>/data/<vaultKVPrefix>/<name>`, all of them strings; an old value by its version."""
    monkeypatch.setenv("DB", json.dumps({"user": "app", "password": "00123"}))
    monkeypatch.setenv("OFF", json.dumps({"token": "hidden"}))
    entries: dict[str, Any] = {
        "payments:prod/db": {"source": {"env": "DB"}},
        "payments:off": {"source": {"env": "OFF"}, "enabled": False},
        "other:prod/db": {"source": {"env": "OFF"}},
    }
    syncer.declare(entries, backend={"type": "vault", "reader": "dapr", "format": "json"})
    syncer.apply()
    first = {"user": "app", "password": "00123"}
    assert bench.raw.fields("dapr/payments/prod/db") == first
    assert bench.raw.ask("GET", "secret/data/dapr/payments/prod/db?version=0")[1]["data"]["data"] == first
    with sidecar(component(bench, syncer.path, vaultKVPrefix="dapr/payments")) as asked:
        assert asked.get("vault", "prod/db") == (200, first)
        assert asked.bulk("vault") == (200, {"prod/db": first})
        assert asked.get("vault", "off")[0] == 500
        second = {"user": "app", "password": "rotated", "new": "one"}
        monkeypatch.setenv("DB", json.dumps(second))
        syncer.apply()
        assert asked.get("vault", "prod/db") == (200, second)
        assert asked.get("vault", "prod/db", version_id="1") == (200, first)
        assert asked.get("vault", "prod/db", version_id="9")[0] == 500
    assert json.loads(syncer.fine("get", "payments:prod/db", "--version", "1")) == first


def test_3e5_the_default_prefix(bench: Bench, syncer: Folder, sidecar: Callable[..., Any]) -> None:
    """A component that names none finds every scope, each a folder."""
    (syncer.path / "value").write_bytes(b"v1")
    syncer.declare({f"{scope}:a": {"source": {"file": "value"}} for scope in ("one", "two")}, backend=_where())
    syncer.apply()
    with sidecar(component(bench, syncer.path)) as asked:
        assert asked.get("vault", "one/a") == (200, {"value": "v1"})
        assert asked.bulk("vault") == (200, {"one/a": {"value": "v1"}, "two/a": {"value": "v1"}})


def _where(**options: str) -> dict[str, str]:
    return {"type": "vault", "reader": "dapr", **options}


@pytest.mark.parametrize("value", ['{"port": 5432}', '{"a": {"b": "c"}}', '{"a": null}', '{"a": ""}', '{"a": ["b"]}'])
def test_fields_that_are_no_strings(bench: Bench, value: str) -> None:
    """Refused while planning, for one of them fails the whole read."""
    bench.raw.put("dapr/payments/theirs", json.loads(value))
    assert bench.raw.fields("dapr/payments/theirs") == json.loads(value)
    house = bench.house(reader="dapr", format="json")
    house.environ["VALUE"] = value
    house.declare(secret("payments:db"))
    (found,) = house.plan().diagnostics
    assert "with `reader: dapr`, each field is a string that is not empty" in found.message


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "dapr/payments/prod/db"),
        ({"prefix": ""}, "payments/prod/db"),
        ({"prefix": "apps/blue"}, "apps/blue/payments/prod/db"),
        ({"path": "{project}/{scope}/{ref}"}, "dapr/shop/payments/prod/db"),
    ],
)
def test_where_a_secret_stands(options: dict[str, str], path: str) -> None:
    """Below Dapr's own prefix unless another is given, in a folder of its scope."""
    assert VaultOptions(reader="dapr", **options).template("shop").name(ONE) == path


def test_what_cannot_be_asked_for(bench: Bench) -> None:
    """A path that ends in more than the name, and the one name that is none."""
    with pytest.raises(InvalidConfiguration, match=r"option `path` must end in /\{ref\} with `reader: dapr`"):
        VaultOptions(reader="dapr", path="{scope}/kv-{ref}")
    backend = bench.open(reader="dapr")
    for ref in ("prod/db", "Bulk", "bulk/a", "2fa"):
        backend.check(declared(Address("payments", ref)))
    with pytest.raises(Unsupported, match="Dapr's API gives all secrets under this name"):
        backend.check(declared(Address("payments", "bulk")))
    assert not backend.inherits


def test_the_reader_refuses_what_dapr_refuses(bench: Bench) -> None:
    """One field that is no string fails a read of all of them."""
    bench.raw.put("dapr/a", {"a": "b", "port": 1})
    store = VaultStore({"vaultAddr": bench.proxy.url, "vaultToken": ROOT_TOKEN})
    assert store.bulk() == {}
