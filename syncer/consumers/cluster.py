"""Reads Secrets of the Kubernetes cluster in which this process runs, as its service account.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from syncer.backends.base import Backend
from syncer.errors import InvalidConfiguration, NotFound, SyncerError, Unsupported
from syncer.parallel import run
from syncer.rest.client import Client
from syncer.rest.messages import Request, garbled
from syncer.rest.options import RestOptions
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from syncer.engine.session import Session
    from syncer.handles import ClusterKey
    from syncer.model import Address, Observed, Secret
    from syncer.rest.messages import Answer

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and the certificate of the API's authority."""
_SECONDS = 5


class Kubernetes(Backend):
    """As much of a backend as a line to the API asks for."""

    type_name: ClassVar[str] = "kubernetes"
    concurrency = 8
    Options: ClassVar[type[RestOptions]] = RestOptions

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Raise Unsupported: no manifest can declare one."""
        del scopes, addresses
        self._cannot("observe")

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Raise Unsupported."""
        del value
        self._cannot(f"create {secret.address}")

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Raise Unsupported."""
        del value, expected
        self._cannot(f"rotate {secret.address}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The API of the cluster around us."""

    session: Session
    account: Path = SERVICE_ACCOUNT

    def read(self, keys: Iterable[ClusterKey]) -> dict[ClusterKey, Sensitive | SyncerError]:
        """Give the values; each Secret is asked for once."""
        wanted = sorted(set(keys))
        try:
            client = self._client()
        except SyncerError as error:
            return dict.fromkeys(wanted, error)
        places = sorted({(key.namespace, key.name) for key in wanted})
        try:
            answers = dict(zip(places, run(lambda place: self._ask(client, *place), places, 8), strict=True))
        finally:
            client.close()
        return {key: _value(answers[key.namespace, key.name], key) for key in wanted}

    def _ask(self, client: Client, namespace: str, name: str) -> Mapping[str, object] | SyncerError:
        request = Request(
            method="GET",
            path=f"/api/v1/namespaces/{namespace}/secrets/{name}",
            thing=f"secret {namespace}/{name}",
            right=f"`get` on the secret {name} in namespace {namespace}",
        )
        try:
            return self.session.surroundings.retry.call(lambda: _data(client.call(request)))
        except SyncerError as error:
            return error

    def _client(self) -> Client:
        backend = Kubernetes.open(
            {
                "url": self._url(),
                "token": {"file": str(self.account / "token"), "trim": True},
                "ca_cert": str(self.account / "ca.crt"),
                "timeout": f"{_SECONDS}s",
            },
            self.session.context(),
        )
        return Client(backend, backend.options.at(backend.context))

    def _url(self) -> str:
        environ = self.session.surroundings.environ
        host, port = (environ.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
        if not (host and port):
            message = "this process does not run in a Kubernetes cluster: KUBERNETES_SERVICE_HOST and _PORT are not set"
            raise InvalidConfiguration(message)
        return f"https://[{host}]:{port}" if _is_v6(host) else f"https://{host}:{port}"


def _is_v6(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address)
    except ValueError:
        return False


def _data(answer: Answer) -> Mapping[str, object]:
    document = answer.document
    found = document.get("data") or {} if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise garbled(answer)
    return found


def _value(answer: Mapping[str, object] | SyncerError, key: ClusterKey) -> Sensitive | SyncerError:
    if isinstance(answer, SyncerError):
        return answer
    if key.key not in answer:
        return NotFound(f"secret {key.namespace}/{key.name} has no key {key.key}")
    try:
        return Sensitive(base64.b64decode(str(answer[key.key]), validate=True))
    except ValueError:
        return Unsupported(f"secret {key.namespace}/{key.name}: what is under the key {key.key} is not base64")
