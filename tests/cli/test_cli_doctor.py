"""`doctor`: what other programs would refuse, and where they would get no value."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import GENERATE, KEY_TEXT

from syncer.testing.base import assert_no_leak

if TYPE_CHECKING:
    from pathlib import Path

    from cli.folder import Folder

CANARY = "canary-WqZxJkTvGy-never-print-me"
A = {"source": {"env": "A"}}


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Some applied secrets; the folder `etc` for files."""
    syncer.monkeypatch.setenv("A", CANARY)
    syncer.monkeypatch.setenv("J", '{"user": "' + CANARY + '"}')
    secrets = {
        "global:api-key": A,
        "global:off": A | {"enabled": False},
        "payments:redis": {"source": {"env": "J"}},
        "payments:db/password": A,
    }
    syncer.declare(secrets)
    syncer.apply()
    (syncer.path / "etc/conf.d/postgres.d").mkdir(parents=True)
    return syncer


def put(folder: Folder, name: str, text: str) -> str:
    """Write a file into `etc`, and give its path."""
    (folder.path / "etc" / name).write_text(text, encoding="utf-8")
    return f"etc/{name}"


def look(folder: Folder, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """Run it in both forms, and give what it found."""
    human, machine = folder("doctor", *arguments), folder("doctor", *arguments, "--format", "json")
    assert (human.code, machine.code, human.err, machine.err) == (code, code, "", "")
    assert machine.json["fine"] is (code == 0)
    assert_no_leak(CANARY.encode(), human.out, machine.out)
    findings: list[dict[str, Any]] = machine.json["findings"]
    for found in findings:
        for told in (found["name"], *found["problems"], *found["notes"]):
            assert told in human.out
    assert human.out.endswith("would fail.\n" if code else "all is well.\n")
    return findings


def places(findings: list[dict[str, Any]]) -> list[tuple[str, str, int | None, list[str]]]:
    """Say where something was found, and what is wrong with it."""
    return [(found["file"], found["path"], found["line"], found["problems"]) for found in findings]


def test_handles_in_a_folder_of_files(shop: Folder) -> None:
    """Each with its file, its path and its line, sorted; other files and hidden ones are left alone."""
    put(shop, "datadog.yaml", "api_key: ENC[api-key]\nadditional_endpoints:\n  url:\n  - ENC[global:api-key]\n")
    put(shop, "conf.d/postgres.d/conf.yaml", "instances:\n  - {password: 'ENC[payments:db/password]', port: 1}\n")
    put(shop, "conf.d/a.json", '{"instances": [{\n"user": "ENC[payments:redis;user]"}]}')
    put(shop, "conf.d/.hidden.yaml", "a: ENC[nothing]")
    put(shop, "conf.d/notes.txt", "a: ENC[nothing]")
    (shop.path / "etc/conf.d/..data").mkdir()
    put(shop, "conf.d/..data/conf.yaml", "a: ENC[nothing]")
    assert places(look(shop, "etc")) == [
        ("etc/conf.d/a.json", "instances/0/user", 2, []),
        ("etc/conf.d/postgres.d/conf.yaml", "instances/0/password", 2, []),
        ("etc/datadog.yaml", "api_key", 1, []),
        ("etc/datadog.yaml", "additional_endpoints/url/0", 4, []),
    ]


WRONG = """\
a: ENC[api-key]
b: ENC[api-kee]
c: ENC[off]
d: ENC[paiments:redis]
e: ENC[payments:redis;password]
f: ENC[file@/etc/hostname]
g: 'ENC[]'
secret_backend_config: {token: 'ENC[api-key]'}
"""


def test_handles_that_would_fail(shop: Folder) -> None:
    """Each with its reason; the others are fine."""
    path = put(shop, "conf.yaml", WRONG)
    assert places(look(shop, path, code=1)) == [
        (path, "a", 1, []),
        (path, "b", 2, ["global:api-kee is neither there nor in a scope it falls back to"]),
        (path, "c", 3, ["global:off is disabled"]),
        (path, "d", 4, ["the manifest has no scope paiments, did you mean `payments`?"]),
        (path, "e", 5, ["the value has nothing under that key"]),
        (path, "f", 6, ["no folder is named from which files may be read"]),
        (path, "g", 7, ["this is no handle: one is written scope:ref, or ref alone, and may go on with ;key"]),
        (path, "secret_backend_config/token", 8, ["the Agent resolves nothing under `secret_...`"]),
    ]


def test_what_the_agent_could_not_take(shop: Folder) -> None:
    """A value that is no text or empty fails there, so it fails here."""
    shop.plant("global:binary", b"\xff" + CANARY.encode())
    shop.declare({"global:binary": GENERATE})
    (shop.path / "empty").touch()
    path = put(shop, "conf.yaml", "a: ENC[binary]\nb: ENC[file@empty]")
    findings = look(shop, path, "--root", ".", code=1)
    assert [found["problems"] for found in findings] == [["the value is not UTF-8 text"], ["the value is empty"]]


COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: statestore}
spec:
  type: state.redis
  metadata:
    - {name: password, secretKeyRef: {name: db/password, key: db/password}}
    - {name: user, secretKeyRef: {name: redis, key: user}}
    - {name: short, secretKeyRef: {name: db/password}}
    - {name: wrong, secretKeyRef: {name: redis, key: nothing}}
    - {name: none, secretKeyRef: {key: user}}
    - {name: odd, secretKeyRef: {name: "a b"}}
auth: {secretStore: %s}
"""


@pytest.mark.parametrize(("store", "options"), [("payments", []), ("vault", ["--store", "vault=payments"])])
def test_components_of_dapr(shop: Folder, store: str, options: list[str]) -> None:
    """A store is the scope that is called like it, unless it is said which."""
    path = put(shop, "component.yaml", COMPONENT % store)
    findings = look(shop, path, *options, code=1)
    assert [(found["line"], found["problems"]) for found in findings] == [
        (7, []),
        (8, []),
        (9, []),
        (10, ["the value has nothing under that key"]),
        (11, ["it names no secret"]),
        (12, ["no secret and no scope of a manifest can be called so"]),
    ]
    assert findings[1]["name"] == f"secretKeyRef {store}/redis (user)"


def test_a_component_whose_store_is_no_scope(shop: Folder) -> None:
    """Each of its references fails."""
    path = put(shop, "component.yaml", COMPONENT % "elsewhere")
    assert look(shop, path, code=1)[0]["problems"] == ["the manifest has no scope elsewhere"]


def test_files_that_cannot_be_read(shop: Folder) -> None:
    """What is wrong with one, and where; the others are looked at."""
    fine = put(shop, "a.yaml", "a: ENC[api-key]")
    broken = put(shop, "b.yaml", f"a: 1\n\t{CANARY}: x")
    json = put(shop, "c.json", "{")
    findings = look(shop, "etc", "etc/missing.yaml", "nowhere\nat all", code=1)
    told = {found["file"]: found["problems"] for found in findings}
    assert told[fine] == []
    assert "not valid YAML" in told[broken][0]
    assert "not valid JSON" in told[json][0]
    assert told["etc/missing.yaml"] == ["etc/missing.yaml cannot be read: no such file or directory"]
    assert told["nowhere\nat all"] == ["it cannot be looked at: no such file or directory"]


def test_files_that_have_no_end(shop: Folder) -> None:
    """In a folder, a FIFO is passed by: nobody may ever write to it."""
    fine = put(shop, "a.yaml", "a: ENC[api-key]")
    os.mkfifo(shop.path / "etc/b.yaml")
    assert {found["file"] for found in look(shop, "etc")} == {fine}


def test_names_that_are_none(shop: Folder) -> None:
    """No file can be called so."""
    put(shop, "a.yaml", 'secret_backend_command: "/a\\0b"')
    put(shop, "b.json", '{"secret_backend_command": "/\\ud800x"}')
    result = shop("doctor", "etc")
    assert result.code == 1
    assert result.out.count("it cannot be looked at: not a file name") == 2


def test_aliases_that_lead_too_deep(shop: Folder) -> None:
    """Each is written in few levels, and means many."""
    keys = (f"? &a{n} {'[' * 90}{f'*a{n - 1}' if n else 'x'}{']' * 90}\n: v{n}\n" for n in range(40))
    file = put(shop, "a.yaml", f"{''.join(keys)}last: *a39\n")
    (found,) = look(shop, file, code=1)
    assert found["problems"] == [f"{file} cannot be read: its aliases are nested too deep"]


def test_nothing_of_a_file_reaches_the_terminal_unescaped(shop: Folder) -> None:
    """A handle may hold anything."""
    put(shop, "a.yaml", 'a: "ENC[\\x1b[31m\\n]"\n"k\\x07": "ENC[x]"')
    result = shop("doctor", "etc")
    assert result.code == 1
    assert "\x1b" not in result.out
    assert "\x07" not in result.out


def test_an_executable(shop: Folder) -> None:
    """Its mode and owner; links are followed; what is no file is told."""
    path = shop.path / "backend"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o750)
    (finding,) = look(shop, "backend", "--allow-group-exec")
    assert finding["name"].startswith("mode 0750, owner ")
    (finding,) = look(shop, "backend", code=1)
    (problem,) = finding["problems"]
    assert problem.startswith("its group or others have rights on it: chmod 700; 0750 is fine with secret_backend_")
    path.chmod(0o700)
    (shop.path / "link").symlink_to("backend")
    assert look(shop, "link")[0]["name"].startswith("mode 0700")
    path.chmod(0o600)
    assert "who asks, may not run it" in look(shop, "link", code=1)[0]["problems"][0]
    os.mkfifo(shop.path / "pipe", 0o700)
    assert look(shop, "pipe", code=1)[0]["problems"] == ["it is no regular file"]
    (shop.path / "hollow").mkdir()
    assert "a folder without YAML and JSON files" in look(shop, "hollow", code=1)[0]["problems"][0]


def test_the_executable_that_the_agent_is_told_of(shop: Folder) -> None:
    """The one in datadog.yaml is looked at too, as it is allowed there."""
    path = shop.path / "backend"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o750)
    text = f"secret_backend_command: {path}\n"
    allowed = put(shop, "a.yaml", f"{text}secret_backend_command_allow_group_exec_perm: true\n")
    (finding,) = look(shop, allowed)
    assert (finding["file"], finding["what"]) == (allowed, "executable")
    assert finding["name"].startswith(f"{path}: mode 0750")
    (finding,) = look(shop, put(shop, "b.yaml", text), code=1)
    assert "its group or others" in finding["problems"][0]
    (finding,) = look(shop, put(shop, "c.yaml", f"secret_backend_command: {shop.path / 'etc'}\n"), code=1)
    assert finding["problems"] == ["it is a folder"]
    (finding,) = look(shop, put(shop, "d.yaml", "secret_backend_command: backend\n"), "--allow-group-exec", code=1)
    assert finding["problems"][0] == "it is no absolute path, and the Agent runs in a folder of its own"


def test_the_key_that_a_launcher_needs(shop: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may run it must be able to read the key; both are their owners' alone."""
    shop.fine("datadog-backend", "--install", "backend")
    key = shop.path / ".syncer/key"
    (finding,) = look(shop, "backend")
    assert f"who owns this and {key}" in finding["notes"][0]
    shop.fine("datadog-backend", "--install", "backend", "--group-exec")
    (finding,) = look(shop, "backend", "--allow-group-exec")
    assert "the Agent must run as that user" in finding["notes"][0]
    shop.fine("datadog-backend", "--install", "backend")
    with monkeypatch.context() as patch:
        _owned_by(patch, key, 54321)
        (finding,) = look(shop, "backend", code=1)
    assert f"{key} is for 54321 only, and this may be run by" in finding["problems"][0]
    key.chmod(0o640)
    (finding,) = look(shop, "backend", code=1)
    assert finding["problems"] == [f"{key} can be read by others: chmod 600, and consider the key known"]
    key.unlink()
    (finding,) = look(shop, "backend", code=1)
    assert finding["problems"] == [f"{key} is not there, or hidden, and SYNCER_KEY is not set: bring the key back"]
    monkeypatch.setenv("SYNCER_KEY", KEY_TEXT)
    (finding,) = look(shop, "backend")
    assert "SYNCER_KEY goes into the Agent's environment" in finding["notes"][0]


def test_the_scopes_that_a_launcher_names(shop: Folder) -> None:
    """The manifest must have them, as it is now."""
    shop.fine("datadog-backend", "--install", "backend", "--scope", "payments", "--allow", "global")
    look(shop, "backend")
    shop.declare({"payment:a": A, "global:a": A})
    (finding,) = look(shop, "backend", code=1)
    assert finding["problems"] == ["the manifest has no scope payments, did you mean `payment`?"]
    (shop.path / "syncer.yaml").unlink()
    (finding,) = look(shop, "backend", code=1)
    assert "no such file" in finding["problems"][0]


def test_a_handle_in_a_longer_text(shop: Folder) -> None:
    """Is never replaced: a note, which repeats nothing of the text."""
    path = put(shop, "conf.yaml", f"a: 'dsn://{CANARY}:ENC[api-key]@host'\nb: ENC[api-key]\n")
    first, second = look(shop, path)
    assert (first["name"], first["path"], first["line"]) == ("ENC[...]", "a", 1)
    assert first["notes"] == ["the Agent never replaces a handle in a longer text, only one that is the whole text"]
    assert second["notes"] == []
    assert "ENC[api-key]@host" in shop.fine("resolve", path)


def _owned_by(patch: pytest.MonkeyPatch, path: Path, number: int) -> None:
    from pathlib import PosixPath

    before = PosixPath.stat

    def stat(self: PosixPath, *, follow_symlinks: bool = True) -> os.stat_result:
        found = before(self, follow_symlinks=follow_symlinks)
        if self != path:
            return found
        return os.stat_result([*found[:4], number, *found[5:10]])

    patch.setattr(PosixPath, "stat", stat)


def test_a_launcher_that_somebody_has_edited(shop: Folder) -> None:
    """It is an executable like any other."""
    path = shop.path / "backend"
    for text in (
        "#!/bin/sh\n# Written by `syncer\nexec x",
        "#!/bin/sh\n# Written by `syncer\nexec 'x",
        "#!/bin/sh\n# Written by `syncer",
    ):
        path.write_text(text)
        path.chmod(0o700)
        assert look(shop, "backend")[0]["notes"] == []


def test_a_group_that_nobody_knows(shop: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number."""
    from syncer.consumers import executable

    path = shop.path / "backend"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr(executable.grp, "getgrgid", unknown)
    monkeypatch.setattr(executable.pwd, "getpwuid", unknown)
    assert look(shop, "backend")[0]["name"] == f"mode 0700, owner {os.getuid()}, group {os.getgid()}"


def test_without_a_manifest(syncer: Folder) -> None:
    """Executables need none, and handles do."""
    path = syncer.path / "backend"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    assert syncer("doctor", "backend").code == 0
    (syncer.path / "a.yaml").write_text("a: ENC[b]")
    result = syncer("doctor", "a.yaml")
    assert (result.code, "no such file" in result.err) == (3, True)


def test_a_store_that_cannot_be_asked(shop: Folder) -> None:
    """Each of its handles would fail, with that reason."""
    (shop.path / ".syncer/store.db").write_bytes(b"no database" + CANARY.encode())
    path = put(shop, "a.yaml", "a: ENC[api-key]\nb: ENC[payments:redis]")
    findings = look(shop, path, code=1)
    assert all("store.db" in found["problems"][0] for found in findings)


@pytest.mark.parametrize("arguments", [[], [""], ["--format", "xml", "x"], ["--timeout", "0s", "x"]])
def test_wrong_usage(syncer: Folder, arguments: list[str]) -> None:
    """Exit 64."""
    assert syncer("doctor", *arguments).code == 64


@pytest.mark.parametrize("stores", [["a"], ["=a"], ["a="], [""], ["a/b=a"], ["a=global", "a=payments"]])
def test_stores_that_are_none(shop: Folder, stores: list[str]) -> None:
    """A name and a scope, each name once; to serve asks for the same."""
    given = [word for store in stores for word in ("--store", store)]
    for command in (["doctor", "etc"], ["resolve", "x.yaml"], ["serve", "dapr"]):
        result = shop(*command, *given)
        assert (result.code, "--store" in result.err) == (64, True)
