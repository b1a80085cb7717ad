"""`k8s_secret@namespace/name/key`: Secrets of the cluster in which the Agent runs."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE, environment
from conformance.fakes.cluster import JSON, TOKEN, Cluster, cluster
from conformance.fakes.loopback import Answer
from datadog_agent import Agent

from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.folder import Folder

CANARY = b"canary-KjHqXzVwTg-never-print-me"
FINE = "k8s_secret@shop/database/password"


@pytest.fixture
def pod(syncer: Folder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a Secret, and the variables of a pod in it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        syncer.monkeypatch.delenv(name, raising=False)
        syncer.monkeypatch.delenv(name.lower(), raising=False)
    syncer.declare({"global:a": GENERATE})
    syncer.apply()
    with cluster(tmp_path_factory.mktemp("pod") / "serviceaccount") as made:
        made.secrets["shop", "database"] = {"password": CANARY, "user.name": b"shop", "empty": b"", "binary": b"\xff"}
        made.secrets["shop", "other"] = {"password": b"second"}
        for name, text in made.environ.items():
            syncer.monkeypatch.setenv(name, text)
        yield made


def asked(syncer: Folder, pod: Cluster, *handles: str) -> dict[str, Any]:
    """Give the entries of a reply."""
    request = json.dumps({"version": "1.1", "secrets": handles}).encode()
    result = syncer("datadog-backend", "--service-account", str(pod.account), "--timeout", "20s", stdin=request)
    assert (result.code, result.err) == (0, "")
    assert_no_leak(TOKEN.encode(), result.out)
    return dict(result.json)


def errors(entries: dict[str, Any]) -> dict[str, str]:
    """Give what is wrong."""
    return {handle: entry["error"] for handle, entry in entries.items() if entry["error"]}


def test_an_agent_gets_them(syncer: Folder, pod: Cluster) -> None:
    """Beside those of the manifest; each Secret is asked for once."""
    launcher = syncer.path.parent / f"{syncer.path.name}-launcher"
    syncer.fine("datadog-backend", "--install", str(launcher), "--service-account", str(pod.account))
    agent = Agent(secret_backend_command=launcher, environ=environment())
    handles = [FINE, "k8s_secret@shop/database/user.name", "k8s_secret@shop/other/password", "a"]
    fetched = agent.fetch(*handles)
    assert [*fetched.values.values()][:-1] == [CANARY.decode(), "shop", "second"]
    assert sorted(pod.paths) == [f"/api/v1/namespaces/shop/secrets/{name}" for name in ("database", "other")]


def test_what_is_wrong_is_the_error_of_one(syncer: Folder, pod: Cluster) -> None:
    """Missing, forbidden, without such a key, no text, empty, no Secret at all; nothing of a value is told."""
    pod.forbidden.add("private")
    where = "/api/v1/namespaces/shop/secrets"
    pod.answers = {
        f"{where}/page": Answer(headers=(("Content-Type", "text/html"),), body=b"<html>" + CANARY),
        f"{where}/list": Answer(headers=JSON, body=b'["' + CANARY + b'"]'),
        f"{where}/odd": Answer(headers=JSON, body=b'{"data": {"a": "!' + CANARY + b'", "b": 1, "c": "\xc3\xa9"}}'),
        f"{where}/flat": Answer(headers=JSON, body=b'{"data": "' + CANARY + b'"}'),
    }
    wrong = {
        "k8s_secret@shop/nothing/a": "secret shop/nothing: not in kubernetes",
        "k8s_secret@shop/database/nothing": "secret shop/database has no key nothing",
        "k8s_secret@shop/database/empty": "the value is empty",
        "k8s_secret@shop/database/binary": "the value is not UTF-8 text",
        "k8s_secret@private/a/b": "denied GET /api/v1/namespaces/private/secrets/a (403)",
        "k8s_secret@shop/page/a": "with a web page",
        "k8s_secret@shop/odd/a": "secret shop/odd: what is under the key a is not base64",
        "k8s_secret@shop/odd/b": "is not base64",
        "k8s_secret@shop/odd/c": "is not base64",
    }
    entries = asked(syncer, pod, FINE, *wrong)
    found = errors(entries)
    assert set(found) == set(wrong)
    assert all(told in found[handle] for handle, told in wrong.items()), found
    assert base64.b64encode(CANARY).decode() not in str(found)
    assert_no_leak(CANARY, found)
    assert entries[FINE]["value"] == CANARY.decode()


@pytest.mark.parametrize("name", ["list", "flat", "cut"])
def test_an_answer_that_makes_no_sense(
    syncer: Folder, pod: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be passing, so it is asked for again; then it is an error that quotes nothing of it."""
    bodies = {"list": b'["%b"]' % CANARY, "flat": b'{"data": "%b"}' % CANARY, "cut": b'{"data": {"a": "%b' % CANARY}
    pod.answers = {f"/api/v1/namespaces/shop/secrets/{name}": Answer(headers=JSON, body=bodies[name])}
    monkeypatch.setattr("syncer.retry.Retry.pause", lambda _self, _seconds: False)
    found = errors(asked(syncer, pod, f"k8s_secret@shop/{name}/a"))
    assert_no_leak(CANARY, found)
    assert "makes no sense" in found[f"k8s_secret@shop/{name}/a"]
    assert len(pod.paths) > 1


def test_who_is_not_let_in(syncer: Folder, pod: Cluster) -> None:
    """A token that is wrong or missing; an authority that is another's or missing."""
    (pod.account / "token").write_text("tok-of-somebody-else")
    assert "does not let us in with the token" in errors(asked(syncer, pod, FINE))[FINE]
    (pod.account / "token").unlink()
    assert "option `token`" in errors(asked(syncer, pod, FINE))[FINE]
    (pod.account / "token").write_text(TOKEN)
    (pod.account / "ca.crt").unlink()
    assert "option `ca_cert`" in errors(asked(syncer, pod, FINE))[FINE]


def test_outside_of_a_cluster(syncer: Folder, pod: Cluster) -> None:
    """An error for each of them, and the others are answered."""
    syncer.monkeypatch.delenv("KUBERNETES_SERVICE_PORT")
    entries = asked(syncer, pod, FINE, "a")
    assert "does not run in a Kubernetes cluster" in errors(entries)[FINE]
    assert entries["a"]["value"]


def test_without_an_http_client(syncer: Folder, pod: Cluster) -> None:
    """The package is named."""
    import sys

    syncer.monkeypatch.delitem(sys.modules, "syncer.consumers.cluster", raising=False)
    syncer.monkeypatch.delitem(sys.modules, "syncer.rest.client", raising=False)
    syncer.monkeypatch.setitem(sys.modules, "httpx", None)
    assert errors(asked(syncer, pod, FINE)) == {FINE: "Kubernetes needs the package `httpx`"}


def test_an_address_of_version_6(syncer: Folder, pod: Cluster, tmp_path: Path) -> None:
    """It goes into brackets."""
    from syncer.consumers.cluster import Cluster as Line

    with syncer.session() as session:
        for host, wanted in (
            ("::1", "https://[::1]:443"),
            ("10.0.0.1", "https://10.0.0.1:443"),
            ("api", "https://api:443"),
        ):
            syncer.monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
            syncer.monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
            assert Line(session=session, account=tmp_path)._url() == wanted
    assert pod.paths == []


@pytest.mark.usefixtures("pod")
def test_it_is_no_backend_of_a_manifest(syncer: Folder) -> None:
    """It can do nothing that a manifest would ask of one."""
    from syncer.consumers.cluster import Kubernetes
    from syncer.errors import Unsupported
    from syncer.model import Address
    from syncer.sensitive import Sensitive
    from syncer.testing.base import declared

    secret = declared(Address("a", "b"))
    with syncer.session() as session:
        context = session.context()
        backend = Kubernetes.open({"url": "https://localhost"}, context)
        assert (context.has_key(), len(context.key_id()) > 0) == (True, True)
        for call in (
            lambda: backend.observe([], []),
            lambda: backend.create(secret, Sensitive(b"x")),
            lambda: backend.rotate(secret, Sensitive(b"x"), None),  # type: ignore[arg-type]  # never looked at
        ):
            with pytest.raises(Unsupported):
                call()
