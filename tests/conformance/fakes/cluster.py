"""As much of a Kubernetes API over HTTPS as somebody needs who reads Secrets in a pod.

https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
"""

from __future__ import annotations

import base64
import json
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.certificates import Authority
from conformance.fakes.child import HOST
from conformance.fakes.loopback import Answer, Handler, Server, running

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKEN = "tok-3f7b-of-the-service-account"
JSON = (("Content-Type", "application/json"),)


@dataclass
class Cluster:
    """Its Secrets, and what a pod finds: variables and a folder."""

    account: Path
    secrets: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    """By namespace and name."""
    forbidden: set[str] = field(default_factory=set)
    """Namespaces in which the service account may not read."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """What is said instead, by path."""
    paths: list[str] = field(default_factory=list)
    """What was asked for."""
    environ: Mapping[str, str] = field(default_factory=dict)

    def answer(self, path: str, authorization: str | None) -> Answer:
        """Answer one GET."""
        self.paths.append(path)
        if path in self.answers:
            return self.answers[path]
        if authorization != f"Bearer {TOKEN}":
            return _status(401, "Unauthorized")
        match path.split("/"):
            case ["", "api", "v1", "namespaces", namespace, "secrets", name]:
                return self._secret(namespace, name)
        return _status(404, "the server could not find the requested resource")

    def _secret(self, namespace: str, name: str) -> Answer:
        if namespace in self.forbidden:
            return _status(403, f'secrets "{name}" is forbidden')
        held = self.secrets.get((namespace, name))
        if held is None:
            return _status(404, f'secrets "{name}" not found')
        data = {key: base64.b64encode(value).decode() for key, value in held.items()}
        return _json(
            {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, **({"data": data} if data else {})}
        )


def _status(code: int, message: str) -> Answer:
    return _json({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}, code)


def _json(document: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status=status, headers=JSON, body=json.dumps(document).encode())


class _Handler(Handler):
    server: _Server

    def respond(self) -> None:
        """Answer one call."""
        self.send(self.server.cluster.answer(self.path, self.headers["Authorization"]))

    def handle(self) -> None:
        """Serve until either side goes away, be it in the middle of a TLS record."""
        with suppress(OSError):
            super().handle()


class _Server(Server):
    def __init__(self, cluster: Cluster, tls: ssl.SSLContext) -> None:
        super().__init__(_Handler)
        self.cluster = cluster
        self._tls = tls

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands."""
        connection, address = super().get_request()
        wrapped = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Serve one in threads of this process; `folder` gets what a pod's service account has."""
    folder.mkdir()
    authority = Authority(folder)
    certificate, key = authority.issue(HOST)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
    (folder / "token").write_text(f"{TOKEN}\n")
    made = Cluster(folder)
    server = _Server(made, tls)
    made.environ = {
        "KUBERNETES_SERVICE_HOST": HOST,
        "KUBERNETES_SERVICE_PORT": str(server.server_address[1]),
    }
    with running(server):
        yield made
