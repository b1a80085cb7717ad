"""ListSecrets of AWS Secrets Manager alone, quick enough to stand in for 100,000 secrets in a benchmark."""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.fakes.answers import aws_error
from conformance.fakes.child import child, fed, listen, serve
from conformance.fakes.loopback import Answer, Handler, Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Entry = Mapping[str, Any]

PAGE = 100
UNDERSTOOD = frozenset({"Filters", "IncludePlannedDeletion", "MaxResults", "NextToken"})
JSON_1_1 = (("Content-Type", "application/x-amz-json-1.1"),)
WRITTEN = 1_767_225_600.0
"""Seconds since 1970 at which every entry was written."""


def entry(project: str, scope: str, ref: str, number: int) -> Entry:
    """Give what ListSecrets says of one secret that syncer made; the number makes its ARN and its version its own."""
    name = f"{project}/{scope}/{ref}"
    tags = {"syncer:project": project, "syncer:address": f"{scope}:{ref}", "team": "payments"}
    return {
        "ARN": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-{number:06x}",
        "Name": name,
        "Description": f"number {number}",
        "CreatedDate": WRITTEN,
        "LastChangedDate": WRITTEN,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "SecretVersionsToStages": {str(uuid.UUID(int=number)): ["AWSCURRENT"]},
    }


def entries(project: str, scopes: Iterable[str], per_scope: int) -> Iterator[Entry]:
    """Give so many secrets in each scope, `app/key-00000` and on."""
    for number, scope in enumerate(scopes):
        for index in range(per_scope):
            yield entry(project, scope, f"app/key-{index:05}", number * per_scope + index)


@contextmanager
def secrets_listing(listed: Iterable[Entry]) -> Iterator[str]:
    """List these entries, in this order; give the base URL. The process holds them, the caller need not."""
    feed = (f"{one['Name']}\t{json.dumps(one, separators=(',', ':'))}\n".encode() for one in listed)
    with child("conformance.fakes.secrets_listing", feed=feed) as url:
        yield url


def calls(url: str) -> int:
    """Ask how many times ListSecrets was called."""
    with closing(HTTPConnection(urlsplit(url).netloc)) as connection:
        connection.request("GET", "/calls")
        return json.load(connection.getresponse())["ListSecrets"]


class Listing:
    """The entries, encoded; answers the operation's requests. Safe to share between threads."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Take lines of a name, a tab and the entry's JSON."""
        pairs = [line.rstrip(b"\n").partition(b"\t") for line in lines]
        self.names = [name.decode() for name, _, _ in pairs]
        self.encoded = [encoded for _, _, encoded in pairs]
        self._found: dict[str, list[bytes]] = {}

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """Give a page, or refuse what this fake does not understand."""
        filters = request.get("Filters", [])
        size = request.get("MaxResults", PAGE)
        start = request.get("NextToken", "0")
        if not request.keys() <= UNDERSTOOD or not 1 <= size <= PAGE or not all(map(_understood, filters)):
            return aws_error("InvalidParameterException", "Not understood by this fake.", member="Message")
        if not start.isdecimal():
            return aws_error("InvalidNextTokenException", "Invalid NextToken.", member="Message")
        return _page(self._matching(filters), int(start), size)

    def _matching(self, filters: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Apply filters, all of which must match, each by one of its values; the outcome is kept for the next page."""
        key = json.dumps(filters)
        if key not in self._found:
            prefixes = [tuple(one["Values"]) for one in filters]
            pairs = zip(self.names, self.encoded, strict=True)
            self._found[key] = [encoded for name, encoded in pairs if all(map(name.startswith, prefixes))]
        return self._found[key]


def _understood(one: Mapping[str, Any]) -> bool:
    """Whether a filter asks for prefixes of the name; `!` would negate."""
    return one["Key"] == "name" and not any(value.startswith("!") for value in one["Values"])


def _page(found: Sequence[bytes], start: int, size: int) -> Answer:
    end = start + size
    token = b',"NextToken":"%d"' % end if end < len(found) else b""
    body = b'{"SecretList":[%b]%b}' % (b",".join(found[start:end]), token)
    return Answer(headers=JSON_1_1, body=body)


class _Handler(Handler):
    server: _Server

    def respond(self) -> None:
        body = self.body()
        if (self.command, self.path) == ("GET", "/calls"):
            self.send(Answer(body=b'{"ListSecrets":%d}' % self.server.calls))
        elif self.headers["X-Amz-Target"] == "secretsmanager.ListSecrets":
            self.server.count()
            self.send(self.server.listing.answer(json.loads(body)))
        else:
            self.send(aws_error("UnknownOperationException", "This fake lists and nothing else."))


class _Server(Server):
    def __init__(self, listing: Listing, listener: Any) -> None:
        super().__init__(_Handler, listener)
        self.listing = listing
        self.calls = 0
        self._lock = threading.Lock()

    def count(self) -> None:
        with self._lock:
            self.calls += 1


if __name__ == "__main__":
    listener = listen()
    serve(_Server(Listing(fed()), listener))
