"""What happens to a request, from the first check to the log."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.vault import system
from conformance.fakes.vault.calls import Call
from conformance.fakes.vault.clock import Clock
from conformance.fakes.vault.flavours import FLAVOURS
from conformance.fakes.vault.namespaces import Mount, Namespace
from conformance.fakes.vault.nodes import Node, Role
from conformance.fakes.vault.replies import (
    DENIED,
    SLASH_WRITTEN,
    Refused,
    Reply,
    counted_error,
    envelope,
    errors,
    no_route,
    redirect,
)
from conformance.fakes.vault.requests import READS, WRITES, Operation, Raw, Request, namespace_of, parse
from conformance.fakes.vault.tokens import Grant, Token, Tokens

if TYPE_CHECKING:
    from conformance.fakes.loopback import Answer

SEALED = errors(503, "Vault is sealed")
NO_TOKEN = errors(403, "permission denied")
"""Also where the token is there, but the path is one that asks for none and does not exist."""
NODE_PATHS = frozenset({"/v1/sys/health", "/v1/sys/seal-status"})


@dataclass(slots=True, kw_only=True)
class Logged:
    """One request, as a policy sees it."""

    method: str
    path: str
    """Inside the namespace; a listing's ends in a slash."""
    namespace: str = ""
    """Empty, or ending in a slash."""
    capability: str = ""
    """What a policy must grant; empty where nobody asked a policy."""
    status: int = 0


class Core:
    """A node of a Vault cluster. Each request is carried out under one lock: nothing comes between a check and a write."""

    def __init__(self, flavour: str = "vault", *, clock: Clock | None = None, root_token: str = "root") -> None:
        self.flavour = FLAVOURS[flavour]
        self.clock = clock or Clock()
        self.root_token = root_token
        self.sealed = False
        self.role = Role.ACTIVE
        self.active_url = ""
        """Where a node that is not active sends those who write, or read, there."""
        self.log: list[Logged] = []
        self.namespaces = {"": Namespace("")}
        self.tokens = Tokens(self.flavour.token_prefix)
        grant = Grant(policies=("root",), renewable=False, default_policy=False)
        self.tokens.issue(grant, self.clock.nanoseconds, spelling=root_token)
        self.lock = threading.Lock()

    def answer(self, raw: Raw) -> Answer:
        """Carry a request out, and note it."""
        logged = Logged(method=raw.method, path=raw.target.partition("?")[0].removeprefix("/v1/"))
        with self.lock:
            reply = self._reply(raw, logged)
            logged.status = reply.status
            self.log.append(logged)
        return self._finished(reply, raw)

    def _finished(self, reply: Reply, raw: Raw) -> Answer:
        if isinstance(reply.body, dict) and not self.flavour.mount_types:
            reply.body.pop("mount_type", None)
        answer = reply.answer()
        namespace = raw.headers.get("x-vault-namespace")
        if namespace:
            answer = replace(answer, headers=(*answer.headers, ("X-Vault-Namespace", namespace)))
        return answer
