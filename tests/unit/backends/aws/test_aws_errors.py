"""What becomes of AWS's refusals, and of answers that never come or that nobody can read."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore
import pytest
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError
from conformance.fakes.answers import (
    BARE_UNAVAILABLE,
    EXPIRED_TOKEN,
    INTERNAL_ERROR,
    THROTTLED,
    TOO_MANY_REQUESTS,
    UNRECOGNIZED_CLIENT,
    access_denied,
    aws_error,
)
from conformance.fakes.fault_proxy import Cut, FaultProxy, Reset, Rule
from conformance.fakes.loopback import Answer

from syncer.backends.aws import errors
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
)
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.aws import Store

ONE = Address("payments", "prod/db")
TEXT = CANARY.decode()
USER = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: "
LIST = "secretsmanager:ListSecrets"
PUT = "secretsmanager:PutSecretValue"


def _modelled(service: str, operations: frozenset[str] | None = None) -> Iterator[str]:
    """Give every error code of a service's model, for these operations or all."""
    (path,) = Path(botocore.__file__).parent.glob(f"data/{service}/*/service-2.json.gz")
    model = json.loads(gzip.decompress(path.read_bytes()))
    for name, operation in model["operations"].items():
        for error in operation.get("errors", ()) if operations is None or name in operations else ():
            yield model["shapes"][error["shape"]].get("error", {}).get("code", error["shape"])


FINAL = {
    "DecryptionFailure",
    "EncryptionFailure",
    "InvalidNextTokenException",
    "InvalidParameterException",
    "InvalidRequestException",
    "LimitExceededException",
    "MalformedPolicyDocumentException",
    "PreconditionNotMetException",
    "PublicPolicyException",
    "DisabledException",
    "DryRunOperationException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "NotFoundException",
}
"""Codes of Secrets Manager and KMS that no other try mends."""


def test_every_code_of_the_models_has_its_kind() -> None:
    """What botocore's models list for the service and the key is sorted; a new code is seen here."""
    codes = {*_modelled("secretsmanager"), *_modelled("kms", frozenset({"Decrypt", "Encrypt", "GenerateDataKey"}))}
    kinds = {code: type(errors.refusal(code, "", PUT, "x")) for code in codes}
    assert {code for code, kind in kinds.items() if kind is Refused} == FINAL
    assert {code: kind.__name__ for code, kind in kinds.items() if code not in FINAL} == {
        "DependencyTimeoutException": "Transient",
        "InternalServiceError": "Transient",
        "KMSInternalException": "Transient",
        "KeyUnavailableException": "Transient",
        "ResourceExistsException": "AlreadyExists",
        "ResourceNotFoundException": "NotFound",
    }


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (THROTTLED, Throttled, f"AWS asks for fewer calls ({PUT}: ThrottlingException)"),
        (TOO_MANY_REQUESTS, Throttled, f"AWS asks for fewer calls ({PUT}: TooManyRequestsException)"),
        (aws_error("Odd", TEXT, 429), Throttled, f"AWS asks for fewer calls ({PUT}: Odd)"),
        (INTERNAL_ERROR, Transient, f"AWS failed at {PUT} (InternalServiceError)"),
        (BARE_UNAVAILABLE, Transient, f"AWS failed at {PUT} (503)"),
        (aws_error("Odd", TEXT, 500), Transient, f"AWS failed at {PUT} (Odd)"),
        (aws_error("Odd", TEXT), Refused, f"AWS refused {PUT} (Odd)"),
        (aws_error(f"{TEXT} or so", ""), Refused, f"AWS refused {PUT} (an unknown error)"),
        (aws_error("InvalidRequestException", TEXT), Refused, f"AWS refused {PUT} (InvalidRequestException)"),
        (aws_error("ResourceNotFoundException", TEXT), NotFound, f"not in AWS ({PUT})"),
        (aws_error("ResourceExistsException", TEXT), AlreadyExists, f"already in AWS ({PUT})"),
        (EXPIRED_TOKEN, AccessDenied, f"the AWS credentials have expired ({PUT})"),
        (
            UNRECOGNIZED_CLIENT,
            AccessDenied,
            f"AWS does not accept the credentials ({PUT}: UnrecognizedClientException)",
        ),
        (access_denied(PUT), AccessDenied, f"AWS denied {PUT}"),
        (Reset(after_forward=False), Transient, f"no answer from AWS to {PUT} (ConnectionClosedError)"),
        (Reset(after_forward=True), Transient, f"no answer from AWS to {PUT} (ConnectionClosedError)"),
        (Cut(), Transient, f"no answer from AWS to {PUT} (IncompleteReadError)"),
        (Answer(body=b""), Transient, f"no answer from AWS to {PUT} (IncompleteReadError)"),
        (Answer(body=b"<html>" + CANARY), Transient, f"no answer from AWS to {PUT} (IncompleteReadError)"),
        (Answer(body=b'["' + CANARY + b'"]'), Transient, f"no answer from AWS to {PUT} (IncompleteReadError)"),
        (Answer(body=b"\xff\xfe"), Transient, f"no answer from AWS to {PUT} (IncompleteReadError)"),
    ],
)
def test_what_is_answered(
    store: Store, proxy: FaultProxy, answer: object, kind: type[SyncerError], message: str
) -> None:
    """Every refusal names the address and the call, in our words, and holds nothing of what was sent or said."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(b"v1"))
    proxy.set(Rule(fault=answer, calls="PutSecretValue"))
    problem = error_of(lambda: backend.rotate(declared(ONE), Sensitive(CANARY), made))
    assert (type(problem), problem.message) == (kind, f"payments:prod/db: {message}")
    assert_no_leak(CANARY, problem)
    assert len(proxy.calls("PutSecretValue")) == 1


@pytest.mark.parametrize("answer", [Cut(), Answer(body=b'{"SecretString": "' + CANARY), Answer(body=b"{}" + CANARY)])
def test_a_value_that_breaks_off(store: Store, proxy: FaultProxy, answer: object) -> None:
    """Half an answer is none, and nothing of it shows."""
    backend = store.open()
    backend.create(declared(ONE), Sensitive(CANARY * 100))
    proxy.set(Rule(fault=answer, calls="*GetSecretValue"))
    for attempt in (lambda: backend.read(ONE), lambda: list(backend.read_many([ONE]))):
        problem = error_of(attempt)
        assert type(problem) is Transient
        assert_no_leak(CANARY, problem)


@pytest.mark.parametrize("answer", [Cut(), Answer(body=b""), Answer(body=b"<html>")])
def test_a_listing_that_breaks_off(store: Store, proxy: FaultProxy, answer: object) -> None:
    """It is asked for again, and never taken for an empty one."""
    store.open().create(declared(ONE), Sensitive(b"v"))
    proxy.set(Rule(fault=answer, calls="ListSecrets", times=1))
    assert [found.address for found in store.open().observe(["payments"], [ONE])] == [ONE]


@pytest.mark.parametrize(
    ("text", "action", "hint"),
    [
        ("", PUT, f'the role needs "{PUT}" on it'),
        (f"{USER}{PUT} because no policy allows it", PUT, f'the role needs "{PUT}" on it'),
        (f"{USER}secretsmanager:TagResource on", "secretsmanager:CreateSecret", "secretsmanager:TagResource"),
        (f"{USER}{PUT} with an explicit deny in a policy", PUT, "on it, and a policy that does not deny it"),
        (f"{USER}{LIST}", LIST, 'on "*", because IAM knows it for no single one'),
        ("Access to KMS is not allowed", PUT, '"kms:Decrypt" and "kms:GenerateDataKey" on that key'),
        (f"{USER}kms:GenerateDataKey on resource", PUT, '"kms:Decrypt" and "kms:GenerateDataKey" on that key'),
        (f"perform: {TEXT}", PUT, f'the role needs "{PUT}" on it'),
    ],
)
def test_missing_rights_are_named(text: str, action: str, hint: str) -> None:
    """The right that AWS says is missing, which may be another than that of the call."""
    problem = errors.refusal("AccessDeniedException", text, action, "payments:prod/db")
    assert type(problem) is AccessDenied
    assert problem.message.startswith("payments:prod/db: AWS denied ")
    assert action in problem.message
    assert hint in (problem.hint or "")
    assert_no_leak(CANARY, problem)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("RequestTimeTooSkewed", "is the clock of this machine right?"),
        ("RequestExpired", "is the clock of this machine right?"),
        ("InvalidSignatureException", "is the clock of this machine right? Is the secret access key"),
        ("SignatureDoesNotMatch", "is the clock of this machine right? Is the secret access key"),
        ("UnrecognizedClientException", "`aws sts get-caller-identity` shows"),
        ("ExpiredTokenException", "sign in again"),
    ],
)
def test_clocks_are_suspected(code: str, hint: str) -> None:
    """Where the time is what AWS does not accept."""
    problem = errors.refusal(code, "", PUT, "x")
    assert type(problem) is AccessDenied
    assert (problem.hint or "").startswith(hint)


def test_a_create_is_never_not_found() -> None:
    """What is not there then is a key."""
    problem = errors.refusal("ResourceNotFoundException", "", "secretsmanager:CreateSecret", "x")
    assert type(problem) is Refused


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, None),
        ({"retry-after": "9" * 400}, None),
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_the_delay_that_a_server_asks_for(headers: dict[str, str], asked: float | None) -> None:
    """In milliseconds by AWS's header, in seconds by HTTP's."""
    response = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPHeaders": headers}}
    problem = errors.translated(ClientError(response, "PutSecretValue"), PUT, "x")
    assert isinstance(problem, Throttled)
    assert problem.retry_after == asked


def test_errors_of_the_sdk_itself() -> None:
    """One that quotes what was to be sent is not quoted; one about the line says where to look."""
    invalid = ParamValidationError(report=TEXT)
    problem = errors.translated(invalid, PUT, "payments:prod/db")
    assert type(problem) is Refused
    assert problem.message == f"payments:prod/db: the AWS SDK does not take what {PUT} was to say, and sent nothing"
    assert_no_leak(CANARY, problem)
    odd = errors.translated(BotoCoreError(), PUT, "x")
    assert (type(odd), odd.message) == (BackendError, f"x: the AWS SDK failed at {PUT} (BotoCoreError)")
    garbled = errors.translated(ValueError(TEXT), PUT, "x")
    assert type(garbled) is Transient
    assert_no_leak(CANARY, garbled)
    line = errors.translated(SSLError(endpoint_url="https://x", error="no"), PUT, "x")
    assert (type(line), line.hint) == (Transient, "AWS_CA_BUNDLE names the certificates to trust")


@pytest.fixture
def debugging() -> Iterator[None]:
    """Debugging turned on as AWS documents it; and off again."""
    names = ["", "botocore", "botocore.endpoint", "botocore.parsers", "botocore.auth", "urllib3"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    for name in names:
        boto3.set_stream_logger(name, logging.DEBUG)
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.usefixtures("debugging")
def test_no_value_in_any_log(store: Store, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a value nor the hash of a request that signing logs, with debugging turned on before and after."""
    caplog.set_level(logging.DEBUG)
    for form in ("string", "binary"):
        backend = store.open(format=form)
        address = Address("payments", form)
        made = backend.create(declared(address), Sensitive(CANARY))
        boto3.set_stream_logger("botocore", logging.DEBUG)
        logging.getLogger("botocore.endpoint").setLevel(logging.DEBUG)
        backend.rotate(declared(address), Sensitive(CANARY + b"2"), made)
        backend.read(address)
        list(backend.read_many([address]))
        list(backend.observe(["payments"], [address]))
    logged = caplog.text + capfd.readouterr().err
    assert "botocore" in logged
    assert_no_leak(CANARY, logged)
    assert "x-amz-date" not in logged
    assert hashlib.sha256(CANARY).hexdigest() not in logged
