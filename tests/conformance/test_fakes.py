"""The fakes do what they say: each fault as a client sees it, moto and the listing as boto3 sees them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from conformance.fakes import answers
from conformance.fakes.fault_proxy import Cut, FaultProxy, Hang, Reset, Rewrite, Rule, fault_proxy
from conformance.fakes.loopback import Answer, Handler, Server, running
from conformance.fakes.moto_server import moto_server, reset
from conformance.fakes.secrets_listing import calls, entries, secrets_listing

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
LONG = 60.0
"""Seconds that no test waits for."""
OPERATION = {"X-Amz-Target": "secretsmanager.ListSecrets"}


class Upstream(Server):
    """Remembers who called what; lists its `names`, two a page, where it is asked to list."""

    def __init__(self) -> None:
        super().__init__(Echo)
        self.heard: list[str] = []
        self.clients: set[Any] = set()
        self.names: list[str] = []


class Echo(Handler):
    """Answers what it was asked."""

    server: Upstream

    def respond(self) -> None:
        """Note the call and say it back."""
        self.server.heard.append(self.command)
        self.server.clients.add(self.client_address)
        body = self.body()
        said = self.page(body) if "X-Amz-Target" in self.headers else self.echo(body)
        self.send(Answer(headers=(("X-Kept", "1"), ("Connection", "keep-alive")), body=json.dumps(said).encode()))

    def echo(self, body: bytes) -> dict[str, Any]:
        """Say back a request."""
        return {"path": self.path, "mark": self.headers["X-Mark"], "body": body.decode()}

    def page(self, body: bytes) -> dict[str, Any]:
        """Give a page of the names, with the token of the next."""
        start = int(json.loads(body).get("NextToken", "0"))
        more = {"NextToken": str(start + 2)} if start + 2 < len(self.server.names) else {}
        return {"SecretList": self.server.names[start : start + 2]} | more


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Run the server behind the proxy."""
    server = Upstream()
    with running(server):
        yield server


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    """Stand in front of it."""
    with fault_proxy(upstream.url) as proxy:
        yield proxy


@pytest.fixture
def connection(proxy: FaultProxy) -> Iterator[HTTPConnection]:
    """Connect to the proxy."""
    with closing(HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)) as connection:
        yield connection


@pytest.fixture(scope="module", autouse=True)
def _nobody_s_account() -> Iterator[None]:
    """Keep the profile of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, "/nonexistent")
        yield


def client(url: str, service: str = "secretsmanager") -> Any:
    """Make a boto3 client that calls once and never again."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=10)
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.Session(region_name="us-east-1", **keys).client(service, endpoint_url=url, config=config)


def ask(connection: HTTPConnection, method: str = "GET", path: str = "/", **request: Any) -> HTTPResponse:
    """Make a call, and give the answer with its body still to be read."""
    connection.request(method, path, **request)
    return connection.getresponse()


def statuses(connection: HTTPConnection, times: int) -> list[int]:
    """Make the same call several times."""
    found = []
    for _ in range(times):
        answer = ask(connection)
        answer.read()
        found.append(answer.status)
    return found


def listed(connection: HTTPConnection) -> list[str]:
    """Follow a listing to its end."""
    names: list[str] = []
    request: dict[str, Any] = {"MaxResults": 2}
    while True:
        page = json.load(ask(connection, "POST", body=json.dumps(request), headers=OPERATION))
        names += page["SecretList"]
        if "NextToken" not in page:
            return names
        request["NextToken"] = page["NextToken"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "LIST", "SCAN"])
def test_forwards_any_method(connection: HTTPConnection, proxy: FaultProxy, method: str) -> None:
    """Path with query, headers and body arrive, the answer's headers come back, and the log has both."""
    answer = ask(connection, method, "/v1/secret/a?list=true", body=b"value", headers={"X-Mark": "m"})
    said = json.load(answer)
    assert said == {"path": "/v1/secret/a?list=true", "mark": "m", "body": "value"}
    assert (answer.headers["X-Kept"], answer.headers["Connection"]) == ("1", None)
    [call] = proxy.log
    assert (call.name, call.path, call.forwarded) == (f"{method} /v1/secret/a", "/v1/secret/a?list=true", 200)
    assert (call.body, call.answer and call.answer.document) == (b"value", said)


def test_keeps_connections(connection: HTTPConnection, upstream: Upstream) -> None:
    """A client's calls go over one connection on either side; HEAD answers without a body."""
    assert statuses(connection, 3) == [200] * 3
    socket_before = connection.sock
    head = ask(connection, "HEAD")
    assert (int(head.headers["Content-Length"]) > 0, head.read()) == (True, b"")
    assert statuses(connection, 1) == [200]
    assert (connection.sock, len(upstream.clients)) == (socket_before, 1)


def test_upstream_that_is_gone(upstream: Upstream, connection: HTTPConnection) -> None:
    """The client's connection ends without an answer."""
    statuses(connection, 1)
    upstream.close()
    with pytest.raises(ConnectionError):
        ask(connection)


def test_answer(connection: HTTPConnection, proxy: FaultProxy, upstream: Upstream) -> None:
    """A given answer reaches the client and the call does not reach the upstream."""
    proxy.set(Rule(fault=answers.vault_rate_limited("secret/data/a", retry_after=7)))
    answer = ask(connection)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert json.load(answer) == {"errors": ['request path "secret/data/a": rate limit quota exceeded']}
    assert not upstream.heard
    assert [(call.forwarded, call.answer) for call in proxy.log] == [(None, proxy.log[0].fault)]


@pytest.mark.parametrize(("after_forward", "heard", "forwarded"), [(False, [], None), (True, ["GET"], 200)])
def test_reset(
    connection: HTTPConnection,
    proxy: FaultProxy,
    upstream: Upstream,
    after_forward: bool,  # noqa: FBT001  # a parameter of the test
    heard: list[str],
    forwarded: int | None,
) -> None:
    """The client sees RST, and the upstream has done the call or not."""
    proxy.set(Rule(fault=Reset(after_forward=after_forward), times=1))
    with pytest.raises(ConnectionResetError):
        ask(connection)
    assert (upstream.heard, proxy.log[0].forwarded) == (heard, forwarded)
    connection.close()
    assert statuses(connection, 1) == [200]


def test_cut(connection: HTTPConnection, proxy: FaultProxy, upstream: Upstream) -> None:
    """Half of the answer comes, with the length of the whole, and then the end."""
    proxy.set(Rule(fault=Cut()))
    answer = ask(connection)
    length = int(answer.headers["Content-Length"])
    with pytest.raises(IncompleteRead) as cut:
        answer.read()
    assert (len(cut.value.partial), upstream.heard) == (length // 2, ["GET"])
    assert proxy.log[0].answer
    assert len(proxy.log[0].answer.body) == length


def test_hang(connection: HTTPConnection, proxy: FaultProxy, upstream: Upstream) -> None:
    """An answer is held until it is released."""
    proxy.set(Rule(fault=Hang(LONG)))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(statuses, connection, 1)
        proxy.wait_for("GET /")
        assert not held.done()
        proxy.release()
        assert held.result() == [200]
    assert upstream.heard == ["GET"]


def test_hang_outlasts_the_client(proxy: FaultProxy, upstream: Upstream) -> None:
    """A client with less patience gives up although the upstream has done the call; the context ends all the same."""
    proxy.set(Rule(fault=Hang(LONG)))
    with closing(HTTPConnection(urlsplit(proxy.url).netloc, timeout=0.1)) as hasty, pytest.raises(TimeoutError):
        ask(hasty)
    assert upstream.heard == ["GET"]


def test_hang_ends_by_itself(connection: HTTPConnection, proxy: FaultProxy) -> None:
    """An answer comes when its time has passed."""
    proxy.set(Rule(fault=Hang(0.01)))
    assert statuses(connection, 1) == [200]


def test_rewrite(connection: HTTPConnection, proxy: FaultProxy) -> None:
    """The answer's document is changed on its way."""
    proxy.set(Rule(fault=Rewrite(lambda document: document | {"path": "elsewhere"})))
    assert json.load(ask(connection)) == {"path": "elsewhere", "mark": None, "body": ""}
    assert proxy.log[0].forwarded == 200


def test_rule_counts(connection: HTTPConnection, proxy: FaultProxy) -> None:
    """Calls are spared first, then so many are spoilt; two rules take turns, the first before the second."""
    proxy.set(
        Rule(fault=Answer(status=429), after=1, times=2),
        Rule(fault=Answer(status=503), after=1, times=1),
        Rule(fault=Answer(status=500), calls="POST *"),
    )
    assert statuses(connection, 5) == [200, 429, 429, 503, 200]
    assert [call.answer.status for call in proxy.calls("GET /") if call.answer] == [200, 429, 429, 503, 200]
    proxy.clear()
    assert (statuses(connection, 1), len(proxy.log)) == ([200], 1)


def test_rule_chooses(connection: HTTPConnection, proxy: FaultProxy) -> None:
    """By a predicate on the call."""
    proxy.set(Rule(fault=Answer(status=403), calls=lambda call: call.body == b"b"))
    for body in (b"a", b"b"):
        ask(connection, "PUT", body=body).read()
    assert [call.forwarded for call in proxy.log] == [200, None]


def test_share_is_the_same_every_time(connection: HTTPConnection, proxy: FaultProxy) -> None:
    """A tenth of the calls is spoilt, the same ones by number under one seed."""
    runs = []
    for seed in (1, 1, 2):
        proxy.set(Rule(fault=Answer(status=429), share=0.1, seed=seed))
        runs.append(statuses(connection, 100))
    assert runs[0] == runs[1] != runs[2]
    assert 1 <= runs[0].count(429) <= 25


def test_listing_lags(connection: HTTPConnection, proxy: FaultProxy, upstream: Upstream) -> None:
    """A frozen listing shows what was there at that moment, on every page, while other calls pass."""
    upstream.names = ["a", "b", "c"]
    assert listed(connection) == ["a", "b", "c"]
    upstream.names = ["a", "b", "c", "d", "e"]
    with proxy.lagging("ListSecrets"):
        upstream.names = ["x"]
        assert listed(connection) == ["a", "b", "c", "d", "e"]
        other = json.load(ask(connection, "POST", body='{"MaxResults": 1}', headers=OPERATION))
        assert other == {"SecretList": ["x"]}
        assert statuses(connection, 1) == [200]
    assert listed(connection) == ["x"]
    assert [call.forwarded for call in proxy.calls("ListSecrets")] == [200, 200, None, None, None, 200, 200]


def test_nothing_to_freeze(proxy: FaultProxy) -> None:
    """A test that freezes a listing nobody asked for is told so."""
    with pytest.raises(LookupError, match="no call ListSecrets"):
        proxy.freeze("ListSecrets")


@pytest.fixture(scope="module")
def impatient() -> Iterator[tuple[FaultProxy, Any]]:
    """A boto3 client before a proxy before an upstream."""
    with running(Upstream()) as url, fault_proxy(url) as proxy, closing(client(proxy.url)) as aws:
        yield proxy, aws


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (answers.THROTTLED, "ThrottlingException", 400),
        (answers.TOO_MANY_REQUESTS, "TooManyRequestsException", 400),
        (answers.TOO_MANY_UPDATES, "TooManyUpdates", 400),
        (answers.INTERNAL_ERROR, "InternalServiceError", 500),
        (answers.SSM_INTERNAL_ERROR, "InternalServerError", 500),
        (answers.UNAVAILABLE, "ServiceUnavailable", 503),
        (answers.BARE_UNAVAILABLE, "503", 503),
        (answers.access_denied("secretsmanager:ListSecrets"), "AccessDeniedException", 400),
        (answers.EXPIRED_TOKEN, "ExpiredTokenException", 400),
        (answers.UNRECOGNIZED_CLIENT, "UnrecognizedClientException", 400),
    ],
)
def test_refusals_of_aws(impatient: tuple[FaultProxy, Any], answer: Answer, code: str, status: int) -> None:
    """Boto3 reads code, status and message out of each."""
    proxy, aws = impatient
    proxy.clear()
    proxy.set(Rule(fault=answer, calls="ListSecrets"))
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.list_secrets()
    error = refused.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert error["Error"]["Message"]
    assert len(proxy.log) == 1


@pytest.mark.parametrize("after_forward", [False, True])
def test_lost_connection(impatient: tuple[FaultProxy, Any], after_forward: bool) -> None:  # noqa: FBT001  # a parameter
    """Boto3 says that it was closed, and does not call again."""
    proxy, aws = impatient
    proxy.clear()
    proxy.set(Rule(fault=Reset(after_forward=after_forward)))
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws.list_secrets()
    assert len(proxy.log) == 1


def test_boto3_does_not_notice_a_cut(impatient: tuple[FaultProxy, Any]) -> None:
    """It checks no length and takes JSON that ends early for an empty success: a backend must miss the member."""
    proxy, aws = impatient
    proxy.clear()
    assert aws.list_secrets()["SecretList"] == []
    proxy.set(Rule(fault=Cut()))
    cut = aws.list_secrets()
    assert cut["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "SecretList" not in cut


def test_moto() -> None:
    """It serves boto3 through the proxy, a write while listings run too, forgets when told, and is gone afterwards."""
    with moto_server() as url, fault_proxy(url) as proxy, closing(client(proxy.url)) as aws:
        with ThreadPoolExecutor(4) as pool:
            made = [pool.submit(aws.create_secret, Name=f"n{number}", SecretString="canary") for number in range(20)]
            seen = [pool.submit(aws.list_secrets) for _ in range(20)]
        assert {future.result()["ResponseMetadata"]["HTTPStatusCode"] for future in made + seen} == {200}
        assert len(aws.list_secrets()["SecretList"]) == 20
        assert [b"canary" in call.body for call in proxy.calls("CreateSecret")] == [True] * 20
        reset(url)
        assert not aws.list_secrets()["SecretList"]
        with closing(client(url, "ssm")) as ssm:
            ssm.put_parameter(Name="/p", Value="v", Type="SecureString")
            assert [found["Name"] for found in ssm.describe_parameters()["Parameters"]] == ["/p"]
    _assert_gone(url)


def test_secrets_listing() -> None:
    """Boto3 pages through the entries and filters them by prefix; every call is counted; the rest is refused."""
    with secrets_listing(entries("shop", ["global", "payments"], 150)) as url, closing(client(url)) as aws:
        pages = list(aws.get_paginator("list_secrets").paginate())
        assert [len(page["SecretList"]) for page in pages] == [100, 100, 100]
        first = pages[0]["SecretList"][0]
        assert (first["Name"], first["ARN"][-7:]) == ("shop/global/app/key-00000", "-000000")
        assert {"Key": "syncer:address", "Value": "global:app/key-00000"} in first["Tags"]
        assert list(first["SecretVersionsToStages"].values()) == [["AWSCURRENT"]]
        assert _names(aws, "shop/payments/app/key-0014", "shop/global/app/key-00001") == [
            "shop/global/app/key-00001",
            *(f"shop/payments/app/key-0014{digit}" for digit in range(10)),
        ]
        assert _names(aws, "Shop/") == []
        with pytest.raises(aws.exceptions.InvalidParameterException):
            aws.list_secrets(Filters=[{"Key": "tag-key", "Values": ["team"]}])
        with pytest.raises(aws.exceptions.InvalidNextTokenException):
            aws.list_secrets(NextToken="elsewhere")
        with pytest.raises(botocore.exceptions.ClientError, match="UnknownOperation"):
            aws.describe_secret(SecretId="shop/global/app/key-00000")
        assert calls(url) == 7
    _assert_gone(url)


def _names(aws: Any, *prefixes: str) -> list[str]:
    return [found["Name"] for found in aws.list_secrets(Filters=[{"Key": "name", "Values": prefixes}])["SecretList"]]


def _assert_gone(url: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))


PARENT = """
from conformance.fakes.secrets_listing import secrets_listing
with secrets_listing([]) as url:
    print(url, flush=True)
    input()
"""


def test_child_dies_with_its_parent() -> None:
    """Also where the parent is killed and can end nobody."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        url = parent.stdout.readline().strip()
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
            assert json.load(ask(connection, path="/calls")) == {"ListSecrets": 0}
            parent.kill()
            assert connection.sock.recv(1) == b""
