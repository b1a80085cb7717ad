"""Where the rules of Dagu are tried: on the fake, or on a real server, which is left as it was."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.fakes.dagu.server import DaguServer
from conformance.raw_dagu import RawDagu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.raw_dagu import Document, Response

MANAGED = "dagu-managed"
URL, TOKEN = os.environ.get("SYNCER_TEST_DAGU_URL"), os.environ.get("SYNCER_TEST_DAGU_TOKEN")
SERVERS = ["fake", "real"] if URL and TOKEN else ["fake"]
NO_SERVER = "no real server: SYNCER_TEST_DAGU_URL and SYNCER_TEST_DAGU_TOKEN are not set"


@contextmanager
def served(kind: str) -> Iterator[RawDagu]:
    """Give a fake, or the real server, whose token must be an administrator's API key and the only key there is."""
    if kind == "real" and URL and TOKEN:
        yield RawDagu(address=URL.rstrip("/"), authorization=f"Bearer {TOKEN}")
        return
    with DaguServer() as server:
        yield RawDagu(address=server.url, authorization=server.authorization)


@dataclass(slots=True, kw_only=True)
class Ground:
    """A server, and names on it that nobody else uses."""

    raw: RawDagu
    prefix: str = field(default_factory=lambda: f"syncer-test-{uuid.uuid4().hex[:8]}")
    """Begins each name; also the workspace that is not there unless a test makes it."""
    _undo: list[Callable[[], object]] = field(default_factory=list)

    def go(self, call: str, status: int, expected: Document | str | None = None, body: Any = None) -> Response:
        """Send a request, and compare what comes back."""
        return self.raw.send(call, body).require(status, expected)

    def create(self, name: str = "x", status: int = 201, expected: Any = None, **fields: Any) -> Response:
        """Make a secret in this ground's workspace, unless the fields say otherwise; give the reply."""
        body = {"ref": self.ref(name), "providerType": MANAGED, "workspace": self.prefix} | fields
        return self.go("POST /secrets", status, expected, body)

    def secret(self, name: str = "x", **fields: Any) -> str:
        """Make a secret with a value, and give the path of it."""
        made = self.create(name, **{"value": "v", **fields}).document
        return f"/secrets/{made['id']}"

    def get(self, path: str) -> Document:
        """Give the document at a path."""
        return self.raw.ask(f"GET {path}")

    def ref(self, name: str) -> str:
        """Give a ref of this ground alone, be it in Global."""
        return f"{self.prefix}/{name}"

    @property
    def variable(self) -> str:
        """A key of an entry for this ground alone."""
        return self.prefix.replace("-", "_").upper()

    def workspace(self, suffix: str = "") -> str:
        """Make a workspace, and give its id."""
        identifier = self.raw.workspace(self.prefix + suffix)
        self._undo.append(lambda: self.raw.send(f"DELETE /workspaces/{identifier}"))
        return identifier

    def profile(self, suffix: str = "", **fields: Any) -> str:
        """Make a profile, and give its path."""
        name = self.prefix + suffix
        self.go("POST /profiles", 201, None, {"name": name, **fields})
        self._undo.append(lambda: self.raw.send(f"DELETE /profiles/{name}"))
        return f"/profiles/{name}"

    def key(self, role: str, **access: str) -> str:
        """Make an API key, with a role in all workspaces or, as a viewer, others in some; give what it sends."""
        grants = [{"workspace": workspace, "role": granted} for workspace, granted in access.items()]
        fields = {
            "name": f"{self.prefix}-{role}",
            "role": role,
            "allowedSurfaces": ["rest_api"],
            "attributionClass": "service_account",
            "workspaceAccess": {"all": False, "grants": grants} if grants else {"all": True},
        }
        made = self.raw.ask("POST /api-keys", fields)
        self._undo.append(lambda: self.raw.ask(f"DELETE /api-keys/{made['apiKey']['id']}"))
        return f"Bearer {made['key']}"

    def owned(self, ref: str) -> Document:
        """Give the secret behind an entry of a profile or a layer, which must be there, and there once."""
        (found,) = [one for one in self.raw.secrets() if one["ref"] == ref]
        return found

    def close(self) -> None:
        """Remove what there is of this ground, in the workspace, in Global, and beside them."""
        for undo in reversed(self._undo):
            undo()
        self.raw.clear(self.prefix)
        marks = (self.prefix, hexed(self.prefix), hexed(self.variable))
        for known in self.raw.secrets():
            if any(mark in known["ref"] for mark in marks):
                self.raw.ask(f"DELETE /secrets/{known['id']}")


def hexed(name: str) -> str:
    """Spell a name as it stands in refs."""
    return name.encode().hex()
