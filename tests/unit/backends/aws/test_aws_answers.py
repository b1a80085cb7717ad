"""Answers of another shape than AWS documents, and pages that never end: an error of ours, never a bug or a hang."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from conformance.aws import prefix
from conformance.fakes.fault_proxy import FaultProxy, Rewrite, Rule
from conformance.fakes.loopback import Answer
from conformance.fakes.ssm_client import HASTE

from syncer.backends.aws.parameter_store import ParameterStore
from syncer.backends.aws.secrets_manager import SecretsManager
from syncer.errors import BackendError, NotFound, Transient
from syncer.model import Address, Observed
from syncer.retry import Retry
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, context, declared, error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syncer.backends.base import Backend

ONE, TWO = Address("payments", "prod/db"), Address("payments", "two")
SECRET = declared(ONE, tags={"team": "a"})
ONCE = Retry(attempts=1, patience=1, sleep=lambda _: None)


@dataclass
class Bench:
    """A backend with one secret, which the tests ask behind a proxy."""

    backend: Backend
    proxy: FaultProxy
    made: Observed

    def attempts(self) -> dict[str, Callable[[], object]]:
        """Give what is done with each call whose answer is read."""
        backend, made = self.backend, self.made
        rotate = lambda: backend.rotate(SECRET, Sensitive(b"v2"), made)  # noqa: E731  # one of many
        create = lambda: backend.create(declared(TWO), Sensitive(b"v"))  # noqa: E731  # as above
        observe = lambda: list(backend.observe(["payments"], [ONE]))  # noqa: E731  # as above
        if isinstance(backend, SecretsManager):
            return {
                "ListSecrets": observe,
                "DescribeSecret": lambda: backend.look(ONE),
                "GetSecretValue": lambda: backend.read(ONE),
                "BatchGetSecretValue": lambda: list(backend.read_many([ONE])),
                "PutSecretValue": rotate,
                "CreateSecret": create,
            }
        return {
            "DescribeParameters": observe,
            "ListTagsForResource": observe,
            "GetParameter": lambda: backend.read(ONE),
            "GetParameters": lambda: list(backend.read_many([ONE])),
            "PutParameter": create,
        }


@pytest.fixture
def secrets(proxy: FaultProxy, tmp_path: Path) -> Iterator[Bench]:
    """Secrets Manager."""
    yield from _bench(SecretsManager, {"prefix": prefix(tmp_path)}, proxy, tmp_path)


@pytest.fixture
def parameters(proxy: FaultProxy, tmp_path: Path) -> Iterator[Bench]:
    """Parameter Store."""
    path = f"/{prefix(tmp_path)}{{project}}/{{scope}}/{{ref}}"
    yield from _bench(ParameterStore, {"path": path, "writes_per_second": HASTE}, proxy, tmp_path)


@pytest.fixture(params=["secrets", "parameters"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Each of the two stores."""
    found: Bench = request.getfixturevalue(request.param)
    return found


def _bench(kind: type[Backend], options: dict[str, object], proxy: FaultProxy, folder: Path) -> Iterator[Bench]:
    backend = kind.open(options, replace(context(folder, "shop"), retry=ONCE))
    made = backend.create(SECRET, Sensitive(CANARY))
    yield Bench(backend, proxy, made)
    backend.close()


def _unreadable(problem: object) -> bool:
    return type(problem) in (Transient, BackendError) and str(problem).endswith("that can be read")


def _whole(answer: object) -> Answer:
    return Answer(body=answer if isinstance(answer, bytes) else json.dumps(answer).encode())


def _spoilt(document: Any) -> Iterator[Any]:
    """Give a document with one of its parts missing, or of another kind, at any depth."""
    if isinstance(document, dict):
        for key, part in document.items():
            yield {name: other for name, other in document.items() if name != key}
            yield from ({**document, key: instead} for instead in _spoilt(part))
    if isinstance(document, list) and document:
        yield from ([instead, *document[1:]] for instead in _spoilt(document[0]))
    yield from (None, 5, 1e300, "x", [1], [None], ["x"], {"a": 1}, {}, [])


def test_whatever_is_spoilt_is_told_in_our_words(bench: Bench) -> None:
    """Every part of every answer, one by one: a result or an error of ours, and none that shows a value."""
    for call, attempt in bench.attempts().items():
        bench.proxy.clear()
        error_of(attempt)
        sound = bench.proxy.calls(call)[0].answer.document
        for document in _spoilt(sound):
            bench.proxy.set(Rule(fault=_whole(document), calls=call))
            outcome = error_of(attempt)
            if isinstance(outcome, Exception):
                assert_no_leak(CANARY, outcome)
        bench.proxy.set()


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        ("ListSecrets", "SecretList"),
        ("DescribeSecret", "ARN"),
        ("GetSecretValue", "SecretString"),
        ("BatchGetSecretValue", "SecretValues"),
        ("PutSecretValue", "VersionId"),
        ("CreateSecret", "VersionId"),
        ("CreateSecret", "ARN"),
        ("DescribeParameters", "Parameters"),
        ("ListTagsForResource", "TagList"),
        ("GetParameter", "Parameter"),
        ("GetParameters", "Parameters"),
        ("PutParameter", "Version"),
    ],
)
def test_what_must_be_there(request: pytest.FixtureRequest, call: str, missing: str) -> None:
    """Without it the answer is none: not an empty list, no tags, nothing."""
    bench = request.getfixturevalue("parameters" if "Param" in call or "Tags" in call else "secrets")
    for nothing in ({}, None):
        bench.proxy.set(Rule(fault=_whole(nothing), calls=call))
        assert type(error_of(bench.attempts()[call])) in (Transient, BackendError)
    bench.proxy.set(Rule(fault=Rewrite(lambda page: {n: p for n, p in page.items() if n != missing}), calls=call))
    assert _unreadable(error_of(bench.attempts()[call]))


@pytest.mark.parametrize("part", ["Name", "ARN"])
def test_entries_of_a_list_of_secrets(secrets: Bench, part: str) -> None:
    """One that lacks its name or its ARN spoils the list."""

    def cut(page: dict[str, Any]) -> dict[str, Any]:
        return {"SecretList": [{name: said for name, said in page["SecretList"][0].items() if name != part}]}

    secrets.proxy.set(Rule(fault=Rewrite(cut), calls="ListSecrets"))
    assert _unreadable(error_of(secrets.attempts()["ListSecrets"]))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b'{"SecretList":' + b"[" * 100_000),
        Answer(body=b'{"SecretList":[{"Name":"x","ARN":"a","DeletedDate":1e300}]}'),
        Answer(status=418, body=b"[1]"),
        Answer(status=400, body=b'{"__type":5,"message":6}'),
        Answer(status=400, body=b'{"__type":null,"message":null}'),
        Answer(status=400, headers=(("Retry-After", "9" * 400),), body=b'{"__type":"ThrottlingException"}'),
    ],
    ids=["deep", "date", "list", "numbers", "nothing", "delay"],
)
def test_answers_from_nowhere(secrets: Bench, answer: Answer) -> None:
    """Nesting without end, dates beyond the calendar, errors that are none."""
    secrets.proxy.set(Rule(fault=answer, calls="ListSecrets"))
    problem = error_of(secrets.attempts()["ListSecrets"])
    assert isinstance(problem, BackendError)
    assert "secretsmanager:ListSecrets" in problem.message


@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize("call", ["ListSecrets", "BatchGetSecretValue", "DescribeParameters"])
def test_pages_that_never_end(request: pytest.FixtureRequest, call: str, *, empty: bool) -> None:
    """The same token once more is the end of our patience."""
    bench = request.getfixturevalue("parameters" if call == "DescribeParameters" else "secrets")
    bare = {"SecretList": [], "SecretValues": [], "Parameters": []} if empty else {}
    again = Rewrite(lambda page: {**page, **bare, "NextToken": "0"})
    bench.proxy.set(Rule(fault=again, calls=call))
    problem = error_of(bench.attempts()[call])
    assert type(problem) is BackendError
    assert f":{call} of " in problem.message
    assert problem.message.endswith("never ends: AWS gives the same page again and again")
    assert len(bench.proxy.calls(call)) == 2


def test_a_batch_that_forgets_one(parameters: Bench) -> None:
    """A name in neither list of the answer is not there."""
    forgetful = Rewrite(lambda _page: {"Parameters": [], "InvalidParameters": []})
    parameters.proxy.set(Rule(fault=forgetful, calls="GetParameters"))
    problem = error_of(parameters.attempts()["GetParameters"])
    assert type(problem) is NotFound
    assert problem.message == "payments:prod/db: not in Parameter Store"
