"""As whom and where the AWS backends go, and that the SDK tries nothing again by itself."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conformance.aws import by_hand
from conformance.fakes.answers import BARE_UNAVAILABLE, INTERNAL_ERROR, access_denied
from conformance.fakes.fault_proxy import FaultProxy, Rule
from conformance.fakes.loopback import Answer

from syncer.backends.aws.client import make_client
from syncer.errors import AccessDenied, InvalidConfiguration, SyncerError, Transient
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared, error_of

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.aws import Store

ONE = Address("payments", "prod/db")
ROLE = "arn:aws:iam::111122223333:role/syncer"
TEXT = CANARY.decode()
KEYS = "aws_access_key_id = AKIAOFTHEPROFILE\naws_secret_access_key = x\n"


def _listed(store: Store, **options: Any) -> object:
    """List, and give what comes of it."""
    return error_of(lambda: list(store.open(**options).observe(["payments"], [ONE])))


def _region(proxy: FaultProxy) -> str:
    return proxy.log[-1].headers["Authorization"].split("/")[2]


def test_regions(store: Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The option, AWS_REGION, AWS_DEFAULT_REGION, the profile: the first that is there."""
    (tmp_path / "config").write_text(f"[profile ci]\nregion = us-west-1\n{KEYS}", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert _listed(store, region="eu-west-1", profile="ci") == []
    assert _region(proxy) == "eu-west-1"
    for variable, expected in (("AWS_REGION", "eu-west-2"), ("AWS_DEFAULT_REGION", "eu-west-3"), ("", "us-west-1")):
        assert _listed(store, profile="ci") == []
        assert _region(proxy) == expected
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "ci"}, "us-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_PROFILE": "", "AWS_PROFILE": "ci"}, "us-west-1"),
        ({"AWS_REGION": "", "AWS_PROFILE": ""}, "us-west-2"),
    ],
)
def test_an_empty_variable_is_none(
    store: Store,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    expected: str,
) -> None:
    """It hides nothing."""
    profiles = f"[default]\nregion = us-west-2\n[profile ci]\nregion = us-west-1\n{KEYS}"
    (tmp_path / "config").write_text(profiles, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert _listed(store) == []
    assert _region(proxy) == expected


def test_profiles(store: Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its credentials are those that sign."""
    (tmp_path / "credentials").write_text(f"[ci]\n{KEYS}", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert _listed(store, profile="ci") == []
    assert "AKIAOFTHEPROFILE" in proxy.log[-1].headers["Authorization"]


@pytest.mark.parametrize(
    ("environment", "options", "kind", "message"),
    [
        ({}, {"profile": "gone"}, InvalidConfiguration, "the AWS settings cannot be used: The config profile (gone)"),
        ({"AWS_REGION": None}, {}, InvalidConfiguration, "the AWS settings cannot be used: You must specify a region"),
        ({"AWS_REGION": f"{TEXT}/#"}, {}, InvalidConfiguration, "cannot be used: the region has no region's form"),
        ({"AWS_ENDPOINT_URL": f"http://u:{TEXT}@ho st/"}, {}, InvalidConfiguration, "the AWS settings cannot be used"),
        ({"AWS_METADATA_SERVICE_TIMEOUT": TEXT}, {}, InvalidConfiguration, "the AWS settings cannot be used"),
        ({"AWS_DEFAULTS_MODE": "no mode"}, {}, InvalidConfiguration, "the AWS settings cannot be used: "),
        ({"AWS_ACCESS_KEY_ID": None}, {}, AccessDenied, "payments/*: no AWS credentials that can be used"),
        ({"AWS_ACCESS_KEY_ID": None}, {"role_arn": ROLE}, AccessDenied, "payments/*: no AWS credentials"),
        ({"AWS_SECRET_ACCESS_KEY": None}, {}, AccessDenied, "no AWS credentials that can be used"),
    ],
)
def test_surroundings_that_cannot_be_used(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str | None],
    options: dict[str, Any],
    kind: type[SyncerError],
    message: str,
) -> None:
    """Said in one line, with where to look."""
    for name, text in environment.items():
        monkeypatch.delenv(name) if text is None else monkeypatch.setenv(name, text)
    problem = _listed(store, **options)
    assert type(problem) is kind
    assert message in problem.message
    assert problem.hint
    assert_no_leak(CANARY, problem)


NOBODY = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.mark.parametrize(
    ("environment", "config"),
    [
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token", "AWS_ROLE_ARN": ROLE}, ""),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://example.com/{TEXT}"}, ""),
        (
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token",
            },
            "",
        ),
        ({}, f"credential_process = /nowhere/program {TEXT}"),
        ({}, f"credential_process = echo {TEXT}"),
        ({}, "credential_process = echo []"),
        ({}, "credential_process = echo 'unclosed"),
        ({}, f"credential_process = sh -c 'echo {TEXT} >&2; exit 3'"),
    ],
)
@pytest.mark.parametrize("role", [{}, {"role_arn": ROLE}], ids=["bare", "role"])
def test_credentials_that_cannot_be_had(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    config: str,
    role: dict[str, str],
) -> None:
    """Whatever a provider of the SDK stumbles over: it is the credentials, with the usual hint."""
    for name, text in {**NOBODY, **environment}.items():
        monkeypatch.delenv(name) if text is None else monkeypatch.setenv(name, text)
    (tmp_path / "config").write_text(f"[default]\n{config}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    problem = _listed(store, **role)
    assert type(problem) is AccessDenied
    assert "no AWS credentials that can be used (secretsmanager:ListSecrets: " in problem.message
    assert (problem.hint or "").startswith("set AWS_PROFILE, or sign in")
    assert_no_leak(CANARY, problem)


def _role_with(proxy: FaultProxy, credentials: str) -> None:
    """Let AssumeRole give this."""
    around = f"<AssumeRoleResponse><AssumeRoleResult>{credentials}</AssumeRoleResult></AssumeRoleResponse>"
    answer = Answer(status=200, headers=(("Content-Type", "text/xml"),), body=around.encode())
    proxy.set(Rule(fault=answer, calls="POST /"))


def _credentials(expiration: str) -> str:
    keys = f"<AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>{TEXT}</SecretAccessKey><SessionToken>t</SessionToken>"
    return f"<Credentials>{keys}<Expiration>{expiration}</Expiration></Credentials>"


@pytest.mark.parametrize(
    ("credentials", "message", "hint"),
    [
        ("", "no AWS credentials that can be used", "set AWS_PROFILE, or sign in"),
        (_credentials("never"), "no AWS credentials that can be used", "set AWS_PROFILE, or sign in"),
        (_credentials("2001-01-01T00:00:00Z"), "the AWS credentials had expired when they came", "is the clock"),
    ],
)
def test_a_role_whose_credentials_are_of_no_use(
    store: Store, proxy: FaultProxy, credentials: str, message: str, hint: str
) -> None:
    """An answer without them, with a date that is none, or with one that is over."""
    _role_with(proxy, credentials)
    problem = _listed(store, role_arn=ROLE)
    assert type(problem) is AccessDenied
    assert message in problem.message
    assert (problem.hint or "").startswith(hint)
    assert_no_leak(CANARY, problem)
    assert not proxy.calls("ListSecrets")


def test_nobody_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is tried again like any other fault, and then says where to look."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    problem = error_of(lambda: store.open().look(ONE))
    assert type(problem) is Transient
    assert problem.message.endswith("(EndpointConnectionError)")
    assert problem.hint == "is the region right, or the `endpoint_url`?"


def test_endpoint_of_the_option(store: Store, aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wins over the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert _listed(store, endpoint_url=aws) == []


def test_a_role_is_assumed(store: Store, proxy: FaultProxy) -> None:
    """Once for all calls, with the external id; what is there belongs to the role's account."""
    backend = store.open(role_arn=ROLE, external_id="tenant-1")
    made = backend.create(declared(ONE), Sensitive(b"v"))
    backend.set_enabled(made, enabled=False)
    assert ":111122223333:" in made.remote_id
    (assumed,) = proxy.calls("POST /")
    assert b"ExternalId=tenant-1" in assumed.body
    assert b"RoleSessionName=syncer" in assumed.body
    assert _listed(store) == []
    with by_hand("sts") as sts:
        assert sts.get_caller_identity()["Account"] != "111122223333"


def test_a_role_that_may_not_be_assumed(store: Store, proxy: FaultProxy) -> None:
    """The right that is missing is that of the role, not that of the call."""
    denied = b"""<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/ci
    is not authorized to perform: sts:AssumeRole on resource: x</Message></Error></ErrorResponse>"""
    proxy.set(Rule(fault=Answer(status=403, headers=(("Content-Type", "text/xml"),), body=denied), calls="POST /"))
    problem = _listed(store, role_arn=ROLE)
    assert type(problem) is AccessDenied
    assert problem.message == f"{store.prefix}shop/payments/*: AWS denied sts:AssumeRole"
    assert problem.hint == 'the role needs "sts:AssumeRole" on it'
    assert len(proxy.log) == 1


def test_the_sdk_asks_once(store: Store, proxy: FaultProxy) -> None:
    """Neither the call nor the fetching of credentials is tried again behind our back."""
    proxy.set(Rule(fault=INTERNAL_ERROR))
    backend = store.open()
    assert type(error_of(lambda: backend.look(ONE))) is Transient
    assert len(proxy.log) == 1
    proxy.clear()
    proxy.set(Rule(fault=BARE_UNAVAILABLE))
    with_role = store.open(role_arn=ROLE)
    assert type(error_of(lambda: with_role.look(ONE))) is Transient
    assert len(proxy.log) == 1


def test_one_client_for_all_threads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once, by whoever comes first, and not before it is needed."""
    made: list[str] = []

    def counted(service: str, *more: Any) -> Any:
        made.append(service)
        return make_client(service, *more)

    monkeypatch.setattr("syncer.backends.aws.api.make_client", counted)
    backend = store.open()
    assert made == []
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: backend.look(ONE), range(16))) == [None] * 16
    assert made == ["secretsmanager"]


def test_closed_and_used_again(store: Store, proxy: FaultProxy) -> None:
    """A backend that was closed makes another client."""
    backend = store.open()
    for _ in range(2):
        assert backend.look(ONE) is None
        backend.close()
    proxy.set(Rule(fault=access_denied("secretsmanager:DescribeSecret")))
    assert type(error_of(lambda: backend.look(ONE))) is AccessDenied


def test_every_logger_of_the_sdk_is_quiet(store: Store) -> None:
    """Whatever is imported by now, and whatever its level is set to."""
    store.open().look(ONE)
    names = [name for name in sys.modules if name.startswith("botocore.") and name.count(".") == 1]
    assert {"botocore.endpoint", "botocore.parsers", "botocore.auth", "botocore.awsrequest"} <= set(names)
    for name in names:
        record = logging.LogRecord(name, logging.DEBUG, "", 0, CANARY.decode(), (), None)
        assert not logging.getLogger(name).filter(record), name
        record.levelno = logging.WARNING
        assert logging.getLogger(name).filter(record), name


def test_nothing_of_a_credential_shows(store: Store, monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy) -> None:
    """Where the credentials are refused, they are not told."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY.decode())
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY.decode())
    proxy.set(Rule(fault=access_denied("secretsmanager:ListSecrets")))
    assert_no_leak(CANARY, _listed(store))
