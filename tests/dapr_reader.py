"""Dapr's secrets API as an application sees it: from a reader that follows its rules, or from a real sidecar.

The rules are those of pkg/api/universal/secrets.go and pkg/config/configuration.go of dapr/dapr, and of
secretstores/ in dapr/components-contrib. `DAPRD_BIN` names a sidecar to run beside the reader.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Answer = tuple[int, Any]
"""A status, and the JSON document, or the text of what is none."""
HOST = "127.0.0.1"


class Missing(Exception):
    """A store has no such secret, or cannot be reached."""


class Sidecar(Protocol):
    """What an application talks to."""

    def get(self, store: str, key: str, **metadata: str) -> Answer:
        """Ask for one secret."""

    def bulk(self, store: str) -> Answer:
        """Ask for all of them."""


@dataclass(frozen=True)
class Http:
    """Asks a server."""

    url: str
    token: str | None = None

    def get(self, store: str, key: str, **metadata: str) -> Answer:
        """Ask for one secret, its name encoded as Dapr's documentation says."""
        query = urlencode({f"metadata.{name}": text for name, text in metadata.items()})
        return self.ask(f"/v1.0/secrets/{quote(store, safe='')}/{quote(key, safe='')}?{query}")

    def bulk(self, store: str) -> Answer:
        """Ask for all of them."""
        return self.ask(f"/v1.0/secrets/{quote(store, safe='')}/bulk")

    def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for anything."""
        if self.token is not None:
            headers["dapr-api-token"] = self.token
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=30)) as connection:
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            kind = answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if kind.startswith("application/json") else text


class Store(Protocol):
    """A secret store, once its component is loaded."""

    def get(self, name: str, metadata: Mapping[str, str]) -> dict[str, str]:
        """Give the values of a secret. Raise Missing."""

    def bulk(self) -> dict[str, dict[str, str]]:
        """Give all of them."""


class LocalFile:
    """`secretstores.local.file`: a JSON object, read once."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        with open(metadata["secretsFile"], encoding="utf-8") as file:  # noqa: PTH123  # as the component names it
            document = json.load(file)
        self._separator = metadata.get("nestedSeparator") or ":"
        if metadata.get("multiValued") == "true":
            kept = {name: found for name, found in document.items() if isinstance(found, str | dict)}
            self._secrets = {
                name: {name: found} if isinstance(found, str) else self._flat(found) for name, found in kept.items()
            }
        else:
            self._secrets = {name: {name: found} for name, found in self._flat(document).items()}

    def get(self, name: str, _metadata: Mapping[str, str]) -> dict[str, str]:
        """Look it up."""
        if name not in self._secrets:
            raise Missing(name)
        return self._secrets[name]

    def bulk(self) -> dict[str, dict[str, str]]:
        """Give everything."""
        return self._secrets

    def _flat(self, document: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for path, leaf in self._paths(document, ()):
            name = self._separator.join(path)
            if name in found:
                break  # an error that nobody looks at: what comes after is lost
            found[name] = leaf if isinstance(leaf, str) else f"%!s({type(leaf).__name__}={leaf})"
        return found

    def _paths(self, found: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        if not isinstance(found, dict | list):
            yield above, found
            return
        for name, inner in found.items() if isinstance(found, dict) else enumerate(found):
            yield from self._paths(inner, (*above, str(name)))


class VaultStore:
    """`secretstores.hashicorp.vault` in its map mode: KV version 2."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self._address, self._token = metadata["vaultAddr"], metadata["vaultToken"]
        self._engine = metadata.get("enginePath") or "secret"
        prefix = metadata.get("vaultKVPrefix") or "dapr"
        self._prefix = "" if metadata.get("vaultKVUsePrefix") == "false" else f"{prefix}/"

    def get(self, name: str, metadata: Mapping[str, str]) -> dict[str, str]:
        """Read a version; the newest is 0."""
        version = metadata.get("version_id", "0")
        found = self._ask("GET", f"data/{self._prefix}{name}?version={version}")["data"]["data"]
        if not all(isinstance(text, str) for text in found.values()):
            raise Missing(name)  # a map of strings cannot take it
        return dict(found)

    def bulk(self) -> dict[str, dict[str, str]]:
        """Read all below the prefix; what is not there in a version is left out."""
        found = {}
        for name in self._names(""):
            try:
                found[name] = self.get(name, {})
            except Missing:
                continue
        return found

    def _names(self, folder: str) -> Iterator[str]:
        for name in self._ask("LIST", f"metadata/{self._prefix}{folder}")["data"]["keys"]:
            if name.endswith("/"):
                yield from self._names(folder + name)
            else:
                yield folder + name

    def _ask(self, method: str, path: str) -> Any:
        with closing(HTTPConnection(urlsplit(self._address).netloc, timeout=30)) as connection:
            connection.request(method, f"/v1/{self._engine}/{path}", headers={"X-Vault-Token": self._token})
            answer = connection.getresponse()
            document = json.loads(answer.read() or b"{}")
        if answer.status != 200:
            raise Missing(path)
        return document


class AwsStore:
    """`secretstores.aws.secretmanager`."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        import boto3

        self._client = boto3.client(
            "secretsmanager",
            region_name=metadata["region"],
            endpoint_url=metadata.get("endpoint"),
            aws_access_key_id=metadata["accessKey"],
            aws_secret_access_key=metadata["secretKey"],
        )
        self._several = metadata.get("multipleKeyValuesPerSecret") == "true"

    def get(self, name: str, metadata: Mapping[str, str]) -> dict[str, str]:
        """Read a version, or the current one."""
        asked = {"VersionId": metadata["version_id"]} if "version_id" in metadata else {}
        try:
            found = self._client.get_secret_value(SecretId=name, **asked)
        except self._client.exceptions.ClientError:
            raise Missing(name) from None
        return self._formatted(found["Name"], found["SecretString"])

    def bulk(self) -> dict[str, dict[str, str]]:
        """Read all that there is in the region."""
        pages = self._client.get_paginator("list_secrets").paginate()
        return {entry["Name"]: self.get(entry["Name"], {}) for page in pages for entry in page["SecretList"]}

    def _formatted(self, name: str, text: str) -> dict[str, str]:
        if not self._several:
            return {name: text}
        try:
            found = json.loads(text)
        except ValueError:
            return {name: text}
        return {key: part if isinstance(part, str) else json.dumps(part) for key, part in found.items()}


STORES: dict[str, Callable[[Mapping[str, str]], Store]] = {
    "secretstores.local.file": LocalFile,
    "secretstores.hashicorp.vault": VaultStore,
    "secretstores.aws.secretmanager": AwsStore,
}


@dataclass
class Reader:
    """A sidecar's part that has to do with secrets. It looks at its components at each call, and so reloads them."""

    resources: Path
    configuration: Path | None = None
    _loaded: dict[str, tuple[Any, Store]] = field(default_factory=dict)

    def get(self, store: str, key: str, **metadata: str) -> Answer:
        """Answer for one secret."""
        found = self._store(store)
        if isinstance(found, tuple):
            return found
        if not self._allows(store, key):
            return _problem(403, "PERMISSION_DENIED")
        try:
            return 200, found.get(key, metadata)
        except Missing:
            return _problem(500, "SECRET_GET")

    def bulk(self, store: str) -> Answer:
        """Answer for all of them; what is denied is left out."""
        found = self._store(store)
        if isinstance(found, tuple):
            return found
        try:
            return 200, {name: values for name, values in found.bulk().items() if self._allows(store, name)}
        except Missing:
            return _problem(500, "SECRET_GET")

    def _store(self, name: str) -> Store | Answer:
        components = self._components()
        for each, spec in components.items():
            if each not in self._loaded or self._loaded[each][0] != spec:
                metadata = {item["name"]: item["value"] for item in spec["metadata"]}
                self._loaded[each] = spec, STORES[spec["type"]](metadata)
        if not components:
            return _problem(500, "SECRET_STORES_NOT_CONFIGURED")
        return self._loaded[name][1] if name in components else _problem(401, "SECRET_STORE_NOT_FOUND")

    def _components(self) -> dict[str, Any]:
        """Give what each component says, by its name."""
        files = [path for path in sorted(self.resources.iterdir()) if path.suffix in {".yaml", ".yml"}]
        documents = [document for path in files for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader)]
        return {
            document["metadata"]["name"]: document["spec"]
            for document in documents
            if (document["apiVersion"], document["kind"]) == ("dapr.io/v1alpha1", "Component")
        }

    def _allows(self, store: str, name: str) -> bool:
        """Decide in Dapr's order."""
        document = yaml.load(self.configuration.read_bytes(), yaml.CSafeLoader) if self.configuration else {}
        for scope in document.get("spec", {}).get("secrets", {}).get("scopes", []):
            if scope["storeName"] == store:
                if scope["allowedSecrets"]:
                    return name in scope["allowedSecrets"]
                if name in scope["deniedSecrets"]:
                    return False
                return str(scope["defaultAccess"]).lower() != "deny"
        return True


def _problem(status: int, code: str) -> Answer:
    return status, {"errorCode": f"ERR_{code}"}


_PINNED = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: pinned}
spec:
  nameResolution:
    component: sqlite
    version: v1
    configuration: {connectionString: ":memory:"}
"""
"""Names are not asked for on the network."""


@contextmanager
def daprd(resources: Path, configuration: Path | None = None) -> Iterator[Http]:
    """Run the sidecar of `DAPRD_BIN` on loopback, without a control plane."""
    pinned = resources.parent / "pinned.yaml"
    pinned.write_text(_PINNED)
    configurations = [f"--config={path}" for path in (configuration, pinned) if path]
    http, grpc, internal = _free_ports(3)
    command = [
        os.environ["DAPRD_BIN"],
        "--app-id=checkout",
        f"--resources-path={resources}",
        *configurations,
        f"--dapr-http-port={http}",
        f"--dapr-grpc-port={grpc}",
        f"--dapr-internal-grpc-port={internal}",
        f"--dapr-listen-addresses={HOST}",
        f"--dapr-internal-grpc-listen-address={HOST}",
        "--enable-metrics=false",
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(resources.parent)}
    with (
        (resources.parent / "daprd.log").open("wb") as log,
        subprocess.Popen(command, env=environ, cwd=resources.parent, stdout=log, stderr=log) as process,
    ):
        try:
            sidecar = Http(f"http://{HOST}:{http}")
            until(lambda: _is_healthy(sidecar, process))
            yield sidecar
        finally:
            process.terminate()


def _is_healthy(sidecar: Http, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the sidecar has ended"
    try:
        return sidecar.ask("/v1.0/healthz")[0] == 204
    except OSError:
        return False


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Ask again and again, and fail where it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server((HOST, 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@contextmanager
def reader(resources: Path, configuration: Path | None = None) -> Iterator[Sidecar]:
    """Give the reader that follows the rules."""
    yield Reader(resources, configuration)


def write_component(folder: Path, name: str, kind: str, metadata: Mapping[str, str]) -> Path:
    """Write a component, as its operator would, and give the folder that holds it."""
    items = [{"name": item, "value": value} for item, value in metadata.items()]
    spec = {"type": kind, "version": "v1", "metadata": items}
    document = {"apiVersion": "dapr.io/v1alpha1", "kind": "Component", "metadata": {"name": name}, "spec": spec}
    resources = folder / "resources"
    resources.mkdir()
    (resources / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return resources


KINDS = {"reader": reader, "daprd": daprd}


def run_sidecar(kind: str) -> Callable[..., Any]:
    """Give what runs a sidecar over a folder of components and a Configuration; skip where there is none."""
    if kind == "daprd" and not os.environ.get("DAPRD_BIN"):
        pytest.skip("DAPRD_BIN names no sidecar")
    return KINDS[kind]
