"""`reader: kestra`: a Kestra whose secrets manager is Vault, read-only, finds each secret and each of its fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from conformance.fakes.vault.vault import ROOT_TOKEN
from support import env, secret

from syncer.backends.vault.options import VaultOptions
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.raw_vault import RawVault
    from vault_bench import Bench

ONE = Address("company.team", "DB")


@dataclass(frozen=True)
class Kestra:
    """Reads as Kestra does in read-only mode, in one namespace.

    https://kestra.io/docs/enterprise/governance/read-only-secrets: the folder says which secrets, `subkey` which field.
    """

    vault: RawVault
    secret_path_prefix: str

    def names(self) -> list[str]:
        """Name the secrets that it shows; the server names hidden ones too."""
        listed = self.vault.kv("LIST", "metadata", self.secret_path_prefix)
        return [name for name in listed.get("keys", []) if not name.endswith("/")]

    def secret(self, name: str, subkey: str) -> str:
        """Do what `secret('NAME', subkey='FIELD')` does in a flow."""
        status, document = self.vault.ask("GET", f"{self.vault.mount}/data/{self.secret_path_prefix}/{name}")
        if status == 404:
            raise LookupError(name)
        found = document["data"]["data"][subkey]
        assert isinstance(found, str)
        return found


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


def sources(monkeypatch: pytest.MonkeyPatch, **values: dict[str, str]) -> None:
    """Put JSON objects into the environment."""
    for name, fields in values.items():
        monkeypatch.setenv(name, json.dumps(fields))


@pytest.mark.parametrize("flavour", ["vault", "openbao"])
def test_1e6_kestra_reads_every_field(bench: Bench, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """At `<root>/data/<secret-path-prefix>/<name>`, all strings; to change one field keeps the others, also theirs."""
    raw, team = bench.raw, Kestra(bench.raw, "kestra/company.team")
    sources(monkeypatch, DB={"USER": "app", "PASSWORD": "00123"}, API={"TOKEN": "t0\nken"})
    declaration: dict[str, Any] = {
        "company.team:DB": {"source": {"env": "DB"}},
        "company.team:API_1": {"source": {"env": "API"}, "enabled": False},
        "company.team.sub:DB": {"source": {"env": "API"}},
    }
    where = {"type": "vault", "format": "json", "prefix": "kestra", "reader": "kestra"}
    syncer.declare(declaration, backend=where)
    syncer.apply()
    assert raw.fields("kestra/company.team/DB") == {"USER": "app", "PASSWORD": "00123"}
    assert (team.secret("DB", "USER"), team.secret("DB", "PASSWORD")) == ("app", "00123")
    assert team.names() == ["API_1", "DB"]
    with pytest.raises(LookupError):
        team.secret("API_1", "TOKEN")
    assert Kestra(raw, "kestra/company.team.sub").secret("DB", "TOKEN") == "t0\nken"

    raw.put("kestra/company.team/DB", {"USER": "app", "PASSWORD": "00123", "THEIRS": "kept"})
    assert syncer.fine("plan").startswith("No changes.")
    sources(monkeypatch, DB={"USER": "app", "PASSWORD": "rotated"})
    bench.proxy.log.clear()
    syncer.apply()
    assert raw.fields("kestra/company.team/DB") == {"USER": "app", "PASSWORD": "rotated", "THEIRS": "kept"}
    (write,) = [call for call in bench.proxy.log if call.method in ("POST", "PATCH") and "/data/" in call.path]
    assert write.document["options"] == {"cas": 2}

    declaration["company.team:API_1"]["enabled"] = True
    declaration["company.team:DB"]["enabled"] = False
    syncer.declare(declaration, backend=where)
    syncer.apply()
    assert team.secret("API_1", "TOKEN") == "t0\nken"
    with pytest.raises(LookupError):
        team.secret("DB", "USER")
    assert "No changes." in syncer.fine("plan")
    assert "No drift." in syncer.fine("drift")


@pytest.mark.parametrize(("options", "field"), [({}, "value"), ({"field": "PASSWORD"}, "PASSWORD")])
def test_one_field(bench: Bench, options: dict[str, str], field: str) -> None:
    """Without `format: json` the value is one field, which a flow names as `subkey`."""
    house = bench.house(reader="kestra", **options)
    house.declare(secret("company.team:DB"))
    assert not house.apply().failed
    assert Kestra(bench.raw, "company.team").secret("DB", field) == "v1"
    assert house.plan().changes == ()


def test_two_projects_share_a_folder(bench: Bench) -> None:
    """Each has its own secrets there: what is another's is a conflict, and is not written."""
    bench.raw.put("company.team/DB", {"value": "theirs"}, {"syncer:project": "other"})
    house = bench.house(reader="kestra")
    house.declare(secret("company.team:DB"), secret("company.team:API"))
    assert [(str(each.address), each.code) for each in house.plan().diagnostics] == [("company.team:DB", "conflict")]
    house.withdraw("company.team:DB")
    assert not house.apply().failed
    assert Kestra(bench.raw, "company.team").names() == ["API", "DB"]
    assert bench.raw.fields("company.team/DB") == {"value": "theirs"}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "company.team/DB"),
        ({"prefix": "kestra"}, "kestra/company.team/DB"),
        ({"path": "{project}/{scope}/{ref}"}, "shop/company.team/DB"),
        ({"path": "/{scope}/secrets/{ref}/", "prefix": "/a/"}, "a/company.team/secrets/DB"),
    ],
)
def test_where_a_secret_stands(options: dict[str, str], path: str) -> None:
    """In a folder of its namespace, by its own name."""
    assert VaultOptions(reader="kestra", **options).template("shop").name(ONE) == path


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"reader": CANARY.decode()}, "option `reader` must be one of kestra"),
        ({"reader": "kestra", "path": "{scope}/kv-{ref}"}, "option `path` must end in /{ref} with `reader: kestra`"),
        ({"reader": "kestra", "path": "{scope}/{ref}/x"}, "option `path` must end in /{ref} with `reader: kestra`"),
    ],
)
def test_options_that_cannot_work(options: dict[str, str], why: str) -> None:
    """Refused without repeating what stood there."""
    with pytest.raises(InvalidConfiguration) as caught:
        VaultOptions(**options)
    assert why in caught.value.message
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize("ref", ["DB", "_db", "Db_1"])
def test_refs_that_are_names(bench: Bench, ref: str) -> None:
    """They are taken as they are; the same one in two namespaces too."""
    backend = bench.open(reader="kestra")
    for scope in ("company.team", "company"):
        backend.check(declared(Address(scope, ref)))


@pytest.mark.parametrize("ref", ["prod/DB", "prod-db", "1DB", "a.b"])
def test_refs_that_are_no_names(bench: Bench, ref: str) -> None:
    """Refused while planning: no flow could name them."""
    house = bench.house(reader="kestra")
    house.declare(secret(f"company.team:{ref}"))
    (found,) = house.plan().diagnostics
    assert (found.code, found.message) == (
        "unsupported",
        f"company.team:{ref}: Kestra would call it `{ref}`, which is no name",
    )
    bench.open().check(declared(Address("company.team", ref)))


@pytest.mark.parametrize("field", [7, True, None, "", ["a"], {"a": "b"}])
def test_fields_that_are_no_strings(bench: Bench, field: object) -> None:
    """Refused while planning, without the names of fields, which are a part of the value."""
    house = bench.house(reader="kestra", format="json")
    house.environ["OBJECT"] = json.dumps({"USER": "app", CANARY.decode(): field})
    house.declare(secret("company.team:DB", env("OBJECT")))
    (found,) = house.plan().diagnostics
    assert (found.code, found.message) == (
        "unsupported",
        "company.team:DB: with `reader: kestra`, each field is a string that is not empty",
    )
    assert_no_leak(CANARY, found.message, found.hint)
    value = Sensitive(house.environ["OBJECT"].encode())
    with pytest.raises(Unsupported) as caught:
        bench.open(reader="kestra", format="json").create(declared(ONE), value)
    assert_no_leak(CANARY, caught.value)
    bench.open(format="json").check_value(declared(ONE), value)
