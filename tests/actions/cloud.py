"""An AWS account: moto behind a door that knows which role a call is made as, and what that role may do."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from conformance.fakes.answers import access_denied
from conformance.fakes.fault_proxy import Rule, fault_proxy
from conformance.fakes.moto_server import moto_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.fakes.fault_proxy import Call

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ACCOUNT = "123456789012"
ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
REGION = "eu-central-1"
OWNER_KEY = "AKIAIOSFODNN7EXAMPLE"
"""The account's owner, who may do anything and changes things by hand."""


class TrustError(Exception):
    """A role that a run may not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who may take a role, and what it may do."""

    name: str
    key: str
    """The access key that whoever takes it is given."""
    trust: dict[str, Any]
    policy: dict[str, Any]

    @property
    def arn(self) -> str:
        """The role's name in full."""
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def trusts(self, subject: str) -> bool:
        """Say whether the trust policy lets a subject in."""
        (statement,) = self.trust["Statement"]
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
        claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}
        (equal,) = statement["Condition"].items()
        assert equal[0] == "StringEquals"
        wanted = {name: _listed(allowed) for name, allowed in equal[1].items()}
        return all(claims[name] in allowed for name, allowed in wanted.items())

    def may(self, action: str, resource: str | None) -> bool:
        """Say whether the policy lets it do something; without a resource, to anything at all."""
        return any(
            action in _listed(statement["Action"])
            and (resource is None or any(fnmatchcase(resource, glob) for glob in _listed(statement["Resource"])))
            for statement in self.policy["Statement"]
        )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@dataclass(slots=True, kw_only=True)
class Cloud:
    """The account, and what runs have asked it for."""

    url: str
    roles: dict[str, Role] = field(default_factory=dict)
    """By ARN."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Which role each run has taken, and as which subject."""

    def add(self, name: str, *, policy: str, trust: str, subjects: dict[str, str]) -> Role:
        """Make a role from files of the examples, with what its makers fill in."""
        text = (EXAMPLES / trust).read_text(encoding="utf-8")
        for placeholder, value in subjects.items():
            assert placeholder in text, placeholder
            text = text.replace(placeholder, value)
        role = Role(
            name=name,
            key=f"ASIA{name.upper().replace('-', ''):X<16}",
            trust=json.loads(text),
            policy=json.loads((EXAMPLES / policy).read_text(encoding="utf-8")),
        )
        self.roles[role.arn] = role
        return role

    def assume(self, arn: str, subject: str) -> dict[str, str]:
        """Take a role as a subject of GitHub's tokens, and give credentials. Raise TrustError if it is not meant."""
        role = self.roles.get(arn)
        if role is None or not role.trusts(subject):
            message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            raise TrustError(message)
        self.taken.append((role.name, subject))
        return credentials(role.key)

    def by_hand(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Do something to Secrets Manager as the account's owner."""
        names = ("aws_access_key_id", "aws_secret_access_key")
        known = {name: credentials(OWNER_KEY)[name.upper()] for name in names}
        client = boto3.client("secretsmanager", endpoint_url=self.url, region_name=REGION, **known)
        with closing(client):
            return dict(getattr(client, operation)(**arguments))

    def values(self) -> dict[str, str]:
        """Give every value that is there, by the secret's name."""
        names = [entry["Name"] for entry in self.by_hand("list_secrets")["SecretList"]]
        return {name: self.by_hand("get_secret_value", SecretId=name)["SecretString"] for name in names}

    def refuses(self, call: Call) -> bool:
        """Say whether a call is beyond the role that makes it."""
        key = call.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        if key == OWNER_KEY:
            return False
        (role,) = [role for role in self.roles.values() if role.key == key]
        return not role.may(f"secretsmanager:{call.name}", None)


def credentials(key: str) -> dict[str, str]:
    """Give an environment in which the AWS SDK acts by an access key."""
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": f"not-checked-by-any-fake-{key}",
        "AWS_SESSION_TOKEN": f"session-{key}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Give an empty account."""
    with moto_server() as url, fault_proxy(url) as proxy:
        account = Cloud(url=proxy.url)
        proxy.set(Rule(fault=access_denied("secretsmanager:TheCall"), calls=account.refuses))
        yield account
