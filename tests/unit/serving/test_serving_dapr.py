"""What is answered, whoever asks and however it travels."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.datastructures import Headers

from syncer.consumers.access import Allows, Rights
from syncer.consumers.consume import Found
from syncer.errors import AccessDenied, NotFound, SyncerError, Transient
from syncer.model import Access, Address
from syncer.sensitive import Sensitive
from syncer.serving.dapr import SecretsApi, Store
from syncer.serving.door import Door, is_loopback


@dataclass
class Values:
    """Holds one value, or fails."""

    error: SyncerError | None = None
    asked: list[object] = field(default_factory=list)

    def value(self, address: Address, version: str | None, allows: Allows) -> Found:
        """Give it."""
        assert allows(address)
        self.asked.append((address, version))
        if self.error is not None:
            raise self.error
        return Found(address, Sensitive(b"canary"))

    def scope(self, scope: str, allows: Allows) -> dict[str, Found]:
        """Give two, as far as they are allowed."""
        self.asked.append(scope)
        if self.error is not None:
            raise self.error
        return {ref: Found(at, Sensitive(b"canary")) for ref in "ab" if allows(at := Address(scope, ref))}


def rights(scope: str, access: Access) -> Rights:
    """Give those of an application that one scope names."""
    return Rights(by_scope={scope: access})


def answered(api: SecretsApi, store: str, key: str | None) -> tuple[int, Any]:
    """Ask, and read the document."""
    reply = api.bulk(store) if key is None else api.secret(store, key)
    return reply.status, json.loads(reply.document.reveal())


def test_whom_it_asks_for_what() -> None:
    """The scope behind the store, and nothing where the answer is known before."""
    values = Values()
    api = SecretsApi(values, {"vault": Store(scope="payments", rights=rights("payments", Access(denied=("b",))))})
    assert answered(api, "vault", "a") == (200, {"a": "canary"})
    assert answered(api, "vault", "b")[0] == 403
    assert answered(api, "payments", "a")[0] == 401
    assert answered(api, "vault", None) == (200, {"a": {"a": "canary"}})
    assert values.asked == [(Address("payments", "a"), None), "payments"]
    api.secret("vault", "a", "7")
    assert values.asked[-1] == (Address("payments", "a"), "7")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("gone"), 500, "ERR_SECRET_GET"),
        (Transient("down"), 500, "ERR_SECRET_GET"),
        (AccessDenied("disabled"), 403, "ERR_PERMISSION_DENIED"),
    ],
)
def test_errors(error: SyncerError, status: int, code: str) -> None:
    """For one secret; all of them are an error of the store, whatever it is."""
    api = SecretsApi(Values(error), {"s": Store(scope="s")})
    got, document = answered(api, "s", "a")
    assert (got, document["errorCode"]) == (status, code)
    got, document = answered(api, "s", None)
    assert (got, document["errorCode"]) == (500, "ERR_SECRET_GET")
    assert document["message"] == f"failed getting secrets from secret store s: {error.message}"


def test_messages_are_those_of_the_sidecar() -> None:
    """Word for word, as far as they are its own."""
    api = SecretsApi(Values(NotFound("gone")), {"s": Store(scope="s", rights=rights("s", Access(allowed=("a",))))})
    assert answered(SecretsApi(Values(), {}), "s", "a")[1]["message"] == "secret store is not configured"
    assert answered(api, "x", "a")[1]["message"] == "failed finding secret store with key x"
    assert answered(api, "s", "b")[1]["message"] == 'access denied by policy to get "b" from "s"'
    assert answered(api, "s", "a")[1]["message"] == "failed getting secret with key a from secret store s: gone"


def test_what_is_told() -> None:
    """Stores and refs that the manifest has, for a client may send anything in their place."""
    api = SecretsApi(Values(), {"s": Store(scope="s", refs=frozenset({"a"}))})
    assert api.spoken("s", "a") == ("s", "a")
    assert api.spoken("s", "bulk") == ("s", "bulk")
    assert api.spoken("s", "canary") == ("s", "-")
    assert api.spoken("canary", "a") == ("-", "-")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104  # what others ask for
        ("10.0.0.1", False),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, *, here: bool) -> None:
    """By address, or by the one name that it always has."""
    assert is_loopback(host) == here


@pytest.mark.parametrize("shown", ["", "canary", "canary-tokem", "canary-token "])
def test_tokens(shown: str) -> None:
    """Exactly the right one, wherever it is asked from."""
    door = Door(token=Sensitive(b"canary-token"))
    assert door.refusal(Headers({"dapr-api-token": shown, "host": "localhost"})) == 401
    assert door.refusal(Headers({"host": "localhost"})) == 401
    assert door.refusal(Headers({"DAPR-API-TOKEN": "canary-token", "host": "example.com"})) is None


def test_hosts() -> None:
    """Where no token is asked for, a page in a browser must not pass for an application of this host."""
    for host, refused in (("localhost:3500", None), ("[::1]:3500", None), ("example.com", 421), ("[", 421), ("", 421)):
        assert Door().refusal(Headers({"host": host})) == refused
        assert Door(here=False).refusal(Headers({"host": host})) is None
