"""What a Datadog Agent gets, and what it would refuse: whole processes, run by its rules."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cli.folder import GENERATE, environment
from conformance.fakes.fault_proxy import Hang, Rule, fault_proxy
from datadog_agent import DOCUMENTED, MIB, NEWEST, Agent, AgentError
from stores import opened, store

from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from pathlib import Path

    from cli.folder import Folder

CANARY = "canary-ZqXwVkJyHg-never-print-me"
READABLE = ("local", "aws-secrets-manager", "aws-ssm", "vault")
"""Stores that give values back."""
LONG = 60.0


def installed(syncer: Folder, *options: str, path: str = "backend") -> Path:
    """Install the launcher outside of the project."""
    place = syncer.path.parent / f"{syncer.path.name}-{path}"
    syncer.fine("datadog-backend", "--install", str(place), *options)
    return place


def agent(syncer: Folder, *options: str, **settings: Any) -> Agent:
    """Set up an Agent that runs the launcher, with the variables of this test."""
    return Agent(secret_backend_command=installed(syncer, *options), environ=environment(), **settings)


def shop(syncer: Folder, **top: Any) -> dict[str, str]:
    """Apply a project of many kinds of text; give every value by its handle."""
    values = {
        "global:db/password": CANARY,
        "global:number": "00123",
        "global:truth": "true",
        "global:quotes": "\"'\\ $HOME `x` ENC[x]",
        "payments.eu:umlaut": "Grüße \u2028 \U0001f600",
        "payments.eu:lines": "-----BEGIN-----\nabc\n-----END-----\n",
        "profile/blue:tab": "a\tb\r\n",
    }
    secrets = {}
    for number, (address, value) in enumerate(values.items()):
        syncer.monkeypatch.setenv(f"V{number}", value)
        secrets[address] = {"source": {"env": f"V{number}"}}
    syncer.declare(secrets, **top)
    syncer.apply()
    return values


@pytest.mark.parametrize("version", [NEWEST, DOCUMENTED])
def test_2f_1_an_agent_gets_every_value(syncer: Folder, version: str) -> None:
    """By full handles, whichever payload it sends, and byte for byte."""
    values = shop(syncer)
    fetched = agent(syncer, version=version).fetch(*values)
    assert dict(fetched.values) == values
    assert (fetched.errors, fetched.stderr) == ({}, b"")


@pytest.mark.parametrize("kind", READABLE)
def test_2f_1_from_every_store_that_gives_values_back(syncer: Folder, kind: str) -> None:
    """Whatever stands behind the manifest."""
    with opened(kind, syncer.monkeypatch) as options:
        syncer.monkeypatch.setenv("A", CANARY)
        syncer.monkeypatch.setenv("B", '{"user": "shop", "port": 5432}')
        secrets = {"global:a": {"source": {"env": "A"}}, "payments:b": {"source": {"env": "B"}}}
        syncer.declare(secrets, backend=options, scopes={"payments": {"fallback": "global"}})
        syncer.apply()
        fetched = agent(syncer, "--scope", "payments").fetch("a", "b;user", "payments:b;port", "global:a", "c")
        assert dict(fetched.values) == {"a": CANARY, "b;user": "shop", "payments:b;port": "5432", "global:a": CANARY}
        assert dict(fetched.errors) == {"c": "payments:c is neither there nor in a scope it falls back to"}


def test_2f_2_what_cannot_be_resolved_fails_alone(syncer: Folder) -> None:
    """Unknown, disabled, another project's, in no scope, not text, empty part, no handle: an error each, exit 0."""
    syncer.plant("global:theirs", CANARY.encode(), project="other")
    syncer.monkeypatch.setenv("A", CANARY)
    (syncer.path / "binary").write_bytes(b"\xff" + CANARY.encode())
    secrets = {
        "global:fine": {"source": {"env": "A"}},
        "global:off": {"source": {"env": "A"}, "enabled": False},
        "global:binary": {"source": {"file": "binary"}},
        "private:key": {"source": {"env": "A"}},
    }
    syncer.declare(secrets)
    syncer.apply()
    syncer.declare(secrets | {"global:theirs": GENERATE, "global:later": GENERATE})
    wrong = {
        "nothing": "global:nothing is neither there nor in a scope it falls back to",
        "later": "global:later is neither there nor in a scope it falls back to",
        "off": "global:off is disabled",
        "theirs": "global:theirs belongs to project other",
        "globl:fine": "scope globl is none that handles may name here",
        "private:key": "scope private is none that handles may name here",
        "binary": "the value is not UTF-8 text",
        "fine;a": "the value is no JSON, so it has no keys",
        "": "this is no handle: one is written scope:ref, or ref alone, and may go on with ;key",
        "vault@x": "there is no such provider: file@ and k8s_secret@ are known",
    }
    fetched = agent(syncer, "--allow", "global").fetch("fine", *wrong)
    assert (dict(fetched.values), dict(fetched.errors), fetched.stderr) == ({"fine": CANARY}, wrong, b"")
    assert fetched.raw.count(CANARY.encode()) == 1


def test_2f_2_scopes_that_may_be_named(syncer: Folder) -> None:
    """Those that --allow names, and what they fall back to; without it, all."""
    syncer.monkeypatch.setenv("A", CANARY)
    secrets = {"global:a": {"source": {"env": "A"}}, "payments:b": {"source": {"env": "A"}}}
    syncer.declare(secrets, scopes={"payments": {"fallback": "global"}})
    syncer.apply()
    request = json.dumps({"version": "1.1", "secrets": ["global:a", "payments:a", "payments:b"]}).encode()
    found = syncer("datadog-backend", "--allow", "payments", stdin=request).json
    assert found["global:a"] == {"value": None, "error": "scope global is none that handles may name here"}
    assert found["payments:a"]["value"] == found["payments:b"]["value"] == CANARY
    assert all(entry["value"] for entry in syncer("datadog-backend", stdin=request).json.values())


def test_2f_2_a_store_that_cannot_be_read(syncer: Folder) -> None:
    """Exit 1 or more, and a standard error that names the store and no value."""
    values = shop(syncer)
    (syncer.path / ".syncer/store.db").write_bytes(b"no database\n" + CANARY.encode())
    with pytest.raises(AgentError, match=r"exit status 1: error: .*store\.db") as caught:
        agent(syncer).fetch(*values)
    assert CANARY not in str(caught.value)


def test_2f_2_without_the_key(syncer: Folder) -> None:
    """Exit 3, and none is made."""
    values = shop(syncer)
    backend = agent(syncer)
    (syncer.path / ".syncer/key").unlink()
    with pytest.raises(AgentError, match=r"exit status 3: error: no project key") as caught:
        backend.fetch(*values)
    assert CANARY not in str(caught.value)
    assert not (syncer.path / ".syncer/key").exists()


def test_2f_2_a_bad_manifest(syncer: Folder) -> None:
    """Exit 3, and what is wrong."""
    values = shop(syncer)
    backend = agent(syncer)
    syncer.write({"version": 1, "project": CANARY})
    with pytest.raises(AgentError, match="exit status 3") as caught:
        backend.fetch(*values)
    assert CANARY not in str(caught.value)


def test_2f_2_one_store_of_two_is_down(syncer: Folder) -> None:
    """What is in the other comes all the same; where nothing is left to give, the call fails."""
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{port}")
    syncer.monkeypatch.setenv("VAULT_TOKEN", "t")
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.apply()
    west = {"type": "vault"}
    syncer.declare(
        {"global:a": {"source": {"env": "A"}}, "west:b": {"source": {"env": "A"}}},
        scopes={"west": {"backend": "west"}},
        backends={"west": west},
    )
    backend = agent(syncer, "--timeout", "4s")
    fetched = backend.fetch("a", "west:b")
    assert dict(fetched.values) == {"a": CANARY}
    assert set(fetched.errors) == {"west:b"}
    with pytest.raises(AgentError, match="exit status 1"):
        backend.fetch("west:b", "nothing")


def test_a_store_that_hangs(syncer: Folder) -> None:
    """An answer comes before the Agent's patience ends: by the protocol, or a clean failure."""
    with store("vault", syncer.monkeypatch, real=False) as vault, fault_proxy(vault.url) as proxy:
        syncer.monkeypatch.setenv("A", CANARY)
        syncer.monkeypatch.setenv("VAULT_ADDR", proxy.url)
        scopes = {"west": {"backend": "west"}}
        secrets = {"global:a": {"source": {"env": "A"}}, "west:b": {"source": {"env": "A"}}}
        syncer.declare(secrets, scopes=scopes, backends={"west": vault.options})
        syncer.apply()
        backend = agent(syncer, "--timeout", "4s")
        for calls in ("*", "GET */data/*"):
            proxy.set(Rule(fault=Hang(LONG), calls=calls))
            fetched = backend.fetch("a", "west:b")
            assert dict(fetched.values) == {"a": CANARY}
            assert fetched.errors["west:b"].startswith("no answer within ")
            proxy.clear()
        proxy.set(Rule(fault=Hang(LONG)))
        with pytest.raises(AgentError, match=r"exit status 1: error: no answer within 4\.0 seconds"):
            backend.fetch("west:b")
        proxy.clear()
        assert dict(backend.fetch("west:b").values) == {"west:b": CANARY}


def test_2f_3_the_launcher_is_for_its_owner(syncer: Folder) -> None:
    """0700; the Agent takes it, from any folder, and with the options that it was installed with."""
    shop(syncer)
    backend = agent(syncer, "--scope", "payments.eu")
    mode = stat.S_IMODE(backend.secret_backend_command.stat().st_mode)
    assert mode == 0o700
    assert set(backend.fetch("umlaut").values) == {"umlaut"}


def test_2f_3_or_for_its_group_too(syncer: Folder) -> None:
    """0750, which the Agent refuses unless it is told to allow it."""
    shop(syncer)
    backend = agent(syncer, "--group-exec")
    assert stat.S_IMODE(backend.secret_backend_command.stat().st_mode) == 0o750
    with pytest.raises(AgentError, match="'group' or 'others'"):
        backend.check()
    allowed = agent(syncer, "--group-exec", secret_backend_command_allow_group_exec_perm=True)
    assert set(allowed.fetch("number").values) == {"number"}


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("mode", [0o700, 0o500, 0o750, 0o550, 0o770, 0o701, 0o755, 0o777, 0o740, 0o710, 0o720])
def test_2f_3_doctor_knows_what_the_agent_refuses(syncer: Folder, mode: int, group: bool) -> None:  # noqa: FBT001  # two worlds
    """Doctor's word and the Agent's are the same, for each mode."""
    path = syncer.path / "backend"
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    one = Agent(secret_backend_command=path, environ={}, secret_backend_command_allow_group_exec_perm=group)
    found = syncer("doctor", str(path), *(["--allow-group-exec"] if group else []))
    try:
        one.check()
    except AgentError:
        assert (found.code, "fails" in found.out) == (1, True)
    else:
        assert (found.code, "all is well" in found.out) == (0, True)


def test_2f_4_rendered_files_are_what_its_own_backends_read(syncer: Folder) -> None:
    """A flat map of strings; or a file for each secret, 0400, with nothing added, replaced as a whole."""
    values = {a: v for a, v in shop(syncer).items() if a.startswith("global:")}
    wanted = {address.removeprefix("global:"): value for address, value in values.items()}
    for form, read in (("datadog-json", json.loads), ("datadog-yaml", yaml.safe_load)):
        syncer.fine("export", "--scope", "global", "--format", form, "--out", f"secrets.{form}")
        assert read((syncer.path / f"secrets.{form}").read_bytes()) == wanted
    syncer.fine("export", "--scope", "global", "--format", "datadog-files", "--out", "secrets")
    for ref, value in wanted.items():
        path = syncer.path / "secrets" / ref
        assert path.read_bytes() == value.encode()
        assert stat.S_IMODE(path.stat().st_mode) & 0o377 == 0
    backend = agent(syncer, "--root", str(syncer.path / "secrets"))
    fetched = backend.fetch(*(f"file@{ref}" for ref in wanted))
    assert dict(fetched.values) == {f"file@{ref}": value for ref, value in wanted.items()}


def test_2f_4_a_value_that_is_too_large_for_a_file(syncer: Folder) -> None:
    """More than 8192 bytes are refused before anything is written."""
    syncer.monkeypatch.setenv("A", "x" * 8193)
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.apply()
    assert syncer("export", "--scope", "global", "--format", "datadog-files", "--out", "secrets").code == 1
    assert not (syncer.path / "secrets").exists()


def test_2f_5_a_rotation_shows_at_the_next_call(syncer: Folder) -> None:
    """Nothing is kept."""
    shop(syncer)
    backend = agent(syncer)
    for turn in range(3):
        syncer.monkeypatch.setenv("V0", f"{CANARY}-{turn}")
        syncer.apply()
        assert dict(backend.fetch("db/password").values) == {"db/password": f"{CANARY}-{turn}"}


def test_2f_6_fifty_handles_take_a_fraction_of_the_time_allowed(syncer: Folder) -> None:
    """A tenth of it even where the machine is busy; the whole process counts, because it is run for each file."""
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.declare({f"global:app/secret-{number}": {"source": {"env": "A"}} for number in range(50)})
    syncer.apply()
    backend = agent(syncer)
    handles = [f"app/secret-{number}" for number in range(50)]
    started = time.perf_counter()
    assert dict(backend.fetch(*handles).values) == dict.fromkeys(handles, CANARY)
    assert time.perf_counter() - started < 3


# A small process between: a child that becomes another program keeps the peak of the one that it was forked from.
_MEASURED = """#!{python}
import resource, subprocess, sys
code = subprocess.call(['{backend}', *sys.argv[1:]])
with open(__file__ + ".peak", "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def test_ten_thousand_handles(syncer: Folder) -> None:
    """Known or not, they are answered within the limits, and in bounded memory."""
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.apply()
    measured = syncer.path / "measured"
    measured.write_text(_MEASURED.format(python=sys.executable, backend=installed(syncer)))
    measured.chmod(0o700)
    backend = Agent(secret_backend_command=measured, environ=environment())
    fetched = backend.fetch("a", *(f"unknown-{number}:x" for number in range(10_000)))
    assert dict(fetched.values) == {"a": CANARY}
    assert len(fetched.errors) == 10_000
    assert len(fetched.raw) <= MIB
    assert int(measured.with_suffix(".peak").read_text()) < 200 * 1024


def test_more_than_the_agent_reads(syncer: Folder) -> None:
    """Values for which there is no room are errors; the same ones each time, and the JSON is whole."""
    syncer.monkeypatch.setenv("A", CANARY + "x" * 60_000)
    handles = [f"s{number:02d}" for number in range(40)]
    syncer.declare({f"global:{handle}": {"source": {"env": "A"}} for handle in handles})
    syncer.apply()
    backend = agent(syncer)
    fetched = backend.fetch(*handles)
    assert MIB - 70_000 < len(fetched.raw) <= MIB
    assert list(fetched.values) == handles[:17]
    assert set(fetched.errors.values()) == {"no room in the reply"}
    assert backend.fetch(*handles).raw == fetched.raw
    more = agent(syncer, "--max-output", str(4 * MIB), secret_backend_output_max_size=4 * MIB)
    assert list(more.fetch(*handles).values) == handles


NESTED = b'{"version":"1.1","secrets":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is not one JSON object"),
        (b"\xff\x00", "is not one JSON object"),
        (b"{", "is not one JSON object"),
        (b"[]", "is not one JSON object"),
        (b"null", "is not one JSON object"),
        (b'{"version": "1.0", "secrets": ["a"]} {}', "is not one JSON object"),
        (NESTED, "is not one JSON object"),
        (b" " * (16 * MIB) + b"{}", "is not one JSON object of at most 16 MiB"),
        (b"{}", "names no version"),
        (b'{"version": 1.0, "secrets": ["a"]}', "names no version"),
        (b'{"version": "2.0", "secrets": ["a"]}', "is of another version than 1"),
        (b'{"version": "10", "secrets": ["a"]}', "is of another version than 1"),
        (b'{"version": "1.1"}', "lists no handles"),
        (b'{"version": "1.1", "secrets": []}', "lists no handles"),
        (b'{"version": "1.1", "secrets": "a"}', "lists no handles"),
        (b'{"version": "1.1", "secrets": ["a", 1]}', "lists no handles"),
    ],
)
def test_a_request_that_is_none(syncer: Folder, raw: bytes, told: str) -> None:
    """Exit 1, nothing on standard output, one clean error."""
    shop(syncer)
    result = syncer("datadog-backend", stdin=raw)
    assert (result.code, result.out, told in result.err) == (1, "", True)
    assert "Traceback" not in result.err
    assert_no_leak(CANARY.encode(), result.err)


HOSTILE = [
    "x" * MIB,
    "a" * 600 + ":b",
    "../../etc/passwd",
    "global:../x",
    "global:db/../db/password",
    "global:db/password\0",
    "\0",
    "\ud800",
    "global:\udfff",
    "file@",
    "file@/",
    "file@..",
    "file@a/../../b",
    "file@a\0b",
    "file@\ud800",
    "file@" + "x" * 4000,
    "file@/etc/passwd",
    "k8s_secret@",
    "k8s_secret@a/b",
    "k8s_secret@a/b/c/d",
    "k8s_secret@../b/c",
    "k8s_secret@a/../c",
    "k8s_secret@a/b?x=y/c",
    "k8s_secret@A/b/c",
    "db/password;",
    "db/password;a.b",
    "db/password;" + "a." * 1000,
    ";a",
    "a:b:c",
    " db/password",
    "ENC[db/password]",
]


def test_hostile_handles(syncer: Folder) -> None:
    """Each gets an error, under the very name that it came by; the one that is fine gets its value."""
    shop(syncer)
    handles = [*HOSTILE, "db/password"]
    raw = json.dumps({"version": "1.9", "secrets": handles * 2}).encode()
    result = syncer("datadog-backend", "--root", str(syncer.path), "--max-output", str(4 * MIB), stdin=raw)
    assert (result.code, result.err) == (0, "")
    entries = result.json
    assert set(entries) == set(handles)
    assert {handle for handle, entry in entries.items() if entry["value"] is not None} == {"db/password"}
    assert all(0 < len(entries[handle]["error"]) < 200 for handle in HOSTILE)


def test_a_handle_as_large_as_the_reply(syncer: Folder) -> None:
    """It is left out, as one that the Agent misses; the others stay."""
    shop(syncer)
    fetched = agent(syncer).fetch("x" * MIB, "db/password")
    assert dict(fetched.values) == {"db/password": CANARY}
    assert list(fetched.errors.values()) == ["secret handle was not resolved"]


def test_a_store_that_gives_nothing_back(syncer: Folder) -> None:
    """An error for each of its handles."""
    with opened("kestra", syncer.monkeypatch) as options:
        syncer.monkeypatch.setenv("A", CANARY)
        syncer.declare({"payments:A": {"source": {"env": "A"}}}, backend=options)
        syncer.apply()
        fetched = agent(syncer, "--scope", "payments").fetch("A")
    assert dict(fetched.errors) == {"A": "payments:A: backend `default` does not give values back"}


@pytest.mark.parametrize(
    "arguments",
    [["--group-exec"], ["--max-output", "10"], ["surplus"], ["--timeout", "0s"], ["--install", ""], ["--root", ""]],
)
def test_wrong_usage(syncer: Folder, arguments: list[str]) -> None:
    """Exit 64."""
    assert syncer("datadog-backend", *arguments).code == 64


def test_install_leaves_alone_what_it_did_not_write(syncer: Folder) -> None:
    """The manifest, the key, a file of somebody else's, a folder; its own it replaces."""
    shop(syncer)
    (syncer.path / "mine").write_text("x")
    for name in ("syncer.yaml", ".syncer/key", "mine", ".", "nowhere/x", "-"):
        assert syncer("datadog-backend", "--install", name).code == 3, name
    told = syncer("datadog-backend", "--install", "its own name")
    assert told.out == f"secret_backend_command: {syncer.path / 'its own name'}\n"
    assert "mode 0700" in told.err
    again = syncer("datadog-backend", "--install", "its own name", "--group-exec")
    assert again.out.splitlines()[1] == "secret_backend_command_allow_group_exec_perm: true"
    assert stat.S_IMODE((syncer.path / "its own name").stat().st_mode) == 0o750
    assert yaml.safe_load(again.out)["secret_backend_command"] == str(syncer.path / "its own name")


def test_install_where_nothing_can_be_written(syncer: Folder) -> None:
    """An error with its reason, and nothing is left behind."""
    shop(syncer)
    from syncer.cli import out

    def fail(*_given: object, **_named: object) -> None:
        raise OSError(30, "Read-only file system")

    syncer.monkeypatch.setattr(out, "replace_file", fail)
    result = syncer("datadog-backend", "--install", "backend")
    assert (result.code, "backend cannot be written: read-only file system" in result.err) == (1, True)


@pytest.mark.parametrize("name", ["a: b", "a #b", "'a", 'a"b', "a ", "é\\x", "a:", "-", "\N{KEY}"])
def test_what_is_printed_is_yaml(syncer: Folder, name: str) -> None:
    """Whatever the path."""
    syncer.declare({"global:a": GENERATE})
    told = syncer.fine("datadog-backend", "--install", f"./{name}" if name != "-" else "x-")
    path = syncer.path / ("x-" if name == "-" else name)
    assert yaml.safe_load(told) == {"secret_backend_command": str(path)}
    assert path.exists()


@pytest.mark.parametrize(("name", "code"), [("a\nb", 3), ("a\x1b", 3), ("a\0b", 64)])
def test_paths_that_no_file_can_name(syncer: Folder, name: str, code: int) -> None:
    """Are refused before anything is written."""
    syncer.declare({"global:a": GENERATE})
    before = syncer.files()
    result = syncer("datadog-backend", "--install", name)
    assert (result.code, result.out, syncer.files()) == (code, "", before)


def test_a_request_that_never_ends(syncer: Folder) -> None:
    """Nobody waits longer than was asked for, which is what is told."""
    syncer.declare({"global:a": GENERATE})
    command = [sys.executable, "-m", "syncer", "datadog-backend", "--timeout", "1s"]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=syncer.path, env=environment(), **pipes) as process:
        process.stdin.write(b'{"version": "1.1", ')
        process.stdin.flush()
        assert process.wait(timeout=LONG) == 1
        assert process.stdout.read() == b""
        assert b"the request on standard input does not end within 1.0 seconds" in process.stderr.read()


def test_an_agent_that_waits_less_long(syncer: Folder) -> None:
    """What it says of its own patience is heeded, for what is read from a pipe too."""
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.apply()
    request = json.dumps({"version": "1.1", "secrets": ["a"], "secret_backend_timeout": 20}).encode()
    command = [sys.executable, "-m", "syncer", "datadog-backend"]
    ended = subprocess.run(command, cwd=syncer.path, env=environment(), input=request, capture_output=True, check=True)
    assert json.loads(ended.stdout) == {"a": {"value": CANARY, "error": None}}


def test_the_launcher_keeps_every_option(syncer: Folder) -> None:
    """As absolute paths where they are paths."""
    syncer.declare({"global:a": GENERATE, "a.b:c": GENERATE})
    (syncer.path / "sub").mkdir()
    options = ["--root", "sub/../files", "--service-account", "account", "--allow", "global", "--timeout", "5s"]
    place = syncer.path.parent / f"{syncer.path.name}-backend"
    told = syncer.fine(
        "-f",
        "sub/../syncer.yaml",
        "datadog-backend",
        "--install",
        f"sub/../../{place.name}",
        *options,
        "--scope",
        "a.b",
    )
    assert told == f"secret_backend_command: {place}\n"
    path = place
    line = path.read_text().splitlines()[-1]
    here = syncer.path
    assert f"-C {here} -f {here}/syncer.yaml datadog-backend --scope a.b --allow global --root {here}/files" in line
    assert line.endswith(f'--service-account {here}/account --timeout 5s --max-output {MIB} "$@"')


def test_what_it_loads(syncer: Folder) -> None:
    """Neither an HTTP client, nor what only other commands need."""
    from test_startup import loaded

    syncer.declare({"global:a": GENERATE})
    syncer.apply()
    request = '{"version": "1.1", "secrets": ["a"]}'
    code = (
        "import io, sys\n"
        f"sys.stdin = io.TextIOWrapper(io.BytesIO({request.encode()!r}))\n"
        "from syncer.cli import run\nassert run(['datadog-backend']) == 0"
    )
    found = loaded(syncer.path, code)
    assert "syncer.backends.local" in found
    unwanted = {"asyncio", "httpx", "deepdiff", "jsonschema", "subprocess", "syncer.rest", "syncer.cli.launcher"}
    assert not found & (unwanted | {"syncer.exchange.nodes", "syncer.render.json", "syncer.cli.doctor"})
