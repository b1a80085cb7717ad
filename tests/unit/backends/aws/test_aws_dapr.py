"""`reader: dapr`: a secret store of Dapr that is Secrets Manager reads what is written there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from dapr_reader import KINDS, run_sidecar, write_component
from stores import AWS

from syncer.errors import InvalidConfiguration
from syncer.model import Address
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.aws import Store


@pytest.fixture
def syncer(
    store: Store, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Folder:
    """The command line, in an environment that leads to moto."""
    assert store
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder


@pytest.fixture(params=sorted(KINDS))
def sidecar(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What runs a sidecar."""
    return run_sidecar(request.param)


def component(url: str, folder: Path, *, several: bool) -> Path:
    """Write a component that goes to moto, and give the folder that holds it."""
    metadata = {
        "region": AWS["AWS_REGION"],
        "accessKey": AWS["AWS_ACCESS_KEY_ID"],
        "secretKey": AWS["AWS_SECRET_ACCESS_KEY"],
        "endpoint": url,
        "multipleKeyValuesPerSecret": str(several).lower(),
    }
    return write_component(folder, "aws", "secretstores.aws.secretmanager", metadata)


@pytest.mark.parametrize("several", [False, True])
def test_3e6_plain_text_and_objects(
    aws: str,
    store: Store,
    syncer: Folder,
    sidecar: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    several: bool,
) -> None:
    """A text is one value; an object is several where the component says so. The name is all of it."""
    fields = {"user": "app", "password": "00123", "nested": '{"a": 1}'}
    monkeypatch.setenv("VALUE", json.dumps(fields) if several else "v\n1")
    where: dict[str, Any] = {
        "type": "aws-secrets-manager",
        "reader": "dapr",
        "name": "{scope}/{ref}",
        "prefix": store.prefix,
        "format": "json" if several else "string",
    }
    syncer.declare({"payments:prod/db": {"source": {"env": "VALUE"}}}, backend=where)
    syncer.apply()
    name = f"{store.prefix}payments/prod/db"
    (version,) = (entry["VersionId"] for entry in _versions(store, name))
    with sidecar(component(aws, syncer.path, several=several)) as asked:
        assert asked.get("aws", name) == (200, fields if several else {name: "v\n1"})
        monkeypatch.setenv("VALUE", json.dumps({"user": "other"}) if several else "v2")
        syncer.apply()
        assert asked.get("aws", name) == (200, {"user": "other"} if several else {name: "v2"})
        assert asked.get("aws", name, version_id=version) == (200, fields if several else {name: "v\n1"})
        assert asked.get("aws", f"{name}/no")[0] == 500


def _versions(store: Store, name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = store.client.list_secret_version_ids(SecretId=name)["Versions"]
    return listed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "binary"}, "option `reader` dapr goes with text: Dapr reads no binary"),
        ({"excluded_tag": {"off": "true"}}, "option `excluded_tag` goes with `reader: kestra`"),
    ],
)
def test_options_that_cannot_work(store: Store, options: dict[str, Any], told: str) -> None:
    """What Dapr would not read, and what is for another reader."""
    with pytest.raises(InvalidConfiguration) as caught:
        store.open(reader="dapr", **options)
    assert caught.value.message == told


def test_nothing_of_another_reader(store: Store) -> None:
    """Neither its tags, nor its rules for names, nor its namespaces."""
    backend = store.open(reader="dapr")
    secret = declared(Address("payments", "2fa"))
    assert backend.declare(secret) is secret
    backend.check(secret)
    assert not backend.inherits
