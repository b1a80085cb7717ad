"""`import` with globs, `import --all` and `import-env`."""

from __future__ import annotations

import base64
import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cli.folder import GENERATE

from syncer.cli import importing

if TYPE_CHECKING:
    from cli.folder import Folder

A = {"source": {"env": "A"}}
ALL = ("import", "--all", "--scope", "payments")


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Some secrets in the store that nobody manages, some of others."""
    syncer.monkeypatch.setenv("A", "theirs")
    syncer.plant("payments:db/password", b"canary", owned=False)
    syncer.plant("payments:api-key", b"canary")
    syncer.plant("payments:theirs", b"canary", project="other")
    syncer.plant("global:a", b"canary", owned=False)
    syncer.declare({"global:a": A})
    return syncer


def include(syncer: Folder, secrets: dict[str, Any], *names: str) -> None:
    """Declare secrets, and include files."""
    syncer.declare(secrets, include=list(names))


# import with globs


def test_a_glob_takes_what_is_declared_and_there(shop: Folder) -> None:
    """Not what has a record, is not there, or is another project's; of that it tells."""
    names = ("payments:db/password", "payments:api-key", "payments:theirs", "payments:none", "global:a")
    shop.declare(dict.fromkeys(names, A))
    shop.fine("import", "payments:api-key")
    result = shop("import", "payments:*")
    assert result.code == 0
    assert result.out == "= payments:db/password is now managed (its value is fingerprinted)\n"
    assert result.err == "payments:theirs belongs to project other, so it is left alone\n"
    assert shop.fine("state", "list") == "payments:api-key\npayments:db/password\n"


def test_globs_and_addresses_together(shop: Folder) -> None:
    """Each is taken once; an exact one is held to what it names."""
    shop.declare(dict.fromkeys(("payments:db/password", "payments:api-key", "global:a", "global:none"), A))
    assert shop("import", "*", "global:none").code == 1
    assert shop.fine("state", "list") == ""
    told = shop.fine("import", "payments:*key", "?lobal:a", "global:a", "payments:[d]*")
    assert [line.split()[1] for line in told.splitlines()] == ["global:a", "payments:api-key", "payments:db/password"]
    assert shop("import", "*", "global:a").code == 3


def test_a_glob_that_matches_nothing_is_an_error(shop: Folder) -> None:
    """A misspelt one must not look like one that is done."""
    result = shop("import", "paymnets:*")
    assert (result.code, result.out) == (3, "")
    assert "paymnets:* matches no address of the manifest" in result.err
    assert shop("import", "global:*", "paymnets:*").code == 3
    assert shop.fine("state", "list") == ""


def test_a_glob_with_nothing_left_to_do(shop: Folder) -> None:
    """Exit 0, and says so: a second run is no failure."""
    shop.fine("import", "global:*")
    result = shop("import", "global:*")
    assert (result.code, result.out) == (0, "")
    assert result.err == "nothing to import: all that matches is under management already, or not there\n"


# import --all


def test_all_declares_what_is_there(shop: Folder) -> None:
    """A file to include, with variables as sources; once set and imported, there is nothing to write but our mark."""
    text = shop.fine(*ALL)
    assert yaml.safe_load(text) == {
        "scopes": {
            "payments": {
                "secrets": {
                    "api-key": {"source": {"env": "PAYMENTS_API_KEY"}},
                    "db/password": {"source": {"env": "PAYMENTS_DB_PASSWORD"}},
                }
            }
        }
    }
    assert "#   theirs: belongs to project other\n" in text
    assert "canary" not in text
    result = shop(*ALL, "--out", "found.yaml")
    assert (result.code, result.out, result.err) == (0, "", "declared 2 secrets in found.yaml\n")
    assert (shop.path / "found.yaml").read_text() == text
    assert stat.S_IMODE((shop.path / "found.yaml").stat().st_mode) == 0o600
    include(shop, {"global:a": A}, "found.yaml")
    shop.fine("import", "*")
    for name in ("A", "PAYMENTS_API_KEY", "PAYMENTS_DB_PASSWORD"):
        shop.monkeypatch.setenv(name, "canary")
    planned = shop("plan", "--format", "json")
    assert planned.codes == []
    assert {tuple(change["change"]["actions"]) for change in planned.json["resource_changes"]} <= {("update",)}
    shop.apply()
    assert shop.fine("plan").startswith("No changes.")
    assert shop("get", "payments:db/password").stdout == b"canary"


def test_all_keeps_what_is_said_of_each(syncer: Folder) -> None:
    """Description, tags, disabled; nothing drifts once it is imported."""
    syncer.declare({"s:a": GENERATE | {"description": "on", "tags": {"n": "1e3"}, "enabled": False}, "t:b": GENERATE})
    syncer.apply()
    syncer.state.unlink()
    syncer.declare({"t:b": GENERATE})
    found = yaml.safe_load(syncer.fine("import", "--all", "--scope", "s"))
    assert found["scopes"]["s"]["secrets"] == {
        "a": {"source": {"env": "S_A"}, "description": "on", "tags": {"n": "1e3"}, "enabled": False}
    }


def test_all_reads_no_value_and_needs_no_source(shop: Folder) -> None:
    """The backend is asked once."""
    from syncer.backends.local import LocalBackend

    asked = []
    observe = LocalBackend.observe

    def count(self: LocalBackend, *given: Any) -> Any:
        asked.append(given)
        return observe(self, *given)

    shop.monkeypatch.delenv("A")
    shop.monkeypatch.setattr(LocalBackend, "observe", count)
    shop.monkeypatch.setattr(LocalBackend, "read", None)
    shop.fine(*ALL)
    assert len(asked) == 1


def test_all_of_another_backend(shop: Folder) -> None:
    """The scope names it; an unknown one is an error."""
    shop.declare({"global:a": A}, backends={"west": {"type": "local", "path": ".syncer/west.db"}})
    with shop.session() as session:
        from syncer.model import Address
        from syncer.sensitive import Sensitive
        from syncer.testing.base import declared

        session.backend("west").create(declared(Address.parse("payments:w")), Sensitive(b"canary"))
    found = yaml.safe_load(shop.fine(*ALL, "--backend", "west"))
    assert found["scopes"]["payments"] == {"backend": "west", "secrets": {"w": {"source": {"env": "PAYMENTS_W"}}}}
    unknown = shop(*ALL, "--backend", "wset")
    assert (unknown.code, "the manifest has no backend wset, did you mean `west`?" in unknown.err) == (3, True)


def test_all_of_nothing(shop: Folder) -> None:
    """Exit 1 with where it looked; no file is made."""
    result = shop("import", "--all", "--scope", "nothing", "--out", "found.yaml")
    assert (result.code, result.out) == (1, "")
    assert "backend `default` holds nothing in scope nothing" in result.err
    assert "hint: --backend asks another one" in result.err
    assert "found.yaml" not in shop.files()


def test_all_of_what_is_declared_already(shop: Folder) -> None:
    """Only comments: a second declaration would be a fault."""
    text = shop.fine("import", "--all", "--scope", "global")
    assert "#   a: declared at syncer.yaml:" in text
    assert yaml.safe_load(text) == {"scopes": {"global": {"secrets": {}}}}
    (shop.path / "again.yaml").write_text(text)
    include(shop, {"global:a": A}, "again.yaml")
    shop.fine("validate")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["import"], "Missing argument 'ADDRESS...'."),
        (["import", "--all"], "--all needs --scope"),
        (["import", "--all", "--scope", ""], "--all needs --scope"),
        (["import", "--all", "--scope", "s", "s:a"], "give one of them"),
        (["import", "--scope", "s", "s:a"], "--scope: only together with --all"),
        (["import", "--backend", "b", "--out", "f", "s:a"], "--backend, --out: only together with --all"),
        (["import", "no-colon"], "an address is written scope:ref"),
        (["import-env"], "Missing argument 'FILE'"),
        (["import-env", ".env", "--encoding", "hex"], "is not one of 'auto', 'plain', 'base64'"),
    ],
)
def test_wrong_usage(shop: Folder, arguments: list[str], told: str) -> None:
    """Exit 64; nothing on standard output."""
    result = shop(*arguments)
    assert (result.code, result.out, told in result.err) == (64, "", True)


@pytest.mark.parametrize("command", [(*ALL[:2], "--scope", "a:b"), ("import-env", "-", "--scope", "a:b")])
def test_what_no_scope_is_called(shop: Folder, command: tuple[str, ...]) -> None:
    """Exit 3 with the rule."""
    result = shop(*command, stdin=b"A=canary")
    assert (result.code, result.out, "a scope's name is made of" in result.err) == (3, "", True)


def test_environment_forms(shop: Folder) -> None:
    """Every option has one."""
    for name, value in {"ALL": "1", "SCOPE": "payments", "BACKEND": "default", "OUT": "x.yaml"}.items():
        shop.monkeypatch.setenv(f"SYNCER_IMPORT_{name}", value)
    shop.fine("import")
    for name, value in {"SCOPE": "team", "ENCODING": "plain", "OUT": "y.yaml"}.items():
        shop.monkeypatch.setenv(f"SYNCER_IMPORT_ENV_{name}", value)
    shop.fine("import-env", "-", stdin=b"SECRET_A=canary")
    assert list(yaml.safe_load((shop.path / "y.yaml").read_text())["scopes"]["team"]["secrets"]) == ["SECRET_A"]
    assert "api-key" in (shop.path / "x.yaml").read_text()


# import-env


def test_a_file_becomes_sealed_entries(syncer: Folder) -> None:
    """What the lines say, verbatim; the manifest takes the file, and a plan is empty after an apply."""
    lines = [b"A=plain", b'Q="quoted"', b"# no=canary", b"", b"export E=a=b=", b"SECRET_S=" + base64.b64encode(b"x\ny")]
    (syncer.path / ".env").write_bytes(b"\r\n".join([*lines, b"LAST=no newline"]))
    syncer.declare({"global:z": GENERATE})
    result = syncer("import-env", ".env", "--scope", "team", "--out", "team.yaml")
    assert (result.code, result.out, result.err) == (0, "", "declared 5 secrets in team.yaml\n")
    assert stat.S_IMODE((syncer.path / "team.yaml").stat().st_mode) == 0o600
    assert "plain" not in (syncer.path / "team.yaml").read_text()
    include(syncer, {"global:z": GENERATE}, "team.yaml")
    syncer.apply()
    assert syncer.fine("plan").startswith("No changes.")
    expected = {"A": b"plain", "Q": b'"quoted"', "E": b"a=b=", "S": b"x\ny", "LAST": b"no newline"}
    assert {ref: syncer("get", f"team:{ref}").stdout for ref in expected} == expected


def test_standard_input_and_output(syncer: Folder) -> None:
    """`-` is the one, and without --out it is the other; the scope is `global` unless it is named."""
    syncer.declare({"global:z": GENERATE})
    document = yaml.safe_load(syncer.fine("import-env", "-", stdin=b"A=1"))
    assert list(document) == ["scopes"]
    assert list(document["scopes"]) == ["global"]
    sealed = document["scopes"]["global"]["secrets"]["A"]["source"]["sealed"]
    assert sealed.startswith("syncer:v1:")


def test_the_key_is_made_where_there_is_none(syncer: Folder) -> None:
    """As `seal` does; not for a file that is refused."""
    (syncer.path / ".syncer/key").unlink()
    syncer.declare({"global:z": GENERATE})
    assert syncer("import-env", "-", stdin=b"A").code == 3
    assert ".syncer/key" not in syncer.files()
    result = syncer("import-env", "-", stdin=b"A=1")
    assert (result.code, "made the project key" in result.err) == (0, True)


def test_every_wrong_line_at_once(syncer: Folder) -> None:
    """By file and line, exit 3; no value, no line, and no file."""
    syncer.declare({"global:z": GENERATE})
    (syncer.path / ".env").write_bytes(b"A=canary\ncanary\nB=\na=canary\nSECRET_C=canary!\n1canary=x\ncanary\xff=\n")
    result = syncer("import-env", ".env", "--out", "x.yaml")
    assert (result.code, result.out) == (3, "")
    assert [line.split(" ")[1] for line in result.err.splitlines()] == [
        *(".env:2:1:", ".env:3:3:", ".env:4:1:", ".env:5:10:", ".env:6:1:", ".env:7:1:")
    ]
    assert "canary" not in result.err
    assert "x.yaml" not in syncer.files()
    assert "error: <stdin>:1:1: " in syncer("import-env", "-", stdin=b"canary").err


@pytest.mark.parametrize(
    ("file", "told"),
    [("missing", "no such file or directory"), (".syncer", "is a directory"), ("a\0b", "not a file name")],
)
def test_a_file_that_cannot_be_read(syncer: Folder, file: str, told: str) -> None:
    """Exit 1 with the reason."""
    syncer.declare({"global:z": GENERATE})
    result = syncer("import-env", file)
    assert (result.code, result.out, f"cannot be read: {told}" in result.err) == (1, "", True)


def test_a_file_that_is_too_large(syncer: Folder) -> None:
    """No manifest could take what came of it."""
    syncer.declare({"global:z": GENERATE})
    syncer.monkeypatch.setattr(importing, "_MAX_BYTES", 1 << 20)
    result = syncer("import-env", "-", stdin=b"A=" + b"x" * (1 << 20))
    assert (result.code, result.out, "- is larger than 1 MiB" in result.err) == (1, "", True)


# --out


@pytest.mark.parametrize("command", [ALL, ("import-env", "-")])
def test_no_file_is_replaced(shop: Folder, command: tuple[str, ...]) -> None:
    """People edit these."""
    (shop.path / "mine.yaml").write_text("edited")
    result = shop(*command, "--out", "mine.yaml", stdin=b"A=canary")
    assert (result.code, result.out, "mine.yaml exists already" in result.err) == (3, "", True)
    assert (shop.path / "mine.yaml").read_text() == "edited"
    assert shop(*command, "--out", "syncer.yaml", stdin=b"A=canary").code == 3
    assert shop(*command, "--out", "missing/x.yaml", stdin=b"A=canary").code == 3


@pytest.mark.parametrize("command", [ALL, ("import-env", "-")])
def test_a_full_disk(shop: Folder, command: tuple[str, ...]) -> None:
    """Nothing is left behind."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shop.monkeypatch.setattr(os, "fsync", full)
    result = shop(*command, "--out", "x.yaml", stdin=b"A=canary")
    assert (result.code, result.out) == (1, "")
    assert "x.yaml cannot be written: no space left on device" in result.err
    assert "canary" not in result.err
    assert not [name for name in shop.files() if name.startswith("x.yaml")]


def test_a_file_that_appears_meanwhile(shop: Folder) -> None:
    """Is not replaced either."""
    path = shop.path / "x.yaml"
    survey = importing.survey

    def slow(*given: Any) -> Any:
        path.write_text("theirs")
        return survey(*given)

    shop.monkeypatch.setattr(importing, "survey", slow)
    result = shop(*ALL, "--out", "x.yaml")
    assert (result.code, "x.yaml exists already" in result.err, path.read_text()) == (3, True, "theirs")
