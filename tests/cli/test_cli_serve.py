"""`serve dapr`: what an application that asks for secrets gets, and who gets nothing."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from cli.folder import environment
from cli.served import serve
from dapr_reader import Http
from test_secrecy import PLANTED, Watch

from syncer.backends.local import LocalBackend
from syncer.consumers.reading import Reading

if TYPE_CHECKING:
    from cli.folder import Folder

A, B = ({"source": {"env": name}} for name in "AB")
READERS = {"checkout": {"denied": ["own"]}, "reports": {"allowed": ["shared"]}}


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """A scope with a fallback, applied: `own` and `both` are its own, `shared` is not, `off` is disabled."""
    syncer.monkeypatch.setenv("A", "canary-own")
    syncer.monkeypatch.setenv("B", "canary-shared")
    entries: dict[str, Any] = {"payments:prod/own": A, "payments:own": A, "payments:both": A}
    entries |= {"payments:off": A | {"enabled": False}, "global:both": B, "global:shared": B, "global:off": B}
    syncer.declare(entries, scopes={"payments": {"fallback": "global", "readers": READERS}})
    syncer.apply()
    return syncer


def test_3a_what_is_answered(shop: Folder) -> None:
    """Values, fallback, each case of the table with its status and code, and a line for each without a value."""

    def ask(http: Http) -> None:
        assert http.get("payments", "prod/own") == (200, {"prod/own": "canary-own"})
        assert http.get("payments", "shared") == (200, {"shared": "canary-shared"})
        everything = {"both": "own", "own": "own", "prod/own": "own", "shared": "shared"}
        assert http.bulk("payments") == (200, {ref: {ref: f"canary-{value}"} for ref, value in everything.items()})
        for store, key, status, code in [
            ("other", "own", 401, "ERR_SECRET_STORE_NOT_FOUND"),
            ("other", "bulk", 401, "ERR_SECRET_STORE_NOT_FOUND"),
            ("payments", "off", 403, "ERR_PERMISSION_DENIED"),
            ("payments", "nothing", 500, "ERR_SECRET_GET"),
        ]:
            got, document = http.get(store, key)
            assert (got, document["errorCode"], document.keys()) == (status, code, {"errorCode", "message"})
            assert key == "bulk" or key in document["message"] or store in document["message"]

    result = serve(shop, ask=ask)
    assert (result.code, result.out) == (0, "")
    warning, head, *lines, end = result.err.splitlines()
    assert warning == "warning: without --app-id every application may read everything, whatever `readers` say"
    assert re.fullmatch(r"listening on http://127\.0\.0\.1:[0-9]+", head)
    assert end == "stopping: finishing what is in flight; once more to stop at once"
    assert lines == [
        "GET payments/prod/own 200",
        "GET payments/shared 200",
        "GET payments/bulk 200",
        "GET -/- 401",
        "GET -/- 401",
        "GET payments/off 403",
        "GET payments/- 500",
    ]


def test_3b_whom_it_answers(shop: Folder) -> None:
    """By the `readers` of the scope; without a name there, or without an application, everything."""

    def checkout(http: Http) -> None:
        assert [http.get("payments", ref)[0] for ref in ("own", "both", "missing")] == [403, 200, 500]
        assert http.bulk("payments")[1].keys() == {"both", "prod/own", "shared"}

    def reports(http: Http) -> None:
        assert [http.get("payments", ref)[0] for ref in ("own", "missing", "shared")] == [403, 403, 200]
        assert http.bulk("payments")[1].keys() == {"shared"}
        assert http.bulk("global")[1].keys() == {"both", "shared", "off"}

    def anybody(http: Http) -> None:
        assert http.bulk("payments")[1].keys() == {"both", "own", "prod/own", "shared"}

    told = "warning: {} may read all of the scopes that do not have it among their readers: global\n"
    assert told.format("checkout") in serve(shop, "--app-id", "checkout", ask=checkout).err
    assert told.format("reports") in serve(shop, "--app-id", "reports", ask=reports).err
    serve(shop, ask=anybody)
    assert "warning" not in serve(shop, "--store", "payments=payments", "--app-id", "checkout").err


@pytest.mark.parametrize(("app", "told"), [("chekout", "did you mean `checkout`?"), ("", "--app-id: it is empty")])
def test_an_application_that_nobody_knows(shop: Folder, app: str, told: str) -> None:
    """Is not let in where any scope says who may read; where none does, it is told that it may read all."""
    result = shop("serve", "dapr", "--port", "0", "--app-id", app)
    assert (result.code, told in result.err) == (3, True)
    shop.declare({"payments:own": A})
    assert "may read all of the scopes that do not have it among" in serve(shop, "--app-id", app).err


def test_where_a_value_is_found_has_its_say(shop: Folder) -> None:
    """Nobody gets past the `readers` of a scope by way of one that falls back to it, nor past those of that one."""
    entries = {"a:x": A, "a:y": A, "b:z": B, "c:y": B}
    only = {"bar": {"default_access": "deny", "allowed": ["x"]}}
    own = {"bar": {"denied": ["x"]}}
    scopes = {"a": {"readers": only}, "b": {"fallback": "a"}, "c": {"fallback": "b", "readers": own}}
    shop.declare(entries, scopes=scopes)
    shop.apply()

    def ask(http: Http) -> None:
        asked = {store: [http.get(store, ref)[0] for ref in "xyz"] for store in "abc"}
        assert asked == {"a": [200, 403, 403], "b": [200, 403, 200], "c": [403, 200, 200]}
        assert [sorted(http.bulk(store)[1]) for store in "abc"] == [["x"], ["x", "z"], ["y", "z"]]
        for version in ("1", "no-such"):
            assert http.ask(f"/v1.0/secrets/b/y?metadata.version_id={version}")[0] == 403

    assert "among their readers: b\n" in serve(shop, "--app-id", "bar", ask=ask).err


def test_who_may_not_read_it_misses_nothing(shop: Folder) -> None:
    """A secret that is nowhere yet is none of this application's business, and nor is its name."""
    shop.declare({"a:x": A}, scopes={"a": {"readers": {"bar": {"default_access": "deny", "allowed": ["x"]}}}})
    shop.apply()
    shop.declare({"a:x": A, "a:codename": A}, scopes={"a": {"readers": {"bar": {"denied": ["codename"]}}}})

    def ask(http: Http) -> None:
        assert http.bulk("a")[0] == 200
        assert http.get("a", "codename")[0] == 403

    assert "codename" not in serve(shop, "--app-id", "bar", ask=ask).err.replace("GET a/codename 403", "")


def test_the_help_of_the_group_is_whole(shop: Folder) -> None:
    """No sentence is cut off."""
    assert "dapr  Answer Dapr's secrets API, as a sidecar would.\n" in shop.fine("serve", "--help")


def test_stores(shop: Folder) -> None:
    """Scopes under other names, and no others; none at all where the manifest has none."""

    def ask(http: Http) -> None:
        assert http.get("secret store", "shared") == (200, {"shared": "canary-shared"})
        assert http.get("payments", "shared")[0] == 401

    assert serve(shop, "--store", "secret store=payments", "--store", "x=global", ask=ask).code == 0
    shop.declare({})

    def nothing(http: Http) -> None:
        assert http.bulk("payments")[1]["errorCode"] == "ERR_SECRET_STORES_NOT_CONFIGURED"
        assert http.get("payments", "a")[0] == 500

    assert serve(shop, ask=nothing).code == 0


def test_names_are_decoded_as_queries_are(shop: Folder) -> None:
    """`%2F` is a slash and `+` a space, before and after each other; what is no text is refused."""

    def ask(http: Http) -> None:
        for target, status in [
            ("payments/prod%2Fown", 200),
            ("payments/%70rod%2fown/", 200),
            ("//payments//own", 200),
            ("payments/prod/own", 404),
            ("payments", 404),
            ("payments/a+b", 500),
            ("payments/%62ulk", 500),
            ("payments/%zz", 400),
            ("payments/%ff", 400),
            ("payments/own%", 400),
        ]:
            assert http.ask(f"/v1.0/secrets/{target}")[0] == status, target
        assert "key a b from" in http.ask("/v1.0/secrets/payments/a+b")[1]["message"]
        assert "key a+b from" in http.ask("/v1.0/secrets/payments/a%2Bb")[1]["message"]

    serve(shop, ask=ask)


def test_older_versions(shop: Folder) -> None:
    """By `metadata.version_id`; other metadata is not heeded."""
    shop.monkeypatch.setenv("A", "canary-rotated")
    shop.apply()

    def ask(http: Http) -> None:
        assert http.get("payments", "own", version_id="1") == (200, {"own": "canary-own"})
        assert http.get("payments", "own", version_id="2", other="1") == (200, {"own": "canary-rotated"})
        assert http.get("payments", "own", version_id="", namespace="x") == (200, {"own": "canary-rotated"})
        status, document = http.get("payments", "own", version_id="9")
        assert (status, document["errorCode"]) == (500, "ERR_SECRET_GET")
        first = "/v1.0/secrets/payments/own?metadata.version_id=1&metadata.version_id=2"
        assert http.ask(first) == (200, {"own": "canary-own"})

    serve(shop, ask=ask)


def test_a_rotation_shows_at_once(shop: Folder) -> None:
    """With no restart, however long values are kept."""
    text = (shop.path / "syncer.yaml").read_text()
    kept = '"cache": {"enabled": true, "expire_after_write": "1h"}, "version": 1,'
    (shop.path / "syncer.yaml").write_text(text.replace('"version": 1,', kept))
    run = [sys.executable, "-m", "syncer", "apply", "--auto-approve"]

    def ask(http: Http) -> None:
        assert http.get("payments", "own") == (200, {"own": "canary-own"})
        rotated = environment() | {"A": "canary-rotated", "B": "canary-shared"}
        subprocess.run(run, cwd=shop.path, env=rotated, check=True, capture_output=True)
        assert http.get("payments", "own") == (200, {"own": "canary-rotated"})
        assert http.bulk("payments")[1]["own"] == {"own": "canary-rotated"}

    serve(shop, ask=ask)


TOKEN = "canary-token-ÿ"


@pytest.mark.parametrize("options", [(), ("--api-token-env", "OURS")])
def test_the_token(shop: Folder, options: tuple[str, ...]) -> None:
    """Whoever does not show it gets nothing at all, and learns nothing; but health is for everybody."""
    shop.monkeypatch.setenv("OURS" if options else "DAPR_API_TOKEN", TOKEN.encode("latin-1").decode("latin-1"))
    right = TOKEN.encode().decode("latin-1")

    def ask(http: Http) -> None:
        for token in (None, "", right[:-1], f"{right}x", "DAPR_API_TOKEN"):
            other = replace(http, token=token)
            for target in ("payments/own", "payments/bulk", "nothing/own", "payments"):
                assert other.ask(f"/v1.0/secrets/{target}") == (401, "Unauthorized")
            assert other.ask("/metrics")[0] == 401
            assert other.ask("/v1.0/healthz") == (204, "")
            assert other.ask("/healthz") == (204, "")
        shown = replace(http, token=right)
        assert shown.get("payments", "own") == (200, {"own": "canary-own"})
        assert shown.ask("/metrics")[0] == 200
        assert shown.ask("/v1.0/secrets/payments/own", Host="example.com")[0] == 200

    result = serve(shop, *options, ask=ask)
    assert "GET -/- 401\n" in result.err
    assert "canary" not in result.err


def test_a_token_that_is_not_there(shop: Folder) -> None:
    """A variable that was named must be set: nobody is let in by mistake."""
    for value in (None, ""):
        if value is not None:
            shop.monkeypatch.setenv("OURS", value)
        result = serve(shop, "--api-token-env", "OURS")
        assert (result.code, "the variable OURS is not set, or empty" in result.err) == (3, True)


def test_other_hosts(shop: Folder) -> None:
    """To listen for them without a token is warned of; on loopback, a page with a name of its own is refused."""

    def ask(http: Http) -> None:
        port = urlsplit(http.url).port
        for host in ("example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "[::1", ""):
            assert http.ask("/v1.0/secrets/payments/own", Host=host)[0] == 421, host
        for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", "[::1]:3500", "LOCALHOST"):
            assert http.ask("/v1.0/secrets/payments/own", Host=host)[0] == 200, host

    assert "warning: other" not in serve(shop, ask=ask).err

    def everywhere(http: Http) -> None:
        local = replace(http, url=http.url.replace("0.0.0.0", "127.0.0.1"))  # noqa: S104  # what it tells
        assert local.ask("/v1.0/secrets/payments/own", Host="example.com")[0] == 200

    told = serve(shop, "--host", "0.0.0.0", ask=everywhere).err  # noqa: S104  # as some will
    assert "warning: other hosts can read every value, because no token is asked for\n" in told
    shop.monkeypatch.setenv("DAPR_API_TOKEN", TOKEN)
    assert "warning: other" not in serve(shop, "--host", "0.0.0.0").err  # noqa: S104


def test_ipv6(shop: Folder) -> None:
    """Where this host has it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6")

    def ask(http: Http) -> None:
        assert http.get("payments", "own") == (200, {"own": "canary-own"})

    assert re.search(r"^listening on http://\[::1\]:[0-9]+\n", serve(shop, "--host", "::1", ask=ask).err, re.MULTILINE)


def test_other_methods_and_paths(shop: Folder) -> None:
    """They are refused; a HEAD would tell the length of a value."""

    def ask(http: Http) -> None:
        for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            assert http.ask("/v1.0/secrets/payments/own", method)[0] == 405
        assert http.ask("/v1.0/state/payments/own")[0] == 404
        assert http.ask("/")[0] == 404
        assert http.ask("/healthz/", Host="example.com")[0] == 404  # and is led nowhere

    serve(shop, ask=ask)


def test_a_path_means_the_same_to_whoever_stands_before_us(shop: Folder) -> None:
    """A proxy that guards one store sees no other in `%2F`, and so neither do we."""

    def ask(http: Http) -> None:
        for path in (
            "/v1.0%2Fsecrets/x/payments/own",
            "/v1.0%2fsecrets%2fpayments/own",
            "/v1%2e0/secrets/payments/own",
        ):
            assert http.ask(path)[0] == 404, path

    serve(shop, ask=ask)


def test_who_only_holds_a_connection(shop: Folder) -> None:
    """It is ended, with or without a part of a request on it, and leaves others their turn."""
    shop.monkeypatch.setattr("syncer.serving.server._TICKS", 1)

    def ask(http: Http) -> None:
        url = urlsplit(http.url)
        for sent in (b"", b"GET /v1.0/"):
            with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
                connection.sendall(sent)
                assert connection.recv(1000) == b""
        assert http.get("payments", "own")[0] == 200

    serve(shop, ask=ask)


def test_garbage_is_collected_while_it_serves(shop: Folder) -> None:
    """A short run goes without."""
    seen: list[bool] = []
    gc.disable()
    try:
        serve(shop, ask=lambda _http: seen.append(gc.isenabled()))
        assert (seen, gc.isenabled()) == ([True], False)
    finally:
        gc.enable()


def test_requests_that_are_too_large(shop: Folder) -> None:
    """Refused, and the next one is answered."""

    def ask(http: Http) -> None:
        assert http.ask(f"/v1.0/secrets/payments/{'a' * 10_000}")[0] == 414
        assert _is_cut_off(http, f"/v1.0/secrets/payments/{'a' * 2_000_000}")
        assert _is_cut_off(http, "/healthz", X="a" * 2_000_000)
        assert http.get("payments", "own")[0] == 200

    serve(shop, ask=ask)


def _is_cut_off(http: Http, target: str, **headers: str) -> bool:
    try:
        return http.ask(target, **headers)[0] == 400
    except ConnectionError:  # nobody reads to the end of it
        return True


def test_answers_are_not_kept(shop: Folder) -> None:
    """By nobody on the way."""

    def ask(http: Http) -> None:
        with closing(HTTPConnection(urlsplit(http.url).netloc)) as connection:
            connection.request("GET", "/v1.0/secrets/payments/own")
            answer = connection.getresponse()
            assert answer.read() == b'{"own": "canary-own"}\n'
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Server"] is None

    serve(shop, ask=ask)


def test_quiet(shop: Folder) -> None:
    """No line for a request."""

    def ask(http: Http) -> None:
        assert http.bulk("payments")[0] == 200

    assert "GET" not in serve(shop, "--quiet", ask=ask).err


def test_metrics(shop: Folder) -> None:
    """How many, by store and status, and how long they took."""

    def ask(http: Http) -> None:
        for key in ("own", "own", "nothing", "canary-own"):
            http.get("payments", key)
        http.get("canary-own", "own")
        status, text = http.ask("/metrics")
        assert status == 200
        assert 'syncer_secret_requests_total{status="200",store="payments"} 2.0' in text
        assert 'syncer_secret_requests_total{status="500",store="payments"} 2.0' in text
        assert 'syncer_secret_requests_total{status="401",store="-"} 1.0' in text
        assert 'syncer_secret_request_seconds_count{store="payments"} 4.0' in text
        assert "canary" not in text

    assert "canary" not in serve(shop, ask=ask).err


def test_without_prometheus(shop: Folder) -> None:
    """Nothing is counted, and secrets are served."""
    shop.monkeypatch.delitem(sys.modules, "syncer.serving.metrics", raising=False)
    shop.monkeypatch.setitem(sys.modules, "prometheus_client", None)

    def ask(http: Http) -> None:
        assert http.ask("/metrics")[0] == 404
        assert http.get("payments", "own")[0] == 200

    serve(shop, ask=ask)


def test_without_what_it_needs(shop: Folder) -> None:
    """What to install is told."""
    for module in [name for name in sys.modules if name.startswith("syncer.serving.")]:
        shop.monkeypatch.delitem(sys.modules, module)
    shop.monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = serve(shop)
    assert result.code == 3
    assert (
        "error: serving needs the package `uvicorn`\nhint: in the repository of syncer: pip install '.[serve]'\n"
        in result.err
    )


def test_a_value_that_is_no_text(shop: Folder) -> None:
    """JSON cannot hold it: an error by its name; and all of them are none then, unless it is denied."""
    (shop.path / "binary").write_bytes(b"canary\xff")
    readers = {"checkout": {"denied": ["binary"]}}
    entries = {"payments:binary": {"source": {"file": "binary"}}, "payments:own": A}
    shop.declare(entries, scopes={"payments": {"readers": readers}})
    shop.apply()

    def ask(http: Http) -> None:
        for status, document in (http.get("payments", "binary"), http.bulk("payments")):
            assert (status, document["errorCode"]) == (500, "ERR_SECRET_GET")
            assert "binary: the value is not UTF-8 text" in document["message"]
            assert "canary" not in document["message"]
        assert http.get("payments", "own")[0] == 200

    def checkout(http: Http) -> None:
        assert http.bulk("payments") == (200, {"own": {"own": "canary-own"}})

    serve(shop, ask=ask)
    serve(shop, "--app-id", "checkout", ask=checkout)


def test_what_is_declared_and_not_there(shop: Folder) -> None:
    """All of them are none, as for `export`, and the message says what is missing."""
    shop.declare({"payments:own": A, "payments:new": B})

    def ask(http: Http) -> None:
        status, document = http.bulk("payments")
        assert (status, document["errorCode"]) == (500, "ERR_SECRET_GET")
        assert document["message"].startswith("failed getting secrets from secret store payments: ")
        assert "payments:new" in document["message"]
        assert http.get("payments", "own")[0] == 200

    serve(shop, ask=ask)


def test_a_bug_tells_nothing(shop: Folder) -> None:
    """Neither the application nor the terminal is shown a message that may hold anything."""

    def fail(_reading: Reading, *_given: object) -> None:
        raise ValueError("canary")  # noqa: EM101  # a test

    shop.monkeypatch.setattr(Reading, "value", fail)

    def ask(http: Http) -> None:
        assert http.get("payments", "own") == (500, {"errorCode": "ERROR", "message": "internal error"})
        assert http.bulk("payments")[0] == 200

    result = serve(shop, ask=ask)
    assert result.code == 0
    assert "error: internal error: ValueError in test_cli_serve:" in result.err
    assert "canary" not in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--store", "payments"], 64, "--store is written NAME=SCOPE"),
        (["--store", "a/b=payments"], 64, "no name holds / or %"),
        (["--store", "..=payments"], 64, "--store is written NAME=SCOPE"),
        (["--store", "=payments"], 64, "--store is written NAME=SCOPE"),
        (["--store", "a=payments", "--store", "a=global"], 64, "--store: a name is given twice"),
        (["--store", "a=paymants"], 3, "the manifest has no scope paymants, did you mean `payments`?"),
        (["--host", "256.0.0.1"], 3, "256.0.0.1:0 cannot be listened on: "),
        (["--host", "a" * 70], 3, f"{'a' * 70}:0 cannot be listened on: "),
        (["--port", "65536"], 64, "65536 is not in the range"),
    ],
)
def test_what_cannot_be_served(shop: Folder, arguments: list[str], code: int, told: str) -> None:
    """Told before anything is listened on."""
    result = serve(shop, *arguments)
    assert (result.code, told in result.err, "listening" in result.err) == (code, True, False)


def test_an_address_that_is_taken(shop: Folder) -> None:
    """Told with its number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = shop("serve", "dapr", "--port", str(port))
    assert result.code == 3
    assert f"error: 127.0.0.1:{port} cannot be listened on: address already in use\n" in result.err


def test_3500_unless_told_otherwise(shop: Folder) -> None:
    """The port at which an application looks for its sidecar."""
    assert "[default: 3500" in shop.fine("serve", "dapr", "--help")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_is_in_flight_ends(shop: Folder, number: signal.Signals, code: int) -> None:
    """A request that has begun when the signal comes is answered; then the process ends."""
    entered, told = threading.Event(), threading.Event()
    real = LocalBackend.read
    found: list[Any] = []

    def slow(backend: LocalBackend, address: Any) -> Any:
        entered.set()
        assert told.wait(30)
        return real(backend, address)

    shop.monkeypatch.setattr(LocalBackend, "read", slow)

    def ask(http: Http) -> None:
        thread = threading.Thread(target=lambda: found.append(http.get("payments", "own")))
        thread.start()
        assert entered.wait(30)
        os.kill(os.getpid(), number)
        told.set()
        thread.join()

    result = serve(shop, ask=ask, number=signal.SIGCONT)
    assert (result.code, found) == (code, [(200, {"own": "canary-own"})])


_STUCK = """
import sys
from syncer.backends.local import LocalBackend
def stuck(backend, address):
    sys.stderr.write("entered\\n")
    sys.stderr.flush()
    sys.stdin.read()
LocalBackend.read = stuck
sys.argv = ["syncer", "serve", "dapr", "--port", "0", "--store", "global=global"]
from syncer.cli import main
main()
"""


def test_a_second_signal_ends_at_once(shop: Folder) -> None:
    """Without waiting for what is in flight."""
    command = [sys.executable, "-c", _STUCK]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=shop.path, env=environment(), text=True, **pipes) as process:
        url = urlsplit(process.stderr.readline().removeprefix("listening on ").strip())
        with socket.create_connection((url.hostname, url.port)) as connection:
            connection.sendall(b"GET /v1.0/secrets/global/both HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert process.stderr.readline() == "entered\n"
            process.terminate()
            assert process.stderr.readline().startswith("stopping: ")
            process.terminate()
            assert process.wait(timeout=60) == 0
            assert b"200 OK" not in connection.recv(1000)
        assert process.stderr.read() == ""


def test_a_process(shop: Folder) -> None:
    """As a user starts and ends it: one line on standard error, 0 after SIGTERM, 130 after Ctrl-C, no traceback."""
    command = [sys.executable, "-m", "syncer", "serve", "dapr", "--port", "0", "--store", "global=global"]
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with subprocess.Popen(
            command, cwd=shop.path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            url = process.stderr.readline().removeprefix("listening on ").strip()
            assert Http(url).get("global", "both") == (200, {"both": "canary-shared"})
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (code, "")
        assert err.splitlines()[0] == "GET global/both 200"
        assert "Traceback" not in err


def test_no_value_but_in_answers(syncer: Folder) -> None:
    """Not in a log, an error or a metric, nor a part of one, whatever goes wrong."""
    watch = Watch()
    (syncer.path / "token").write_text(PLANTED["sqlite"])
    for name in ("env", "file", "json"):
        (syncer.path / name).write_text(PLANTED[name])
        watch.add(name, PLANTED[name].encode())
    watch.add("binary", PLANTED["hex"].encode() + b"\xff")
    (syncer.path / "binary").write_bytes(PLANTED["hex"].encode() + b"\xff")
    watch.add("token", PLANTED["sqlite"].encode())
    syncer.monkeypatch.setenv("DAPR_API_TOKEN", PLANTED["sqlite"])
    syncer.declare({f"payments:{name}": {"source": {"file": name}} for name in ("env", "file", "json", "binary")})
    syncer.apply()
    told: list[str] = []

    def ask(http: Http) -> None:
        known = replace(http, token=PLANTED["sqlite"])
        told.extend(str(known.get(store, "binary")) for store in ("payments", "other"))
        told.append(str(known.bulk("payments")))
        told.append(str(http.get("payments", "env")))
        assert known.get("payments", "env") == (200, {"env": PLANTED["env"]})
        known.get("payments", PLANTED["file"])
        known.get(PLANTED["json"], PLANTED["file"], version_id=PLANTED["env"])
        known.get("payments", "env", version_id="7")
        told.append(str(known.ask("/metrics")))

    result = serve(syncer, ask=ask)
    for text in (result.err, *told):
        watch.look("what was told", text.encode())
