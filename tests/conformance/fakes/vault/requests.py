"""From HTTP to an operation on a path."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from conformance.fakes.vault.bodies import document
from conformance.fakes.vault.replies import Document, Refused, Reply, errors, redirect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.vault.flavours import Flavour

MERGE_PATCH = "application/merge-patch+json"
PREFIX = "/v1/"
TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Operation(StrEnum):
    """What is done to a path; the values are the capabilities that a policy grants."""

    READ = "read"
    LIST = "list"
    SCAN = "scan"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"


LISTINGS = frozenset({Operation.LIST, Operation.SCAN})
READS = LISTINGS | {Operation.READ}
WRITES = frozenset({Operation.CREATE, Operation.UPDATE, Operation.PATCH})
METHODS = {
    "GET": Operation.READ,
    "LIST": Operation.LIST,
    "SCAN": Operation.SCAN,
    "POST": Operation.UPDATE,
    "PUT": Operation.UPDATE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A request as it came in; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the server understands it."""

    operation: Operation
    path: str
    """Decoded, without `/v1/`; a listing's ends in a slash."""
    fields: Document
    """The body of a write, the query of everything else."""
    namespace: str
    token: str


def parse(raw: Raw, flavour: Flavour) -> Request:
    """Read a request; must be refused before anybody asks who sent it."""
    path, _, query = raw.target.partition("?")
    refuse_unclean(raw.method, path, query)
    name = unquote(path)[len(PREFIX) :]
    if not path.startswith(PREFIX):
        raise Refused(errors(404))
    if not name.isprintable():
        raise Refused(Reply(status=400, headers=()))
    if raw.method == "HEAD":
        raise Refused(Reply(status=405))
    asked = dict(parse_qsl(query, keep_blank_values=True))
    operation = operation_of(raw.method, asked, flavour)
    return Request(
        operation=operation,
        path=name if operation not in LISTINGS or name.endswith("/") else name + "/",
        fields=body_of(raw, flavour) if operation in WRITES else dict(asked),
        namespace=namespace_of(raw.headers),
        token=token_of(raw.headers),
    )


def body_of(raw: Raw, flavour: Flavour) -> Document:
    """Decode the body of a write; a PATCH must say that it is a merge patch."""
    media = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw.method == "PATCH" and not media:
        raise Refused(errors(400, "mime: no media type"))
    if raw.method == "PATCH" and media != MERGE_PATCH:
        raise Refused(errors(415, f"PATCH requires Content-Type of {MERGE_PATCH}, provided {media}"))
    return document(raw.body, media, flavour)


def refuse_unclean(method: str, path: str, query: str) -> None:
    """Send double slashes and dots to the clean path, as Go's router does; it looks at the path as it was escaped."""
    clean = posixpath.normpath("/" + path.lstrip("/")) + ("/" if path.endswith("/") and path != "/" else "")
    if clean == path:
        return
    location = clean + ("?" + query if query else "")
    if method == "GET":
        text = f'<a href="{location}">Temporary Redirect</a>.\n\n'
        headers = (("Location", location), ("Content-Type", "text/html; charset=utf-8"))
        raise Refused(Reply(status=307, body=text, headers=headers))
    raise Refused(redirect(location))


def operation_of(method: str, query: dict[str, str], flavour: Flavour) -> Operation:
    """Tell the operation; takes `list` and `scan` out of the query of a GET."""
    operation = METHODS.get(method)
    if operation is None or (operation is Operation.SCAN and not flavour.scans):
        raise Refused(errors(405))
    if operation is not Operation.READ:
        return operation
    switches = [Operation.LIST, Operation.SCAN] if flavour.scans else [Operation.LIST]
    chosen = [switch for switch in switches if flag(query.get(switch, ""))]
    if len(chosen) > 1:
        raise Refused(errors(400))
    for switch in chosen:
        del query[switch]
    return chosen[0] if chosen else operation


def flag(text: str) -> bool:
    """Read a switch as Go's ParseBool does; nothing is off."""
    if text and text not in TRUE | FALSE:
        raise Refused(errors(400))
    return text in TRUE


def namespace_of(headers: Mapping[str, str]) -> str:
    """Give the path of the namespace that a header names; the root's is empty, though it has a name."""
    path = headers.get("x-vault-namespace", "").strip("/")
    return "" if path == "root" else path


def token_of(headers: Mapping[str, str]) -> str:
    """Find the token in either of its headers; `Bearer` is case-sensitive."""
    bearer = headers.get("authorization", "")
    found = headers.get("x-vault-token") or (bearer[len("Bearer ") :] if bearer.startswith("Bearer ") else "")
    return found.strip()
