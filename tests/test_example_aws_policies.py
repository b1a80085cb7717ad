"""The policies beside the AWS example: enough for what each role does, and no more than that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.folder import Folder
from conformance.fakes.answers import access_denied
from conformance.fakes.fault_proxy import Call, FaultProxy, Reset, Rule, fault_proxy
from conformance.fakes.moto_server import moto_server
from stores import AWS

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parent.parent / "examples/aws"
SERVICES = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm"}
GROUP = {"ssm:GetParametersByPath"}
"""Denied to readers although syncer never calls it."""


def action(call: Call) -> str:
    """Give IAM's name of a call."""
    service, _, name = call.headers["X-Amz-Target"].partition(".")
    return f"{SERVICES[service]}:{name}"


def allowed(*names: str) -> set[str]:
    """Give every action that the statements of some policy files allow; none of them may hold a wildcard."""
    found: set[str] = set()
    for name in names:
        for statement in json.loads((EXAMPLE / "policies" / f"{name}.json").read_text())["Statement"]:
            assert statement["Effect"] == "Allow"
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    assert not any("*" in each for each in found)
    return found


class Role:
    """What a role may do, enforced in front of the server; and what it was asked for."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.may: set[str] = set()

    def takes(self, *policies: str) -> None:
        """Act from now on under these policies alone."""
        self.may = allowed(*policies)
        self.proxy.clear()
        refused = sorted({each for each in ALL if each not in self.may})
        self.proxy.set(*(Rule(fault=access_denied(each), calls=_is(each)) for each in refused))

    @property
    def used(self) -> set[str]:
        """The actions asked for."""
        return {action(call) for call in self.proxy.log}


def _is(wanted: str) -> object:
    return lambda call: action(call) == wanted


ALL = allowed("plan-role", "apply-role", "verify-role")


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> Iterator[Role]:
    """A moto behind a proxy that knows policies."""
    with moto_server() as url, fault_proxy(url) as proxy:
        for name, text in {**AWS, "AWS_ENDPOINT_URL": proxy.url}.items():
            monkeypatch.setenv(name, text)
        for name in ("DB_PASSWORD", "PARTNER_TOKEN", "FEATURE_FLAGS"):
            monkeypatch.setenv(name, f"value of {name}")
        yield Role(proxy)


@pytest.fixture
def syncer(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The example, copied."""
    shutil.copy(EXAMPLE / "syncer.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder


PARTNER = """      prod/partner-token:
        source: {env: PARTNER_TOKEN}
        enabled: true
        on_remove: delete
"""
FLAGS = "feature-flags: {source: {env: FEATURE_FLAGS}"


def story(syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that an apply can do: create, rotate, update, disable, enable, delete, restore, in both stores."""
    syncer.apply()
    monkeypatch.setenv("DB_PASSWORD", "another")
    monkeypatch.setenv("FEATURE_FLAGS", "others")
    syncer.edit(("primary database", "the primary database"), ("team: payments", "owner: payments"))
    syncer.edit(("enabled: false # until the partner goes live", "enabled: true"))
    syncer.edit((FLAGS, f"{FLAGS}, enabled: false"))
    syncer.edit((PARTNER, ""), ("enabled: false}", "enabled: true, on_remove: delete}"))
    scope = f"  config:\n    backend: parameters\n    secrets:\n      {FLAGS}, enabled: true, on_remove: delete}}\n"
    syncer.edit((scope, ""))
    syncer.edit(("  payments:\n    secrets:\n", f"  payments:\n    secrets:\n{PARTNER}"))


def test_the_plan_role_plans(role: Role, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that finds nothing lists and no more; where a listing says something new, it looks at that secret."""
    role.takes("apply-role")
    syncer.apply()
    role.takes("plan-role")
    assert "No changes." in syncer.fine("plan")
    assert role.used == allowed("plan-role") - {"secretsmanager:DescribeSecret"}
    monkeypatch.setenv("DB_PASSWORD", "another")
    role.takes("apply-role")
    syncer.fine("apply", "--auto-approve")
    syncer.state.unlink()  # as a colleague who has not pulled: everything in the listing is news
    role.takes("plan-role")
    assert syncer("plan").code == 1
    assert role.used == allowed("plan-role")


def test_the_apply_role_applies(role: Role, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that an apply does, and nothing that no apply does; no right to read a value."""
    role.takes("apply-role")
    story(syncer, monkeypatch)
    assert role.used == allowed("apply-role")
    assert not any("Get" in each for each in role.used)


def test_the_verify_role_reads(role: Role, syncer: Folder) -> None:
    """`--verify-values` and `get` in both stores."""
    role.takes("apply-role")
    syncer.apply()
    role.takes("plan-role", "verify-role")
    assert "No changes." in syncer.fine("plan", "--verify-values")
    syncer.fine("get", "payments:prod/db-password")
    syncer.fine("get", "config:feature-flags")
    assert role.used == allowed("plan-role", "verify-role")


OURS = ("shop/", "/shop/", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/")


def test_every_call_names_what_the_policies_name(role: Role, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call on one secret names one under `shop/`, as the resources of the policies do."""
    role.takes("apply-role", "verify-role")
    story(syncer, monkeypatch)
    for call in role.proxy.log:
        named = [call.document[key] for key in ("SecretId", "Name", "ResourceId") if key in call.document]
        assert all(name.startswith(OURS) for name in named), call.name


def test_readers_of_disabled_secrets_are_denied_every_way_of_reading() -> None:
    """By Secrets Manager's and Parameter Store's own calls, and by the tag that a disable sets."""
    (statement,) = json.loads((EXAMPLE / "policies/readers-heed-disabled.json").read_text())["Statement"]
    assert set(statement["Action"]) == allowed("verify-role") | GROUP
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/syncer:enabled": "false"}}


def test_lost_answers_need_no_right_to_read(role: Role, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets Manager knows a write that it has seen: made again, it changes nothing."""
    role.takes("apply-role")
    syncer.apply()
    monkeypatch.setenv("DB_PASSWORD", "another")
    role.proxy.set(
        Rule(fault=Reset(after_forward=True), calls="PutSecretValue", times=2),
        Rule(fault=access_denied("secretsmanager:GetSecretValue"), calls="GetSecretValue"),
    )
    syncer.fine("apply", "--auto-approve")
    assert "No changes." in syncer.fine("plan")
    assert "secretsmanager:GetSecretValue" not in role.used
