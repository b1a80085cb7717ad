"""Dagu passes the suite, in workspaces and in runtime profiles: a fake, and a real server where there is one."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from conformance.dagu_ground import NO_SERVER, TOKEN, URL
from conformance.dagu_runs import value_in_run
from conformance.fakes.dagu.accounts import ADMIN_KEY, PASSWORD, USER
from conformance.fakes.dagu.dagu import Dagu as Fake
from conformance.fakes.dagu.server import HttpServer
from conformance.fakes.fault_proxy import FaultProxy, Rule, fault_proxy
from conformance.fakes.loopback import Answer, running
from conformance.raw_dagu import RawDagu

from syncer.backends.dagu.backend import Dagu
from syncer.backends.dagu.marks import Mark, together
from syncer.sensitive import Sensitive
from syncer.testing import BackendConformance
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Address

BUSY = Answer(status=429, headers=(("Content-Type", "application/json"),), body=b'{"code":"rate_limited"}')

Line = tuple[HttpServer, FaultProxy]


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """A socket and a proxy before it, for all tests: to open them takes longer than most tests do."""
    http = HttpServer(Fake())
    with running(http) as url, fault_proxy(url) as proxy:
        yield http, proxy


class TestDagu(BackendConformance):
    """The fake, entered with an API key."""

    type_name = "dagu"
    max_value: ClassVar[int | None] = 128 * 1024 - 3
    auth: ClassVar[str] = "builtin"
    base_path: ClassVar[str] = ""
    entry: ClassVar[dict[str, Any]] = {"token": {"env": "DAGU_TOKEN"}}
    environ: ClassVar[dict[str, str]] = {"DAGU_TOKEN": ADMIN_KEY, "DAGU_PASSWORD": PASSWORD}
    proxy: FaultProxy
    raw: RawDagu

    @pytest.fixture(autouse=True)
    def _server(self, line: Line) -> None:
        http, self.proxy = line
        self.proxy.clear()
        http.dagu = self.fake = Fake(self.auth, self.base_path)
        self.raw = RawDagu(address=http.url, authorization=http.dagu.authorization)
        for scope in self.scopes:
            self.make_scope(scope)

    def make_scope(self, scope: str) -> None:
        """Make a workspace."""
        self.raw.workspace(scope)

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with what lets it in in its environment."""
        options = {"url": self.proxy.url, "base_path": self.base_path, **self.entry}
        return Dagu.open(options, context(folder, project, environ=self.environ))

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # asked by hand
        """Write it as somebody else would, with a mark or with some words."""
        text = "by hand" if owner is None else together("by hand", Mark(owner, address, {}))
        self.raw.put(address.ref, value.reveal().decode(), address.scope, text)

    def stored(self, backend: Backend, address: Address) -> Sensitive:  # noqa: ARG002  # seen from outside
        """Give what a run would get, be it disabled."""
        return Sensitive(self.fake.secret(address.ref, address.scope).served.encode())

    @contextmanager
    def busy(self, backend: Backend) -> Iterator[None]:  # noqa: ARG002  # the proxy is before all of them
        """Have every call refused, as a proxy in front of it would."""
        self.proxy.set(Rule(fault=BUSY))
        yield
        self.proxy.clear()


class TestDaguBasic(TestDagu):
    """Entered with a user and a password, below a base path."""

    auth = "basic"
    base_path = "/tools/dagu"
    entry = {"username": USER, "password": {"env": "DAGU_PASSWORD"}}  # noqa: RUF012  # a constant of the class


class TestDaguOpen(TestDagu):
    """Open to everybody."""

    auth = "none"
    entry: ClassVar[dict[str, Any]] = {}


class TestDaguGlobal(TestDagu):
    """Global beside a workspace."""

    scopes = ("global", "conformance-two")

    def make_scope(self, scope: str) -> None:
        """Global is always there."""
        if scope != "global":
            super().make_scope(scope)


class TestDaguProfiles(TestDagu):
    """The entries of runtime profiles."""

    scopes = ("profile/conformance", "profile/conformance-two")

    def make_scope(self, scope: str) -> None:
        """Make a profile."""
        self.raw.ask("POST /profiles", {"name": scope.removeprefix("profile/")})

    def ref(self, name: str) -> str:
        """Spell the name of a variable."""
        return name.replace("-", "_").upper()

    def plant(self, backend: Backend, address: Address, value: Sensitive, owner: str | None) -> None:  # noqa: ARG002  # asked by hand
        """Write an entry, and words or a mark to the secret behind it."""
        entries = self.raw.ask(f"PUT {_entry(address)}", {"value": value.reveal().decode()})["entries"]
        (secret_id,) = [entry["secretId"] for entry in entries if entry["key"] == address.ref]
        text = "by hand" if owner is None else together("by hand", Mark(owner, address, {}))
        self.raw.ask(f"PATCH /secrets/{secret_id}", {"description": text})

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Give what a run would get."""
        return Sensitive(self.fake.secrets[backend.look(address).remote_id].served.encode())


class TestDaguDefaults(TestDaguProfiles):
    """What all runs inherit, and the runs of a workspace."""

    scopes = ("profile/_global", "profile/_workspaces/conformance")

    def make_scope(self, scope: str) -> None:
        """A layer is there as soon as its workspace is."""
        if scope != "profile/_global":
            self.raw.workspace("conformance")


def real() -> RawDagu:
    """Ask the server that SYNCER_TEST_DAGU_URL names, as SYNCER_TEST_DAGU_TOKEN lets in: a key, or `user:password`."""
    if not URL or not TOKEN:
        pytest.skip(NO_SERVER)
    return RawDagu(address=URL.rstrip("/"), authorization=_authorization(TOKEN))


class TestRealDagu(TestDagu):
    """A real server, in two workspaces of its own for each test; what is held is what a run gets."""

    max_value = None  # a run of ours has a longer name for it

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.raw = real()
        name = f"syncer-{uuid.uuid4().hex[:12]}"
        type(self).scopes = (f"{name}-a", f"{name}-b")
        made = [self.raw.workspace(scope) for scope in self.scopes]
        try:
            with fault_proxy(self.raw.address) as self.proxy:
                yield
        finally:
            for scope, workspace_id in zip(self.scopes, made, strict=True):
                self.raw.clear(scope)
                self.raw.ask(f"DELETE /workspaces/{workspace_id}")

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with what the environment gives."""
        return Dagu.open({"url": self.proxy.url, **_entered()}, context(folder, project))

    def stored(self, backend: Backend, address: Address) -> Sensitive:  # noqa: ARG002  # seen from outside
        """Give what a run gets; a disabled secret is enabled meanwhile."""
        enabled = self.raw.find(address.ref, address.scope)["status"] == "active"
        self.raw.switch(address.ref, address.scope, enabled=True)
        try:
            return Sensitive(value_in_run(self.raw, ref=address.ref, workspace=address.scope))
        finally:
            self.raw.switch(address.ref, address.scope, enabled=enabled)


class TestRealDaguProfiles(TestDaguProfiles):
    """A real server, in two profiles of its own for each test."""

    max_value = None  # as above

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.raw = real()
        name = f"syncer-{uuid.uuid4().hex[:12]}"
        type(self).scopes = (f"profile/{name}-a", f"profile/{name}-b")
        for scope in self.scopes:
            self.make_scope(scope)
        try:
            with fault_proxy(self.raw.address) as self.proxy:
                yield
        finally:
            for scope in self.scopes:
                self.raw.ask(f"DELETE /profiles/{scope.removeprefix('profile/')}")
            for left in self.raw.secrets():
                if left["ref"].startswith(f"runtime-profiles/{name}"):
                    self.raw.ask(f"DELETE /secrets/{left['id']}")

    def open_backend(self, folder: Path, project: str) -> Backend:
        """Open it with what the environment gives."""
        return Dagu.open({"url": self.proxy.url, **_entered()}, context(folder, project))

    def stored(self, backend: Backend, address: Address) -> Sensitive:
        """Give what a run gets; a disabled secret is enabled meanwhile."""
        seen = backend.look(address)
        self.raw.ask(f"POST /secrets/{seen.remote_id}/enable")
        try:
            name = address.scope.removeprefix("profile/")
            return Sensitive(value_in_run(self.raw, profile=name, key=address.ref))
        finally:
            if not seen.enabled:
                self.raw.ask(f"POST /secrets/{seen.remote_id}/disable")


def _entry(address: Address) -> str:
    return f"/profiles/{address.scope.removeprefix('profile/')}/secrets/{address.ref}"


def _authorization(given: str) -> str:
    user, colon, password = given.partition(":")
    if not colon:
        return f"Bearer {given}"
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _entered() -> dict[str, Any]:
    """Give the options that let the backend in with what the environment gives."""
    user, colon, password = os.environ["SYNCER_TEST_DAGU_TOKEN"].partition(":")
    if not colon:
        return {"token": {"env": "SYNCER_TEST_DAGU_TOKEN"}}
    os.environ["SYNCER_TEST_DAGU_PASSWORD"] = password
    return {"username": user, "password": {"env": "SYNCER_TEST_DAGU_PASSWORD"}}
