"""One request, from the first check to the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from conformance.fakes.vault.known import OF_TOKENS, Known
from conformance.fakes.vault.nodes import Node, Role
from conformance.fakes.vault.replies import SLASH_WRITTEN, Refused, Reply, envelope, errors, redirect, unknown_here
from conformance.fakes.vault.requests import READS, WRITES, Operation, namespace_of, parse

if TYPE_CHECKING:
    from conformance.fakes.vault.namespaces import Namespace
    from conformance.fakes.vault.requests import Raw, Request
    from conformance.fakes.vault.state import Logged, State
    from conformance.fakes.vault.tokens import Token

SEALED = errors(503, "Vault is sealed")
SECONDARY = errors(400, "path disabled in replication DR secondary mode")
NO_TOKEN = errors(403, "permission denied")
NO_NAMESPACE = errors(404, "namespace not found")
NOT_IN_NAMESPACES = errors(400, "operation unavailable in namespaces")
RELATIVE = errors(400, "relative paths not supported")
HEALTH = "/v1/sys/health"
SEAL_STATUS = "/v1/sys/seal-status"


@dataclass(slots=True)
class Exchange:
    """A request under way; the steps fill in what is known of it."""

    state: State
    raw: Raw
    logged: Logged
    now: int

    def reply(self) -> Reply:
        """Carry it out."""
        try:
            return self._node() or self._logical(parse(self.raw, self.state.flavour))
        except Refused as refused:
            return refused.reply

    def _node(self) -> Reply | None:
        """Reply to what is asked of the node itself; every node does, sealed or not."""
        state = self.state
        path, _, query = self.raw.target.partition("?")
        if path not in {HEALTH, SEAL_STATUS}:
            return None
        if self.raw.method not in {"GET", "HEAD"}:
            return errors(405)
        node = Node(role=state.role, sealed=state.sealed, now=self.now, flavour=state.flavour)
        if path == SEAL_STATUS:
            return node.seal_status()
        if state.flavour.namespaces and namespace_of(self.raw.headers):
            return NOT_IN_NAMESPACES
        return node.health(dict(parse_qsl(query)))

    def _logical(self, request: Request) -> Reply:
        self.logged.path = request.path
        if self.state.sealed:
            return SEALED
        token = self.state.tokens.find(request.token, self.now)
        self._send_away(request, token)
        namespace, path = self.state.place(request.namespace, request.path)
        if namespace is None:
            return NO_NAMESPACE
        self.logged.namespace, self.logged.path = namespace.path, path
        if request.operation in WRITES and path.endswith("/"):
            return SLASH_WRITTEN
        self._refuse_strange(path)
        return self._login(request, namespace, path) or self._known(request, token, namespace, path)

    def _refuse_strange(self, path: str) -> None:
        """Refuse names that were escaped to get by the router; the servers take them apart in surprising ways."""
        segments = path.removesuffix("/").split("/")
        relative = {".", ".."} & {*segments}
        if relative and not self.state.flavour.relative_names:
            raise Refused(RELATIVE)
        if relative or "" in segments[1:]:
            raise Refused(unknown_here("names with relative or empty segments"))

    def _send_away(self, request: Request, token: Token | None) -> None:
        """Send the client to the active node, unless this one may serve it."""
        role = self.state.role
        if role is Role.DR_SECONDARY:
            raise Refused(SECONDARY)
        reads = role is Role.PERFORMANCE_STANDBY or self.state.flavour.standby_reads
        if role is Role.ACTIVE or (reads and token and request.operation in READS):
            return
        raise Refused(redirect(self.state.active_url + self.raw.target))

    def _login(self, request: Request, namespace: Namespace, path: str) -> Reply | None:
        for mount, method in namespace.methods.items():
            if path.startswith(mount) and method.knows(path.removeprefix(mount)):
                break
        else:
            return None
        if request.operation is not Operation.UPDATE:
            return errors(405, "unsupported operation")
        identity = method.login(path.removeprefix(mount), request.fields, self.state.flavour)
        token = self.state.tokens.issue(
            identity.grant, self.now, namespace=namespace.path, path=path, name=identity.name, meta=identity.meta
        )
        return envelope(None, auth=token.auth(self.now), mount_type=method.kind)

    def _known(self, request: Request, token: Token | None, namespace: Namespace, path: str) -> Reply:
        if token is None:
            return errors(403, self.state.flavour.unknown_token) if request.token else NO_TOKEN
        self.state.tokens.use(token)
        if path.startswith(OF_TOKENS):
            namespace = self.state.namespaces[token.namespace]
        known = Known(
            state=self.state,
            logged=self.logged,
            now=self.now,
            request=request,
            token=token,
            namespace=namespace,
            path=path,
        )
        return known.reply()
