"""A Kestra of our own, without a network: what it answers, and what a test sees and does behind its back."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from conformance.fakes.kestra.accounts import MODES, Account, Accounts, basic, bearer
from conformance.fakes.kestra.errors import BY_STATUS, Refused, spelled
from conformance.fakes.kestra.exchange import Exchange
from conformance.fakes.kestra.quirks import Quirks
from conformance.fakes.kestra.records import Secret
from conformance.fakes.kestra.releases import RELEASES
from conformance.fakes.kestra.requests import Request
from conformance.fakes.kestra.state import State
from conformance.fakes.logged import Logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.fakes.kestra.accounts import Right
    from conformance.fakes.kestra.names import Place
    from conformance.fakes.loopback import Answer

TOKEN = "kestra-token"
USER, PASSWORD = "admin@kestra.test", "kestra-password"
"""Credentials that may everything."""
TENANT = "main"


class Kestra:
    """Keeps the rules of the Enterprise edition, as far as they are known. Requests run side by side.

    The tests' own view is of the first tenant unless they name another.
    """

    def __init__(
        self, auth: str = "token", tenant: str = TENANT, *, version: str = "2.0", quirks: Quirks | None = None
    ) -> None:
        """Take who is let in, the tenant (empty for old servers, whose paths name none), and the release."""
        assert auth in MODES
        self.tenant = tenant
        self.state = State(
            release=RELEASES[version],
            accounts=Accounts(mode=auth),
            tenants={tenant},
            quirks=quirks or Quirks(),
        )
        self.state.accounts.by_header[self.authorization] = Account(name="owner")

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Carry a request out, and note it; names of headers are in lower case."""
        exchange = Exchange(self.state, Request(method=method, target=target, headers=headers, body=body))
        reply = exchange.reply()
        path, _, query = target.partition("?")
        self.log.append(Logged(method=method, path=path, query=query, status=reply.status, who=exchange.who.name))
        return reply.answer()

    @property
    def authorization(self) -> str:
        """What somebody who may everything sends as `Authorization`."""
        return bearer(TOKEN) if self.state.accounts.mode == "token" else basic(USER, PASSWORD)

    @property
    def quirks(self) -> Quirks:
        """Its switches."""
        return self.state.quirks

    @property
    def log(self) -> list[Logged]:
        """What was asked of it, in the order of the replies; a test may clear it."""
        return self.state.log

    @property
    def secrets(self) -> dict[Place, dict[str, Secret]]:
        """All secrets, values and all, by tenant and namespace, then by key."""
        return self.state.store.documents

    @property
    def environment(self) -> dict[str, str]:
        """Secrets that it was started with, by key in upper case; runs get them where there is no other."""
        return self.state.store.environment

    @property
    def tenants(self) -> set[str]:
        """The tenants that there are; a test may add some."""
        return self.state.tenants

    def calls(self, names: str = "*") -> list[Logged]:
        """Give the requests of the log whose `METHOD /path` fits a glob, such as `PUT */namespaces/shop/secrets`."""
        return [logged for logged in list(self.log) if fnmatchcase(logged.name, names)]

    def error(self, status: int, detail: str = "", *, target: str = "/api/v1") -> Answer:
        """Give what this release answers with a status, for those who spoil its calls."""
        return spelled(Refused(BY_STATUS[status], detail), self.state.release, target).answer()

    def meanwhile(self, action: Callable[[], object], calls: str = "*") -> None:
        """Do something once, in the middle of the next write that fits a glob; see `Quirks.lose_concurrent`."""
        self.state.overlaps.add(action, calls)

    def busiest(self, namespace: str, *, tenant: str | None = None) -> int:
        """Give how many writes to a namespace were under way at once, at most."""
        return self.state.overlaps.most[self._place(namespace, tenant)]

    def secret(self, namespace: str, key: str, *, tenant: str | None = None) -> Secret | None:
        """Give what is held under a key of a namespace."""
        return self.state.store.get(self._place(namespace, tenant)).get(key)

    def keys(self, namespace: str, *, tenant: str | None = None) -> list[str]:
        """Give the keys of a namespace, sorted."""
        return sorted(self.state.store.get(self._place(namespace, tenant)))

    def plant(  # what a secret is
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        *,
        tenant: str | None = None,
    ) -> None:
        """Write a secret behind everybody's back, all of it."""
        secret = Secret(value=value, description=description, tags=tuple((tags or {}).items()))
        self.state.store.write(self._place(namespace, tenant), lambda secrets: secrets.update({key: secret}))

    def remove(self, namespace: str, key: str, *, tenant: str | None = None) -> None:
        """Delete a secret behind everybody's back; it must be there."""
        self.state.store.write(self._place(namespace, tenant), lambda secrets: secrets.pop(key))

    def namespace(self, name: str, *, tenant: str | None = None) -> None:
        """Make a namespace; only `Quirks.unknown_namespaces` and `unknown_lists` make it matter."""
        self.state.namespaces.add(self._place(name, tenant))

    def inherited(self, namespace: str, *, tenant: str | None = None) -> dict[str, list[str]]:
        """Give the keys that runs of a namespace may use, by the namespace that has them, the nearest first."""
        return self.state.store.inherited(self._place(namespace, tenant))

    def resolve(self, namespace: str, key: str, *, tenant: str | None = None) -> str:
        """Give the value that a run of a namespace gets.

        Raises:
            Unresolved: the run would fail instead.
        """
        return self.state.store.resolve(self._place(namespace, tenant), key)

    def token(self, grants: Mapping[str, Iterable[Right]] | None = None) -> str:
        """Make a token that may everything, or what is granted by namespace, and give its spelling."""
        assert self.state.accounts.mode == "token"
        name = f"token-{len(self.state.accounts.by_header)}"
        self.state.accounts.by_header[bearer(name)] = Account(name=name, grants=grants)
        return name

    def user(self, name: str, password: str, grants: Mapping[str, Iterable[Right]] | None = None) -> None:
        """Make a user who may everything, or what is granted by namespace."""
        assert self.state.accounts.mode == "basic"
        self.state.accounts.by_header[basic(name, password)] = Account(name=name, grants=grants)

    def revoke(self, authorization: str) -> None:
        """Let nobody in any more who sends that."""
        del self.state.accounts.by_header[authorization]

    def _place(self, namespace: str, tenant: str | None) -> Place:
        return self.tenant if tenant is None else tenant, namespace
