"""A Vault, or an OpenBao, of our own, without a network: what it answers, and what a test does behind its back."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.clock import Clock, dated
from conformance.fakes.vault.acl import policy
from conformance.fakes.vault.entries import Entry, Version
from conformance.fakes.vault.exchange import Exchange
from conformance.fakes.vault.flavours import FLAVOURS
from conformance.fakes.vault.kv1 import Kv1
from conformance.fakes.vault.kv2 import Kv2
from conformance.fakes.vault.kv2_data import floats
from conformance.fakes.vault.logins import Approle, Jwt, Userpass, jwt, kubernetes
from conformance.fakes.vault.namespaces import Mount, Namespace
from conformance.fakes.vault.nodes import Role
from conformance.fakes.vault.state import Logged, State
from conformance.fakes.vault.tokens import Grant, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.fakes.loopback import Answer
    from conformance.fakes.vault.flavours import Flavour
    from conformance.fakes.vault.logins import Method
    from conformance.fakes.vault.replies import Document
    from conformance.fakes.vault.requests import Raw

ROOT_TOKEN = "root"
"""The spelling of the token that may everything."""


class Vault:
    """Keeps the real server's rules; has a KV version 2 at `secret/`, and one root token.

    Every request is carried out under one lock, so that nothing comes between a check and its write.
    """

    def __init__(self, flavour: str = "vault", *, clock: Clock | None = None) -> None:
        known = FLAVOURS[flavour]
        self.state = State(flavour=known, tokens=Tokens(known.token_prefix), clock=clock or Clock())
        self._lock = threading.Lock()
        root = Grant(policies=("root",), renewable=False, default_policy=False)
        self.state.tokens.issue(root, self.clock.nanoseconds, spelling=ROOT_TOKEN)
        self.mount("secret")

    def answer(self, raw: Raw) -> Answer:
        """Carry a request out, and note it."""
        logged = Logged(method=raw.method, path=raw.target.partition("?")[0].removeprefix("/v1/"))
        with self._lock:
            exchange = Exchange(self.state, raw, logged, self.clock.tick())
            reply = exchange.reply()
            logged.status = reply.status
            self.log.append(logged)
        if isinstance(reply.body, dict) and not self.flavour.mount_types:
            reply.body.pop("mount_type", None)
        namespace = raw.headers.get("x-vault-namespace")
        echo = (("X-Vault-Namespace", namespace),) if namespace else ()
        return replace(reply, headers=(*reply.headers, *echo, dated(self.clock.now))).answer()

    @property
    def flavour(self) -> Flavour:
        """Which product it is."""
        return self.state.flavour

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.state.clock

    @property
    def log(self) -> list[Logged]:
        """What was asked of it, in the order of the replies; a test may clear it."""
        return self.state.log

    def seal(self) -> None:
        """Serve nobody until it is unsealed."""
        self.state.sealed = True

    def unseal(self) -> None:
        """Serve again."""
        self.state.sealed = False

    def stand_by(self, active_url: str, role: Role = Role.STANDBY) -> None:
        """Leave the work to another node, request forwarding being off; only Vault has other roles than standby."""
        self.state.active_url, self.state.role = active_url, role

    def activate(self) -> None:
        """Become the active node."""
        self.state.role = Role.ACTIVE

    def namespace(self, path: str) -> None:
        """Make a namespace, such as `team/sub`, and its parents; nothing is mounted there."""
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth]) + "/"
            self.state.namespaces.setdefault(name, Namespace(name))

    def mount(self, path: str, *, version: int = 2, namespace: str = "") -> None:
        """Mount an empty KV engine; must not be mounted yet."""
        mounts = self._namespace(namespace).mounts
        name = path.strip("/") + "/"
        assert name not in mounts
        mounts[name] = Mount(path=name, engine=Kv2(self.flavour) if version == 2 else Kv1())

    def unmount(self, path: str, *, namespace: str = "") -> None:
        """Forget an engine and all that it holds."""
        del self._namespace(namespace).mounts[path.strip("/") + "/"]

    def policy(self, name: str, paths: Mapping[str, Iterable[str]], *, namespace: str = "") -> None:
        """Write a policy, capabilities by path; tokens that hold it obey it from now on."""
        self._namespace(namespace).policies[name] = policy(paths, scans=self.flavour.scans)

    def token(self, grant: Grant, *, namespace: str = "") -> str:
        """Make a token."""
        with self._lock:
            return self.state.tokens.issue(grant, self.clock.nanoseconds, namespace=self._namespace(namespace).path).id

    def revoke(self, token: str) -> None:
        """Take a token away."""
        self.state.tokens.revoke(token)

    def user(self, name: str, password: str, grant: Grant, *, mount: str = "userpass", namespace: str = "") -> None:
        """Let a user log in by password."""
        method = self._method(mount, Userpass(), namespace)
        assert isinstance(method, Userpass)
        method.users[name] = (password, grant)

    def approle(
        self, role_id: str, secret_id: str, grant: Grant, *, mount: str = "approle", namespace: str = ""
    ) -> None:
        """Let a role log in by its two ids."""
        method = self._method(mount, Approle(), namespace)
        assert isinstance(method, Approle)
        method.roles[role_id] = (secret_id, grant)

    def jwt(self, role: str, token: str, grant: Grant, *, mount: str = "jwt", namespace: str = "") -> None:
        """Let a role log in by a web token, which may be any text."""
        self._trust(self._method(mount, jwt(), namespace), role, token, grant)

    def kubernetes(
        self, role: str, token: str, grant: Grant, *, mount: str = "kubernetes", namespace: str = ""
    ) -> None:
        """Let a role log in by the token of a service account, which may be any text."""
        self._trust(self._method(mount, kubernetes(), namespace), role, token, grant)

    def put(
        self,
        path: str,
        data: Document | None,
        custom_metadata: Mapping[str, str] | None = None,
        *,
        mount: str = "secret",
        namespace: str = "",
    ) -> None:
        """Write a version behind everybody's back, as somebody else; custom metadata only where they are given."""
        with self._lock:
            engine = self._kv2(mount, namespace)
            now = self.clock.tick()
            entry = engine.store.entries.get(path) or Entry(created=now, updated=now)
            entry.add(Version(created=now, created_by=None, data=floats(data)), engine.store.settings)
            if custom_metadata is not None:
                entry.custom_metadata = dict(custom_metadata)
            engine.store.entries.put(path, entry)

    def entry(self, path: str, *, mount: str = "secret", namespace: str = "") -> Entry | None:
        """Give what is held of a secret, values of deleted versions and all."""
        return self._kv2(mount, namespace).store.entries.get(path)

    def _kv2(self, mount: str, namespace: str) -> Kv2:
        engine = self._namespace(namespace).mounts[mount.strip("/") + "/"].engine
        assert isinstance(engine, Kv2)
        return engine

    def _namespace(self, path: str) -> Namespace:
        return self.state.namespaces[path.strip("/") + "/" if path else ""]

    def _method(self, mount: str, method: Method, namespace: str) -> Method:
        return self._namespace(namespace).methods.setdefault(f"auth/{mount.strip('/')}/", method)

    @staticmethod
    def _trust(method: Method, role: str, token: str, grant: Grant) -> None:
        assert isinstance(method, Jwt)
        method.roles.setdefault(role, {})[token] = grant
