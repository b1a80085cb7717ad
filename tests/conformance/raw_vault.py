"""A Vault asked by hand, so that what the backend wrote is seen from outside."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawVault:
    """A server and a token that may everything there."""

    address: str
    token: str
    mount: str = "secret"

    def ask(self, method: str, path: str, body: Document | None = None) -> tuple[int, Document]:
        """Ask for a path below `/v1/`; give status and document."""
        parts = urlsplit(self.address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"X-Vault-Token": self.token}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        with closing(kind(parts.netloc, timeout=30)) as connection:
            connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")

    def kv(self, method: str, part: str, path: str, body: Document | None = None) -> Document:
        """Ask the mount, which must do it or know of nothing there; give the document's data."""
        status, document = self.ask(method, f"{self.mount}/{part}/{path}", body)
        assert status < 300 or status == 404, (status, document)
        return document.get("data") or {}

    def put(self, path: str, fields: Document, custom: dict[str, str] | None = None) -> None:
        """Write a version, and custom metadata where they are given."""
        self.kv("POST", "data", path, {"data": fields})
        if custom is not None:
            self.kv("POST", "metadata", path, {"custom_metadata": custom})

    def fields(self, path: str) -> Document:
        """Give the fields of the newest version, also of a hidden one, which stays so."""
        metadata = self.kv("GET", "metadata", path)
        newest = metadata["current_version"]
        hidden = bool(metadata["versions"][str(newest)]["deletion_time"])
        if hidden:
            self.kv("POST", "undelete", path, {"versions": [newest]})
        try:
            return self.kv("GET", "data", path)["data"]
        finally:
            if hidden:
                self.kv("POST", "delete", path, {"versions": [newest]})
