"""Help, usage, `version`, `schema`, `backends`, `completion`, environment forms."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import click
import pytest
from cli.folder import environment

import syncer as package
from syncer.cli import _SUMMARIES, COMMANDS, group

if TYPE_CHECKING:
    from cli.folder import Folder

GROUPS = {
    "state": ("list", "show", "mv", "rm", "unlock", "rebuild"),
    "ci": ("plan", "comment", "apply", "drift", "validate"),
    "serve": ("dapr",),
}
EVERY = [[name] for name in COMMANDS] + [[group, name] for group, names in GROUPS.items() for name in names]
CONTRACT = {
    "plan": "out detailed-exitcode format target exclude values refresh verify-values rotate destroy parallelism",
    "apply": "target exclude refresh verify-values rotate destroy parallelism auto-approve lock-timeout "
    "allow-mass-change format",
    "drift": "accept format target exclude",
    "show": "format",
    "validate": "format",
}


def test_the_commands_of_the_contract(syncer: Folder) -> None:
    """Every command is there, and the list of them says what each does without importing it."""
    told = syncer.fine("--help")
    names = (
        "init validate fmt plan apply drift import import-env show state seal get export serve run datadog-backend "
        "doctor resolve ci backends schema completion version"
    )
    assert list(COMMANDS) == list(_SUMMARIES) == names.split()
    for name in COMMANDS:
        assert f"\n  {name} " in told


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(syncer: Folder, path: list[str]) -> None:
    """One sentence first, an example of itself, every option explained."""
    told = syncer.fine(*path, "--help")
    assert syncer.fine(*path, "-h") == told
    usage, sentence = (part.strip() for part in told.split("\n\n")[:2])
    assert usage.startswith(f"Usage: syncer {' '.join(path)}")
    assert sentence[0].isupper()
    assert "." in sentence
    example = told[told.index("Example") :]
    assert f"syncer {' '.join(path)}" in example or f" {' '.join(path)}" in example
    for name in CONTRACT.get(path[0], "").split() if len(path) == 1 else ():
        assert f"--{name}" in told
    assert all(param.help for param in _command(path).params if isinstance(param, click.Option))


@pytest.mark.parametrize("name", GROUPS)
def test_the_list_of_a_group_cuts_no_sentence(syncer: Folder, name: str) -> None:
    """What each of its commands does is told to the full stop."""
    listed = syncer.fine(name, "--help").partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == sorted(GROUPS[name])
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def _command(path: list[str]) -> click.Command:
    found: click.Command = group
    for name in path:
        assert isinstance(found, click.Group)
        command = found.get_command(click.Context(group), name)
        assert command is not None
        found = command
    return found


def test_help_alone(syncer: Folder) -> None:
    """`syncer` alone, and a group alone, print their help as a result."""
    for path in ([], ["state"]):
        result = syncer(*path)
        assert (result.code, result.err) == (0, "")
        assert result.out == syncer.fine(*path, "--help")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["plann"], "No such command 'plann'. (Did you mean one of: 'plan'"),
        (["xyzzy"], "No such command 'xyzzy'."),
        (["--bogus"], "No such option '--bogus'"),
        (["plan", "--detailed-exitcod"], "Did you mean '--detailed-exitcode'?"),
        (["plan", "surplus"], "unexpected extra argument"),
        (["plan", "--format", "xml"], "is not one of 'human', 'json', 'markdown'"),
        (["plan", "--parallelism", "0"], "is not in the range 1<=x<=256"),
        (["get"], "Missing argument 'ADDRESS'"),
        (["get", "no-colon"], "an address is written scope:ref"),
        (["get", ":ref"], "an address is written scope:ref"),
        (["import"], "Missing argument 'ADDRESS...'"),
        (["state", "lst"], "No such command 'lst'"),
        (["state", "unlock"], "Missing argument 'ID'"),
        (["apply", "--lock-timeout", "soon"], "a duration is written 30s, 5m or 1h"),
        (["schema", "nothing"], "is not one of"),
        (["plan", "--values", "skip", "--verify-values"], "--verify-values reads values and --values skip does not"),
        (["plan", "--destroy", "--rotate", "a:b"], "--destroy deletes what --rotate would renew"),
        (["apply", "--auto-approve", "--destroy", "--rotate", "a:b"], "--destroy deletes what --rotate would renew"),
        (["completion", "tcsh"], "is not one of"),
    ],
)
def test_wrong_usage(syncer: Folder, arguments: list[str], told: str) -> None:
    """Exit 64; what is wrong goes to standard error and nothing to standard output."""
    result = syncer(*arguments)
    assert (result.code, result.out) == (64, "")
    assert result.err.startswith("Usage: syncer")
    assert told.removesuffix(" (Did you mean one of: 'plan'") in result.err
    if arguments == ["plann"]:
        assert "'plan'" in result.err


def test_version(syncer: Folder) -> None:
    """One line, asked for either way; SYNCER_VERSION is for installers."""
    syncer.monkeypatch.setenv("SYNCER_VERSION", "1.2.3")
    told = f"syncer {package.__version__}\n"
    assert syncer.fine("version") == syncer.fine("--version") == syncer.fine("--version", "plan") == told


@pytest.mark.parametrize("name", ["manifest", "plan", "state"])
def test_schema(syncer: Folder, name: str) -> None:
    """Prints the shipped file, byte for byte."""
    told = syncer("schema", name)
    shipped = files("syncer") / "schemas" / f"{name}.schema.json"
    beside = files("syncer") / ".." / "schemas" / f"{name}.schema.json"
    assert told.stdout in [path.read_bytes() for path in (shipped, beside) if path.is_file()]
    assert json.loads(told.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_backends(syncer: Folder) -> None:
    """A table: a line for each type, with what it can do."""
    heading, local, *others = syncer.fine("backends").splitlines()
    assert heading.split()[:3] == ["type", "disable", "delete"]
    assert local.split()[:4] == ["local", "enforced", "soft", "yes"]
    assert [line.split()[0] for line in others] == ["aws-secrets-manager", "aws-ssm", "dagu", "kestra", "vault"]


def test_a_backend_whose_sdk_is_missing_is_listed(syncer: Folder) -> None:
    """With what to install; one that can nothing more than the least says so."""
    syncer.monkeypatch.setattr(
        "syncer.registry.BACKENDS", {"acme": ("acme_is_not_here:X", "acme"), "bare": ("cli.bare:Bare", None)}
    )
    told = syncer.fine("backends")
    assert "acme: not installed; in the repository of syncer: pip install '.[acme]'" in told
    assert any(set(line.split()) == {"bare", "no"} for line in told.splitlines())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(syncer: Folder, shell: str) -> None:
    """Each shell's script asks the tool, under one name."""
    told = syncer.fine("completion", shell)
    assert f"_SYNCER_COMPLETE={shell}_complete" in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(syncer: Folder) -> None:
    """The script, sourced by bash, completes `syncer pl` to `syncer plan`."""
    (syncer.path / "bin").mkdir()
    tool = syncer.path / "bin/syncer"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m syncer "$@"\n')
    tool.chmod(0o755)
    (syncer.path / "script").write_text(syncer.fine("completion", "bash"))
    ask = 'source ./script; COMP_WORDS=(syncer pl); COMP_CWORD=1; _syncer_completion syncer; echo "${COMPREPLY[@]}"'
    environ = environment() | {"PATH": f"{tool.parent}:{os.environ['PATH']}"}
    found = subprocess.run(["bash", "-c", ask], env=environ, capture_output=True, check=True, cwd=syncer.path)
    assert found.stdout == b"plan\n"


def test_completions_in_process(syncer: Folder) -> None:
    """What the script asks for: commands, then options of a command; nothing is opened for it."""
    syncer.monkeypatch.setenv("_SYNCER_COMPLETE", "bash_complete")
    syncer.monkeypatch.setenv("COMP_WORDS", "syncer st")
    syncer.monkeypatch.setenv("COMP_CWORD", "1")
    assert syncer.fine() == "plain,state\n"
    syncer.monkeypatch.setenv("COMP_WORDS", "syncer plan --form")
    syncer.monkeypatch.setenv("COMP_CWORD", "2")
    assert syncer.fine() == "plain,--format\n"
    assert syncer.files() == {".syncer/key"}


def test_environment_forms(syncer: Folder) -> None:
    """SYNCER_<COMMAND>_<OPTION> stands for a flag, and the flag wins."""
    syncer.declare({"global:a": {"source": {"env": "A"}}, "payments:b": {"source": {"env": "B"}}})
    for name, value in {"A": "1", "B": "2", "SYNCER_PLAN_FORMAT": "json", "SYNCER_PLAN_TARGET": "global:*"}.items():
        syncer.monkeypatch.setenv(name, value)
    changes = [change["address"] for change in syncer("plan").json["resource_changes"]]
    assert changes == ["global:a"]
    flagged = syncer("plan", "--target", "payments:*", "--format", "human")
    assert "payments:b will be created" in flagged.out
    assert "global:a" not in flagged.out


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("SYNCER_PLAN_DETAILED_EXITCODE", "true", 2),
        ("SYNCER_PLAN_VALUES", "skip", 0),
        ("SYNCER_PLAN_REFRESH", "false", 0),
        ("SYNCER_PLAN_PARALLELISM", "none", 64),
        ("SYNCER_PLAN_EXCLUDE", "global:a", 0),
        ("SYNCER_PLAN_ROTATE", "global:nothing", 3),
        ("SYNCER_PLAN_DESTROY", "true", 0),
        ("SYNCER_PLAN_VERIFY_VALUES", "true", 0),
        ("SYNCER_MANIFEST", "elsewhere.yaml", 3),
        ("SYNCER_CHDIR", "/nowhere", 64),
        ("SYNCER_NO_COLOR", "true", 0),
        ("SYNCER_VERBOSE", "true", 0),
    ],
)
def test_every_option_of_plan_has_an_environment_form(syncer: Folder, variable: str, value: str, code: int) -> None:
    """Each is heeded: the exit code shows it, or the flag's own test."""
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.monkeypatch.setenv("A", "value")
    syncer.monkeypatch.setenv(variable, value)
    assert syncer("plan").code == code


def test_environment_forms_of_other_commands(syncer: Folder) -> None:
    """Also of `apply`, of nested commands and of commands whose Python name differs."""
    syncer.declare({"global:a": {"source": {"env": "A"}}})
    syncer.monkeypatch.setenv("A", "value")
    syncer.monkeypatch.setenv("SYNCER_APPLY_AUTO_APPROVE", "1")
    syncer.monkeypatch.setenv("SYNCER_APPLY_FORMAT", "json")
    assert syncer("apply").json["change_summary"]["add"] == 1
    syncer.monkeypatch.setenv("SYNCER_STATE_SHOW_FORMAT", "json")
    assert syncer("state", "show", "global:a").json["address"] == "global:a"
    for name in ("IMPORT", "STATE_MV", "STATE_RM", "DRIFT"):
        syncer.monkeypatch.setenv(f"SYNCER_{name}_LOCK_TIMEOUT", "never")
    for command in (["import", "global:a"], ["state", "mv", "a:a", "b:b"], ["state", "rm", "a:a"], ["drift"]):
        assert syncer(*command).code == 64
    syncer.monkeypatch.setenv("SYNCER_SEAL_TRIM", "true")
    assert syncer("seal", "global:a", stdin=b"\n").code == 1


def test_an_unknown_format_in_the_environment(syncer: Folder) -> None:
    """Wrong usage, as on the command line; JSON asked for there is JSON also for wrong usage."""
    syncer.monkeypatch.setenv("SYNCER_PLAN_FORMAT", "xml")
    assert syncer("plan").code == 64
    syncer.monkeypatch.setenv("SYNCER_PLAN_FORMAT", "json")
    result = syncer("plan", "--bogus")
    assert (result.code, result.codes) == (64, ["wrong_usage"])
