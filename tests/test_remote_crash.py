"""An apply that is killed while a call is on its way: the next run finishes it, and nothing is there twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conformance.fakes.fault_proxy import Hang, Rule
from real_runs import child_environment
from remote import Remote, remote

from syncer.engine.prepare import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = 60.0
WRITES = {
    "aws-secrets-manager": ("CreateSecret", "PutSecretValue", "TagResource", "DeleteSecret", "RestoreSecret"),
    "aws-ssm": ("PutParameter", "AddTagsToResource", "DeleteParameter"),
    "vault": ("POST /v1/*/metadata/*", "POST /v1/*/data/*", "PATCH /v1/*/data/*", "POST /v1/*/delete/*"),
    "dagu": (
        "POST /api/v1/secrets",
        "POST /api/v1/secrets/*/versions",
        "POST /api/v1/secrets/*/disable",
        "PATCH /api/v1/secrets/*",
        "DELETE /api/v1/secrets/*",
    ),
    # To create is to claim a secret, and then to write the entry; to delete, the same backwards.
    "dagu+profiles": (
        "PUT /api/v1/profiles/*",
        "POST /api/v1/secrets",
        "DELETE /api/v1/profiles/*",
        "DELETE /api/v1/secrets/*",
    ),
    "kestra+disable": ("PUT *", "PATCH *", "DELETE *"),
}
CASES = [(kind, write, 0) for kind in WRITES for write in WRITES[kind]] + [(k, WRITES[k][0], 1) for k in WRITES]


@pytest.fixture
def there(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """A project with what leads to every kind of write: created, rotated, disabled, deleted, made at apply."""
    with remote(request.param, tmp_path, monkeypatch) as project:
        yield project


def turn_one(there: Remote) -> None:
    """Three secrets, one of them made at apply."""
    there.declare("one:a", "one:b", on_remove="delete")
    there.secrets["one:made"] = {"source": {"generate": {"length": 40}}}


def turn_two(there: Remote) -> None:
    """One rotated and disabled, one gone, one made anew."""
    there.declare("one:a", turn=2, enabled=False, on_remove="delete", tags={"tier": "gold"})
    del there.secrets["one:b"]
    there.secrets["one:made"] = {"source": {"generate": {"length": 40}}, "rotate": {"version": 1}}
    there.declare("one:new")


def turn_three(there: Remote) -> None:
    """What was deleted is there again."""
    there.declare("one:b", turn=2)


def killed(there: Remote, write: str, after: int) -> bool:
    """Apply in a process of its own and kill it once such a write has reached the server; whether one came."""
    there.write()
    there.spoil(Rule(fault=Hang(LONG), calls=write, after=after))
    command = [sys.executable, "-m", "syncer", "apply", "--auto-approve", "--allow-mass-change", "--parallelism", "2"]
    environ = child_environment(there.environ | {"AWS_ENDPOINT_URL": there.proxy.url})
    with subprocess.Popen(
        command, cwd=there.folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        came = _hangs(there, process)
        process.send_signal(signal.SIGKILL)
        there.proxy.release()
    return came


def _hangs(there: Remote, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a call hangs or the process has ended."""
    while process.poll() is None:
        if there.proxy.holding.wait(0.05):
            return True
    return there.proxy.holding.is_set()


@pytest.mark.parametrize(("there", "write", "after"), CASES, indirect=["there"])
def test_killed_in_flight(there: Remote, write: str, after: int) -> None:
    """Wherever it is killed: no copy too many, no generated value that changes behind anybody's back."""
    kills = 0
    for turn in (turn_one, turn_two, turn_three):
        turn(there)
        kills += killed(there, write, after)
        there.proxy.set()
        there.settle()
        records = there.records()
        assert not any(records[there.address(name)].interrupted for name in there.secrets)
    assert kills
    assert there.plan(Request(verify_values=True)).changes == ()
    assert there.copies("one:new") <= 2, "its create, and at most one more where nobody could know what was written"
