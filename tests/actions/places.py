"""A world ready for a test: the example, copied to a new repository, with only what its guide says filled in."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

from actions.cloud import EXAMPLES, REGION, cloud
from actions.hub import Hub
from actions.origin import Origin
from actions.world import VERSION_FILE, World
from conformance.fakes.github.fake import FakeGithub
from git_http import git_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actions.cloud import Cloud

REPOSITORY = "acme/shop"
EXAMPLE = EXAMPLES / "github-actions"
KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
VERSION = f"https://git.example.com/tools/syncer {'c' * 40}\n"


@contextmanager
def shop(folder: Path) -> Iterator[World]:
    """Set the example up as its guide says."""
    with FakeGithub(REPOSITORY) as github, cloud() as account:
        hub = Hub(github=github)
        origin = Origin.made(folder, REPOSITORY, EXAMPLE)
        origin.commit("which syncer", {VERSION_FILE: VERSION})
        with git_server(folder / "remotes", hub.may) as remotes:
            yield World(
                folder=folder,
                repository=REPOSITORY,
                origin=origin,
                hub=hub,
                cloud=account,
                remote=f"{remotes}/{REPOSITORY}.git",
                variables=roles(account, hub.subject) | {"AWS_REGION": REGION},
                secrets={"SYNCER_KEY": KEY},
                machine={
                    "AWS_ENDPOINT_URL": account.url,
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_CONFIG_FILE": "/nonexistent",
                    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
                },
            )


def roles(account: Cloud, subject: str) -> dict[str, str]:
    """Make the two roles, and give the variables that name them."""
    found = {}
    for name in ("plan", "apply"):
        role = account.add(
            f"syncer-{name}",
            policy=f"aws/policies/{name}-role.json",
            trust=f"github-actions/policies/trust-{name}-role.json",
            subjects={"ACCOUNT": "123456789012", "SUBJECT": subject},
        )
        found[f"AWS_{name.upper()}_ROLE"] = role.arn
    return found
