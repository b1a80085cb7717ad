"""Where rules are tried: on the fake, or on a real server, in mounts that are removed again."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.fakes.vault.tokens import Grant
from conformance.fakes.vault.vault import ROOT_TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from conformance.fakes.vault.server import VaultServer
    from conformance.vault_rules.steps import Expected, Step

Paths = dict[str, list[str]]
"""A policy: capabilities by path."""
TRIES = 1000
"""How often a new mount of a real server may say that it is not ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)

    def part(self, path: str) -> Any:
        """Give the value at a dotted path."""
        value = self.document
        for name in path.split("."):
            value = value[name]
        return value

    def require(self, status: int, expected: Expected = None) -> Self:
        """Compare with what must come back, and with nothing that need not."""
        assert self.status == status, self.body
        match expected:
            case "":
                assert self.body == b""
            case str():
                (error,) = self.document["errors"]
                start = expected.removesuffix("...")
                assert error == expected or (start != expected and error.startswith(start))
            case dict():
                assert {path: self.part(path) for path in expected} == expected
        return self


class Client:
    """One connection, used by one thread at a time."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port)
        self.url = url
        self.token = token

    def call(  # what a request has
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Response:
        """Send a request as the owner, or with another token, or with none if that is empty."""
        token = self.token if token is None else token
        sent = {"X-Vault-Token": token} if token else {}
        data = raw if body is None else json.dumps(body).encode()
        self._connection.request(method, f"/v1/{path}", data, {**sent, **(headers or {})})
        with self._connection.getresponse() as response:
            return Response(status=response.status, headers=dict(response.getheaders()), body=response.read())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Ground(Client, ABC):
    """A server, and what only its owner can do there."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.flavour = "vault" if "enterprise" in self.call("GET", "sys/health").document else "openbao"

    def take(self, step: Step, mount: str, token: str | None = None) -> Response:
        """Take a step, and compare."""
        method, _, path = step.call.partition(" ")
        full = f"{mount}/{path}" if path else mount
        response = self.call(method, full, step.body, token=token, headers=step.headers, raw=step.raw)
        return response.require(*step.expectation(self.flavour))

    @abstractmethod
    def mount(self, version: int = 2, namespace: str = "") -> str:
        """Mount an empty KV engine, and give its path."""

    @abstractmethod
    def grant(self, paths: Paths, ttl: int = 3600, uses: int = 0) -> str:
        """Make a token with one policy, besides the default one."""

    @abstractmethod
    def namespace(self) -> str:
        """Make a namespace, and give its path."""

    @abstractmethod
    def user(self, password: str) -> str:
        """Make a user, who may nothing, and give the path to log in at."""

    @abstractmethod
    def approle(self) -> tuple[str, str, str]:
        """Make a role, and give the path to log in at and the two ids."""


class FakeGround(Ground):
    """The fake, in this process."""

    def __init__(self, server: VaultServer) -> None:
        super().__init__(server.url, ROOT_TOKEN)
        self.server = server

    def mount(self, version: int = 2, namespace: str = "") -> str:
        """Mount an empty engine."""
        name = fresh("kv")
        self.server.mount(name, version=version, namespace=namespace)
        return name

    def grant(self, paths: Paths, ttl: int = 3600, uses: int = 0) -> str:
        """Make a token with one policy."""
        name = fresh("policy")
        self.server.policy(name, paths)
        return self.server.token(Grant(policies=(name,), ttl=ttl, uses=uses))

    def namespace(self) -> str:
        """Make a namespace."""
        name = fresh("team")
        self.server.namespace(name)
        return name

    def user(self, password: str) -> str:
        """Make a user."""
        mount = fresh("userpass")
        self.server.user("ann", password, Grant(ttl=3600), mount=mount)
        return f"auth/{mount}/login/ann"

    def approle(self) -> tuple[str, str, str]:
        """Make a role."""
        mount = fresh("approle")
        self.server.approle("role", "secret", Grant(ttl=3600), mount=mount)
        return f"auth/{mount}/login", "role", "secret"


class RealGround(Ground):
    """A server that somebody has started, whose root token or the like is known."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self._made: list[str] = []

    def _make(self, method: str, path: str, body: Any, namespace: str = "") -> Response:
        response = self.call(method, path, body, headers={"X-Vault-Namespace": namespace})
        assert response.status in {200, 204}, response.body
        self._made.append(f"{namespace}/{path}" if namespace else path)
        return response

    def mount(self, version: int = 2, namespace: str = "") -> str:
        """Mount an empty engine."""
        name = fresh("kv")
        self._make("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": str(version)}}, namespace)
        where = f"{namespace}/{name}" if namespace else name
        ready = 200 if version == 2 else 404
        assert any(self.call("GET", f"{where}/config").status == ready for _ in range(TRIES))
        return name

    def grant(self, paths: Paths, ttl: int = 3600, uses: int = 0) -> str:
        """Make a token with one policy."""
        name = fresh("policy")
        document = {"path": {path: {"capabilities": capabilities} for path, capabilities in paths.items()}}
        self._make("PUT", f"sys/policies/acl/{name}", {"policy": json.dumps(document)})
        made = self.call("POST", "auth/token/create", {"policies": [name], "ttl": ttl, "num_uses": uses})
        token: str = made.part("auth.client_token")
        return token

    def namespace(self) -> str:
        """Make a namespace."""
        name = fresh("team")
        self._make("POST", f"sys/namespaces/{name}", {})
        return name

    def user(self, password: str) -> str:
        """Make a user."""
        mount = fresh("userpass")
        self._make("POST", f"sys/auth/{mount}", {"type": "userpass"})
        self.call("POST", f"auth/{mount}/users/ann", {"password": password, "token_ttl": 3600})
        return f"auth/{mount}/login/ann"

    def approle(self) -> tuple[str, str, str]:
        """Make a role."""
        mount = fresh("approle")
        self._make("POST", f"sys/auth/{mount}", {"type": "approle"})
        role = f"auth/{mount}/role/ci"
        self.call("POST", role, {"token_ttl": 3600})
        role_id = self.call("GET", f"{role}/role-id").part("data.role_id")
        secret_id = self.call("POST", f"{role}/secret-id", {}).part("data.secret_id")
        return f"auth/{mount}/login", role_id, secret_id

    def close(self) -> None:
        """Remove mounts, policies and namespaces, the last first."""
        for path in reversed(self._made):
            self.call("DELETE", path)
        super().close()


def fresh(kind: str) -> str:
    """Give a name that nobody else has."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"
