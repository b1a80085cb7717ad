"""A request whose sender is known: what the policies say, and then what the path does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.acl import DENY, ROOT
from conformance.fakes.vault.calls import Call
from conformance.fakes.vault.replies import (
    DENIED,
    NO_CONTENT,
    UNSUPPORTED,
    Refused,
    Reply,
    envelope,
    errors,
    no_route,
    unknown_here,
)
from conformance.fakes.vault.requests import Operation

if TYPE_CHECKING:
    from conformance.fakes.vault.acl import Acl
    from conformance.fakes.vault.namespaces import Mount, Namespace
    from conformance.fakes.vault.replies import Document
    from conformance.fakes.vault.requests import Request
    from conformance.fakes.vault.state import Logged, State
    from conformance.fakes.vault.tokens import Token

OF_TOKENS = "auth/token/"
UI_MOUNTS = "sys/internal/ui/mounts/"
NO_PREFLIGHT = 'preflight capability check returned 403, please ensure client\'s policies grant access to path "{}/"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who asks what, where."""

    state: State
    logged: Logged
    now: int
    request: Request
    token: Token
    namespace: Namespace
    path: str
    """Inside the namespace."""

    def reply(self) -> Reply:
        """Ask the policies, then carry it out."""
        if self.path.startswith(UI_MOUNTS) and self.request.operation is Operation.READ:
            return self._described(self.path.removeprefix(UI_MOUNTS))
        if self.path.startswith(("sys/", OF_TOKENS)):
            self._authorise(self.request.operation)
            return self._of_system()
        mount = self.namespace.mount_of(self.path)
        if mount is None:
            self._authorise(self.request.operation)
            return no_route(self.path)
        return self._mounted(mount)

    def _mounted(self, mount: Mount) -> Reply:
        operation, path = self.request.operation, self.path.removeprefix(mount.path.rstrip("/")).removeprefix("/")
        if operation is Operation.UPDATE and not mount.engine.exists(path):
            operation = Operation.CREATE
        self._authorise(operation)
        call = Call(
            operation=operation,
            path=path,
            given=self.request.fields,
            now=self.now,
            actor=self.token.name,
            client=self.token.accessor,
            flavour=self.state.flavour,
        )
        return mount.engine.reply(call)

    @property
    def _acl(self) -> Acl:
        return self.state.namespaces[self.token.namespace].acl(self.token.policies, self.state.flavour)

    @property
    def _is_root(self) -> bool:
        """Whether everything is granted: a root token rules its namespace and those below."""
        return self.token.root and self.namespace.path.startswith(self.token.namespace)

    def _authorise(self, operation: Operation) -> None:
        self.logged.capability = str(operation)
        if not (self._is_root or self._acl.allows(operation, self.namespace.path + self.path)):
            raise Refused(DENIED)

    def _of_system(self) -> Reply:
        writes = self.request.operation is Operation.UPDATE
        match self.path:
            case "auth/token/lookup-self":
                return self.token.lookup(self.now)
            case "auth/token/renew-self" if writes:
                return self.token.renew(self.request.fields.get("increment"), self.now)
            case "auth/token/revoke-self" if writes:
                self.state.tokens.revoke(self.token.id)
                return NO_CONTENT
            case "sys/capabilities-self" if writes:
                return self._capabilities()
            case "auth/token/renew-self" | "auth/token/revoke-self" | "sys/capabilities-self":
                return UNSUPPORTED
            case _:
                return unknown_here(f"{self.request.operation} {self.path}")

    def _described(self, path: str) -> Reply:
        """Describe a mount to those who may do anything at all in it."""
        mount = self.namespace.mount_of(path)
        if mount and (self._is_root or self._acl.reaches_into(self.namespace.path + mount.path)):
            return envelope(mount.document(self.state.flavour), mount_type="")
        return errors(403, NO_PREFLIGHT.format(path))

    def _capabilities(self) -> Reply:
        """Say what the token may do on paths; the data stands in the envelope, and once more around it."""
        fields = self.request.fields
        asked = fields.get("paths") or fields.get("path") or []
        paths = asked.split(",") if isinstance(asked, str) else asked
        if not paths:
            return errors(400, "paths must be supplied")
        found: Document = {path: self._granted(path) for path in paths}
        if len(paths) == 1:
            found["capabilities"] = found[paths[0]]
        reply = envelope(found, mount_type="system")
        body: dict[str, Any] = reply.body if isinstance(reply.body, dict) else {}
        return Reply(body=found | body)

    def _granted(self, path: str) -> list[str]:
        if self._is_root:
            return [ROOT]
        found = self._acl.capabilities(self.namespace.path + path)
        return [DENY] if DENY in found or not found else sorted(found)
