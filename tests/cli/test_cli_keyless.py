"""A plan without key, credential or network, as a pull request from a fork gets one: on every type of backend."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE, KEY_TEXT, ROOT
from jsonschema import Draft202012Validator
from stores import TYPES

from syncer.engine.refresh import source_digest
from syncer.engine.session import Session, Surroundings
from syncer.manifest import load_manifest
from syncer.model import Address, Fingerprint, OnRemove
from syncer.schemas import load_schema
from syncer.state.model import Record, State

if TYPE_CHECKING:
    from pathlib import Path

PLAN = ("plan", "--values", "skip", "--no-refresh")
THEN = datetime(2020, 1, 1, tzinfo=UTC)
FORBIDDEN = """
import sys

WIRE = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg")
STARTS = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.system", "sqlite3.connect")

def guard(event, arguments):
    if event in WIRE or event in STARTS:
        raise SystemExit(f"{event} {arguments}")
    if event == "open" and "never-opened" in str(arguments[0]):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(guard)
"""
"""Ends a process that reaches for anything but the manifest and the state."""

UNSET = {"env": "NEVER_SET"}
OPTIONS: dict[str, dict[str, Any]] = {
    "local": {},
    "aws-secrets-manager": {"reader": "kestra"},
    "aws-ssm": {"role_arn": "arn:aws:iam::123456789012:role/deploy"},
    "vault": {"auth": {"method": "userpass", "username": "ci", "password": UNSET}},
    "dagu": {"url": UNSET, "token": UNSET},
    "kestra": {"url": UNSET, "username": UNSET, "password": UNSET, "disable": "delete", "tags": {"team": "x"}},
}
"""What needs a variable or a credential as soon as somebody goes there."""
SECRETS: dict[str, Any] = {
    "global:same": {"source": UNSET},
    "global:edited": {"source": {"command": ["touch", "command-ran"]}},
    "global:due": {"source": {"file": "never-opened", "trim": True}, "rotate": {"every": "30d"}},
    "global:sealed": {"source": {"sealed": "syncer:v1:" + "A" * 64}, "rotate": {"version": 1}},
    "payments:new": {"source": UNSET},
    "payments:made": GENERATE,
}


@dataclass(frozen=True)
class Fork:
    """A checkout without a key."""

    path: Path

    def run(self, *arguments: str, command: tuple[str, ...] = ("-m", "syncer")) -> subprocess.CompletedProcess[str]:
        """Run a command in an empty environment, under guard."""
        guard = self.path.parent / "guard"
        environ = {
            "PATH": os.defpath,
            "HOME": str(self.path.parent / "home"),
            "PYTHONPATH": f"{guard}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SYNCER_KEY": "",  # what a platform gives a fork for a secret
        }
        started = [sys.executable, *command, *arguments]
        return subprocess.run(started, cwd=self.path, env=environ, capture_output=True, text=True, check=False)

    def fine(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command that must succeed and leave every file as it was."""
        before = self.files()
        ended = self.run(*arguments, **more)
        assert ended.returncode == 0, ended
        assert self.files() == before
        return ended

    def files(self) -> dict[str, bytes]:
        """Every file and what it holds."""
        found = (path for path in self.path.parent.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path.parent)): path.read_bytes() for path in found}


def checkout(folder: Path, backend: dict[str, Any]) -> Fork:
    """Make a project with a committed state, and take its key away."""
    for name in ("repository", "home", "guard"):
        (folder / name).mkdir()
    (folder / "guard/sitecustomize.py").write_text(FORBIDDEN)
    fork = Fork(folder / "repository")
    (fork.path / "never-opened").write_text("canary")
    more = {"scopes": {"payments": {"secrets": {"included": {"source": UNSET}}}}}
    (fork.path / "more.yaml").write_text(json.dumps(more))
    scopes: dict[str, Any] = {}
    for name, entry in SECRETS.items():
        address = Address.parse(name)
        scopes.setdefault(address.scope, {"secrets": {}})["secrets"][address.ref] = entry
    manifest = {
        "version": 1,
        "project": "shop",
        "backend": backend,
        "state": {"type": "file", "path": "state.json"},
        "include": ["more.yaml"],
        "scopes": scopes,
        "moved": [{"from": "payments:old", "to": "payments:new"}],
        "removed": [{"address": "global:bye", "on_remove": "delete"}],
    }
    (fork.path / "syncer.yaml").write_text(json.dumps(manifest))
    remember(fork)
    return fork


def remember(fork: Fork) -> None:
    """Write the state of an earlier apply, under a key that is nowhere now."""
    manifest = load_manifest(fork.path / "syncer.yaml")
    spec = {str(address): each.source for address, each in manifest.secrets.items()}
    known = ("global:same", "global:due", "global:sealed", "payments:made")
    sources = {name: source_digest(spec[name]) for name in known} | {
        "payments:old": source_digest(spec["payments:new"])
    }
    sources |= dict.fromkeys(("global:edited", "global:gone", "global:bye"), "command:0")
    tags = {"team": "x"} if manifest.backends["default"].type == "kestra" else {}
    with Session(manifest, Surroundings(environ={"SYNCER_KEY": KEY_TEXT})) as session:
        records = {
            Address.parse(name): Record(
                backend="default",
                remote_id="",
                version="1",
                fingerprint=Fingerprint.of("0" * 16, "0" * 64),
                source=source,
                tags=tags,
                enabled=True,
                description=None,
                on_remove=OnRemove.DISABLE,
                rotation=0,
                created=THEN,
                rotated=THEN,
            )
            for name, source in sources.items()
        }
        session.state_store.write(
            State(project="shop").advance(records, lineage="0" * 8 + "-0000" * 3 + "-" + "0" * 12)
        )


@pytest.fixture(params=TYPES)
def fork(request: pytest.FixtureRequest, tmp_path: Path) -> Fork:
    """A checkout on each type of backend, whose variables are not set."""
    return checkout(tmp_path, {"type": request.param, **OPTIONS[request.param]})


def test_every_form(fork: Fork) -> None:
    """Changes by declaration, orphans, moves, rotations; no source, store, key or process is touched."""
    ended = fork.fine(*PLAN, "--format", "json")
    document = json.loads(ended.stdout)
    Draft202012Validator(load_schema("plan")).validate(document)
    told = {f"{each['address']} {each['action']}" for each in document["resource_changes"]}
    assert told >= {
        "global:edited rotate",
        "global:due rotate",
        "global:sealed rotate",
        "global:gone disable",
        "global:bye delete",
        "payments:included create",
    }
    assert {"payments:new move", "payments:new create"} & told
    assert "warning: there is no project key here, so the state was taken as it stands" in ended.stderr
    assert "state_not_authenticated" in {found["code"] for found in document["diagnostics"]}
    assert (document["values"], document["refreshed"], document["drift"]) == ("skipped", False, [])
    assert sum(asked["calls"] for asked in document["backend_calls"].values()) == 0
    human = fork.fine(*PLAN)
    assert "Values were skipped, so this plan cannot be applied." in human.stdout
    assert "The backends were not asked" in human.stdout
    assert "global:edited will be rotated" in fork.fine(*PLAN, "--format", "markdown").stdout


def test_saved_for_show(fork: Fork) -> None:
    """Unsigned, with its digest; shown without a key, and never applied."""
    ended = fork.run(*PLAN, "--out", "plan.json")
    assert ended.returncode == 0
    assert "saved the plan to plan.json, for show only" in ended.stderr
    assert "not signed for want of the project key" in ended.stderr
    path = fork.path / "plan.json"
    document = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert "mac" not in document
    assert document["digest"].startswith("sha256:")
    for form in ("human", "json", "markdown"):
        shown = fork.fine("show", "plan.json", "--format", form)
        assert "global:edited" in shown.stdout
        assert "this plan is not authenticated: anybody may have written it" in shown.stderr
    assert json.loads(fork.fine("show", "plan.json", "--format", "json").stdout) == document
    before = fork.files().keys()
    refused = fork.run("apply", "plan.json")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "this plan is not signed, so it can be shown and never applied" in refused.stderr
    assert {name for name in fork.files().keys() - before if "lock" not in name} == set()
    assert fork.run(*PLAN, "--out", "plan.json").returncode == 0


WITHOUT_SDKS = """
import sys
sys.modules.update(dict.fromkeys(("boto3", "botocore", "httpx", "hvac")))
from syncer.cli import run
raise SystemExit(run(sys.argv[1:]))
"""


def test_validate_alone(fork: Fork) -> None:
    """Asks nobody either, and needs no SDK; a plan says which one it lacks."""
    fork.fine("validate")
    fork.fine("validate", command=("-c", WITHOUT_SDKS))
    kind = json.loads((fork.path / "syncer.yaml").read_text())["backend"]["type"]
    ended = fork.run(*PLAN, command=("-c", WITHOUT_SDKS))
    assert "Traceback" not in ended.stderr
    if kind in ("local", "vault"):
        assert ended.returncode == 0
    else:
        assert ended.returncode == 3
        assert f"backend type {kind} needs the package" in ended.stderr
        assert "hint: in the repository of syncer: pip install '.[" in ended.stderr


def test_the_guard_is_awake(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    fork = checkout(tmp_path, {"type": "local"})
    for attempt in ("import socket; socket.create_connection(('127.0.0.1', 9))", "open('never-opened')"):
        assert fork.run(command=("-c", attempt)).stderr.startswith(("socket.", "open "))


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("aws-secrets-manager", "endpoint_url"),
        ("aws-ssm", "endpoint_url"),
        ("vault", "address"),
        ("dagu", "url"),
        ("kestra", "url"),
    ],
)
def test_a_server_that_is_not_there(tmp_path: Path, kind: str, option: str) -> None:
    """Nobody connects: the port is closed, and the guard forbids to try."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    fork = checkout(tmp_path, {"type": kind, **OPTIONS[kind], option: url})
    assert "global:edited will be rotated" in fork.fine(*PLAN).stdout


def test_selectors(tmp_path: Path) -> None:
    """They narrow it as ever; what matches nothing is an error."""
    fork = checkout(tmp_path, {"type": "vault"})
    told = json.loads(fork.fine(*PLAN, "--target", "payments:*", "--format", "json").stdout)
    assert {each["scope"] for each in told["resource_changes"]} == {"payments"}
    assert fork.run(*PLAN, "--target", "nothing:*").returncode == 3
    rotated = json.loads(fork.fine(*PLAN, "--rotate", "global:same", "--format", "json").stdout)
    assert "rotation_requested" in {each["reason"] for each in rotated["resource_changes"]}


def test_with_the_key_it_is_signed(tmp_path: Path) -> None:
    """Then the state is authenticated too, and the plan for show only all the same."""
    fork = checkout(tmp_path, {"type": "local"})
    (fork.path / ".syncer").mkdir(mode=0o700)
    key = fork.path / ".syncer/key"
    key.write_text(KEY_TEXT)
    key.chmod(0o600)
    ended = fork.run(*PLAN, "--out", "plan.json")
    assert "not signed" not in ended.stderr
    assert json.loads((fork.path / "plan.json").read_text())["diagnostics"] == []
    assert "not authenticated" not in fork.fine("show", "plan.json").stderr
    assert "--values skip" in fork.run("apply", "plan.json").stderr
    key.unlink()
    assert "this plan is not authenticated" in fork.fine("show", "plan.json").stderr


def test_what_else_asks_somebody_still_needs_it(tmp_path: Path) -> None:
    """A plan that refreshes says what is missing."""
    fork = checkout(tmp_path, {"type": "vault"})
    ended = fork.run("plan", "--values", "skip")
    assert (ended.returncode, "option `address` is missing" in ended.stderr) == (3, True)


def test_a_state_from_another_time(tmp_path: Path) -> None:
    """Nobody vouches for it, and no moment in it is too late to be counted from."""
    fork = checkout(tmp_path, {"type": "local"})
    path = fork.path / "state.json"
    for moment, due in (("9999-12-31T23:59:59Z", False), ("0001-01-01T00:00:00Z", True)):
        document = json.loads(path.read_text())
        for record in document["records"].values():
            record["rotated"] = moment
        path.write_text(json.dumps(document))
        assert ("global:due will be rotated" in fork.fine(*PLAN).stdout) == due
