"""No value, no part of one and no unkeyed hash of one anywhere but where it was asked for.

Values that occur nowhere else are planted in every source; whole sessions run; everything that they print, log or
leave behind is searched. Only the standard output of `get` and the sources themselves may hold a value.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import KEY, KEY_TEXT, Folder, Result, environment
from conformance.fakes.fault_proxy import Reset, Rule, fault_proxy
from conformance.fakes.kestra.accounts import Account, bearer
from conformance.fakes.loopback import Answer
from stores import Store, store

from syncer.backends.base import Capability
from syncer.backends.local import LocalBackend
from syncer.model import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syncer.sensitive import Sensitive

# Letters that no hexadecimal text has, so that no MAC or UUID looks like a part of one.
PLANTED = {
    "env": "zqkwVxGtRjHsMpLyNvKw",
    "env_second": "tyGmQxZwJrVkHnPsLzXq",
    "file": "QmZtXvJkWpLrHyGnSxVz",
    "command": "wHgTzKqYxLmNrVpJsQtX",
    "said": "vRzXqTnLkGyWmJpHsKtQ",
    "printed": "kXwQzVtJmHrGpLnYsTzR",
    "sealed": "pYtLxQvKzJgWnRmHsXkT",
    "base64": "xJnRwTzQkVyLpHmGsKqX",
    "hex": "yVqHtZxLnKwJrGpMsXvQ",
    "lines": "mTzKxWqJvHyRnLgPsVtX\nnLgQzXtKwVyJrHpMsTxR\n",
    "json": '{"qz": "gWxTqZvKyLnJrHmPsXtQ"}',
    "typed": "hZtXqKvWyJnLrGpMsTxV",
    "theirs": "rXzQtVkWyGnLjHpMsKxT",
    "drifted": "jYxTzQvKwHnLrGpMsXqV",
    "bug": "lVzXtQkWyJnHrGpMsTqX",
    "sqlite": "nQzTxVkWyJgLrHpMsXtK",
    "token": "wNzJxTkVyQgLrHpMsXtG",
}
PLAIN, ENCODED, HEXED = 6, 10, 16
"""How long a piece of a value, of its base64 and of its hexadecimal digits must be to count as found."""

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b")


def pieces(data: bytes, length: int) -> set[bytes]:
    """Give every piece of that length, at any offset; all of what is shorter."""
    return {data[start : start + length] for start in range(max(1, len(data) - length + 1))}


def shapes(value: bytes) -> dict[int, set[bytes]]:
    """Give what would betray a value, by length of the piece."""
    found: dict[int, set[bytes]] = {PLAIN: set(), ENCODED: set(), HEXED: set()}
    for line in value.splitlines():
        found[PLAIN] |= pieces(line, PLAIN) | pieces(line[::-1], PLAIN)
        percent = "".join(f"%{byte:02X}" for byte in line).encode()
        found[HEXED] |= pieces(percent, HEXED) | pieces(percent.lower(), HEXED)
        found[HEXED] |= pieces(line.hex().encode(), HEXED) | pieces(line.hex().upper().encode(), HEXED)
        found[PLAIN] |= pieces(urllib.parse.quote(line).encode(), PLAIN) if b"%" not in line else set()
        for shift in range(3):  # base64 of a text depends on where in it the value begins
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                found[ENCODED] |= pieces(encode(b"\0" * shift + line)[shift + 1 : -4], ENCODED)
    for name in HASHES:
        for text in {value, value.strip(), value + b"\n"}:
            digest = hashlib.new(name, text).digest()
            found[HEXED] |= {digest.hex().encode()[:HEXED], digest.hex().upper().encode()[:HEXED]}
            found[ENCODED] |= {base64.b64encode(digest)[:ENCODED], base64.urlsafe_b64encode(digest)[:ENCODED]}
    return found


@dataclass
class Watch:
    """Knows what must not show, and looks for it."""

    known: dict[str, dict[int, set[bytes]]] = field(default_factory=dict)
    seen: int = 0
    _clean: set[bytes] = field(default_factory=set)

    def add(self, name: str, value: bytes) -> None:
        """Learn another value."""
        self.known[name] = shapes(value)
        self._clean.clear()

    def look(self, place: str, data: bytes, *, except_for: tuple[str, ...] = ()) -> None:
        """Fail where a value shows in the data, naming the place and the value but never the data."""
        digest = hashlib.sha256(data).digest()
        if digest in self._clean:
            return
        self.seen += len(data)
        there = {length: pieces(data, length) for length in (PLAIN, ENCODED, HEXED)}
        shown = [
            name
            for name, betrayals in self.known.items()
            if name not in except_for and any(there[length] & found for length, found in betrayals.items())
        ]
        assert not shown, f"{shown} can be seen in {place}"
        if not except_for:
            self._clean.add(digest)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda value: value,
        lambda value: b"Xy" + value[7:13] + b"Yx",
        lambda value: value[::-1],
        base64.b64encode,
        lambda value: base64.b64encode(b"user:" + value),
        lambda value: base64.urlsafe_b64encode(b"a" + value + b"b"),
        lambda value: value.hex().encode(),
        lambda value: value.hex().upper().encode(),
        lambda value: "".join(f"%{byte:02x}" for byte in value).encode(),
        lambda value: hashlib.sha256(value).hexdigest().encode(),
        lambda value: hashlib.sha512(value + b"\n").hexdigest()[:20].encode(),
        lambda value: base64.b64encode(hashlib.sha1(value, usedforsecurity=False).digest()),
        lambda value: base64.urlsafe_b64encode(hashlib.sha256(value).digest()),
        lambda value: hashlib.md5(value, usedforsecurity=False).hexdigest().encode(),
    ],
)
@pytest.mark.parametrize("name", ["env", "lines", "json"])
def test_the_watch_sees_every_disguise(name: str, disguise: Callable[[bytes], bytes]) -> None:
    """A search that finds nothing would prove nothing."""
    watch = Watch()
    value = PLANTED[name].encode()
    watch.add(name, value)
    watch.look("elsewhere", b"nothing to see here, and hmac:0123456789abcdef0123456789abcdef")
    with pytest.raises(AssertionError, match="can be seen in a log"):
        watch.look("a log", b"before " + disguise(value) + b" after")


@dataclass
class Scene:
    """A project with a value in every source, and a watch over all that comes of it."""

    syncer: Folder
    watch: Watch
    records: list[logging.LogRecord]
    temporary: Path
    results: list[Result] = field(default_factory=list)

    SOURCES = ("inputs",)

    def run(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> Result:
        """Run a command in its forms; look at all that it printed and left."""
        result = self.syncer(*arguments, stdin=stdin)
        assert result.code == code, (arguments, result.code, result.err)
        place = " ".join(arguments[:3])
        self.watch.look(f"standard output of {place}", result.stdout)
        self.watch.look(f"standard error of {place}", result.err.encode())
        self.look_at_files(place)
        return result

    def told(self, *arguments: str, code: int) -> None:
        """Run a command and look at what it printed only: the value stands in the store by our own hand."""
        result = self.syncer(*arguments)
        assert result.code == code, (arguments, result.code, result.err)
        self.watch.look(f"output of {arguments[0]}", result.stdout + result.err.encode())

    def every_form(
        self, *arguments: str, code: int = 0, forms: tuple[str, ...] = ("human", "json", "markdown")
    ) -> None:
        """Run a command in each form of its output, and talkative."""
        for form in forms:
            self.run("-v", *arguments, "--format", form, code=code)

    def get(self, address: str) -> bytes:
        """Print a value, and look at all but that."""
        result = self.syncer("get", address)
        assert result.code == 0
        self.watch.look(f"standard error of get {address}", result.err.encode())
        self.look_at_files("get")
        return result.stdout

    def look_at_files(self, when: str) -> None:
        """Look at the bytes of every file that is no source, its name, and all that was logged."""
        for root in (self.syncer.path, self.temporary):
            for path in sorted(root.rglob("*")):
                self.watch.look(f"the name of a file after {when}", path.name.encode())
                if path.is_file() and path.parts[len(root.parts)] not in (*self.SOURCES, "syncer.yaml"):
                    self.watch.look(f"{path.name} after {when}", path.read_bytes())
        for record in self.records:
            told = f"{record.getMessage()} {record.args!r} {record.exc_info!r} {record.__dict__!r}"
            self.watch.look(f"a log record after {when}", told.encode())

    def input(self, name: str, content: str | bytes) -> str:
        """Write a source's file and give its path."""
        path = self.syncer.path / "inputs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return f"inputs/{name}"


class Listener(logging.Handler):
    """Keeps every record of every logger."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


@pytest.fixture
def scene(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    """Values in place, everything recorded."""
    folder, temporary = tmp_path / "project", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    for name in [name for name in os.environ if name.startswith("SYNCER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CANARY_ENV", PLANTED["env"])
    watch = Watch()
    for name, value in PLANTED.items():
        watch.add(name, value.encode())
    for name in ("base64", "hex"):
        watch.add(f"{name} as written", _written(name))
    listener, root = Listener(), logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(1)
    made = Scene(Folder(folder, capfdbinary, monkeypatch), watch, listener.records, temporary)
    made.syncer.key()
    yield made
    root.removeHandler(listener)
    root.setLevel(before)


def _written(name: str) -> bytes:
    value = PLANTED[name].encode()
    return base64.b64encode(value) if name == "base64" else value.hex().encode()


def every_source(scene: Scene) -> dict[str, Any]:
    """Declare a secret from every source there is."""
    scene.syncer.declare({"global:sealed": {"source": {"env": "CANARY_ENV"}}})
    sealed = scene.run("seal", "global:sealed", stdin=PLANTED["sealed"].encode()).out.strip()
    command = f"echo {PLANTED['said']} >&2; cat {scene.input('command', PLANTED['command'])}"
    (scene.syncer.path / "inputs/run").write_text(command)
    return {
        "global:env": {"source": {"env": "CANARY_ENV"}, "tags": {"team": "x"}, "description": "of the environment"},
        "global:file": {"source": {"file": scene.input("file", PLANTED["file"])}},
        "global:lines": {"source": {"file": scene.input("lines", PLANTED["lines"])}},
        "global:json": {"source": {"file": scene.input("json", PLANTED["json"])}},
        "global:command": {"source": {"command": ["sh", "inputs/run"]}},
        "global:sealed": {"source": {"sealed": sealed}},
        "global:base64": {"source": {"file": scene.input("base64", _written("base64")), "decode": "base64"}},
        "global:hex": {"source": {"file": scene.input("hex", _written("hex")), "decode": "hex"}},
        "other:password": {"source": {"generate": {"length": 40}}},
        "other:token": {"source": {"generate": {"type": "base64url"}}},
        "other:rsa": {"source": {"generate": {"type": "ed25519"}}},
    }


def applied(scene: Scene) -> dict[str, Any]:
    """Apply all of them, and add what was generated to what must not show."""
    secrets = every_source(scene)
    scene.syncer.declare(secrets)
    scene.every_form("plan")
    scene.run("-v", "apply", "--auto-approve")
    for address in ("other:password", "other:token"):
        scene.watch.add(address, scene.get(address))
    scene.look_at_files("learning what was generated")
    return secrets


def test_a_life_without_accidents(scene: Scene) -> None:
    """Every command, in every form: nothing shows but what `get` prints."""
    secrets = applied(scene)
    for name in ("env", "file", "lines", "json", "command", "sealed", "base64", "hex"):
        assert scene.get(f"global:{name}") == PLANTED[name].encode(), name
    scene.every_form("plan", "--verify-values")
    scene.every_form("plan", "--values", "skip")
    scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED["env_second"])
    scene.every_form("plan", "--rotate", "other:*", "--no-refresh")
    scene.run("plan", "--out", "plan.json", "--rotate", "other:password")
    scene.every_form("show", "plan.json")
    scene.run("apply", "plan.json", "--format", "json")
    scene.watch.add("rotated", scene.get("other:password"))
    scene.look_at_files("a rotation")
    for command in (["show"], ["drift"], ["drift", "--verify-values"]):
        scene.every_form(*command)
    scene.run("state", "list")
    scene.run("state", "show", "global:env")
    scene.run("state", "show", "global:env", "--format", "json")
    scene.run("state", "mv", "global:env", "global:moved")
    scene.run("state", "rm", "global:moved")
    scene.run("import", "global:env")
    scene.run("backends")
    scene.run("version")
    secrets["global:env"] |= {"enabled": False, "tags": {"tier": "gold"}}
    del secrets["global:file"]
    scene.syncer.declare(secrets, moved=[{"from": "global:json", "to": "global:renamed"}])
    secrets["global:renamed"] = secrets.pop("global:json")
    scene.syncer.declare(secrets, moved=[{"from": "global:json", "to": "global:renamed"}])
    scene.every_form("plan")
    scene.run("-v", "apply", "--auto-approve", "--format", "json")
    scene.run("plan", "--destroy", "--allow-mass-change")
    scene.run("apply", "--destroy", "--auto-approve", "--allow-mass-change")
    assert scene.watch.seen > 200_000


@pytest.fixture
def pipeline(scene: Scene) -> Path:
    """A job on a platform, after a push, in a repository whose remote holds the state; gives the remote."""
    project, remote = scene.syncer.path, scene.syncer.path.with_name("remote.git")
    for command in (["init", "-q", "--bare", remote], ["init", "-q"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *command], check=True, cwd=project)
    event = scene.temporary / "event.json"
    event.write_text("{}")
    for name, text in {
        "ACTIONS": "true",
        "REPOSITORY": "a/b",
        "EVENT_NAME": "push",
        "EVENT_PATH": str(event),
        "REF": "refs/heads/main",
        "SHA": "a" * 40,
        "WORKSPACE": str(project),
        "OUTPUT": str(scene.temporary / "output"),
        "STEP_SUMMARY": str(scene.temporary / "summary"),
    }.items():
        scene.syncer.monkeypatch.setenv(f"GITHUB_{name}", text)
    return remote


def look_at_objects(scene: Scene, repository: Path) -> None:
    """Look at what git holds, unpacked: every version of every file, and every message."""
    every = ["git", "-C", repository, "cat-file", "--batch-all-objects", "--batch"]
    held = subprocess.run(every, check=True, capture_output=True).stdout
    assert b"records" in held
    scene.watch.look(f"the objects of {repository.name}", held)


def test_a_life_in_a_pipeline(scene: Scene, pipeline: Path) -> None:
    """Neither in the branch of the state nor in anything that a job tells or leaves for others."""
    secrets = every_source(scene)
    policy = [{"rule": "allowed-sources", "sources": ["env"], "severity": "warning"}]
    scene.syncer.declare(secrets, state={"type": "git"}, policy=policy)
    reports = ("--junit", "found.xml", "--sarif", "found.sarif")
    scene.run("ci", "validate", *reports)
    scene.run("ci", "plan", "--gitlab-report", "counts.json", *reports)
    scene.run("ci", "comment", "--plan", "syncer-plan.json", "--out", "comment.md")
    scene.run("ci", "apply", "--plan-file", "syncer-plan.json")
    for address in ("other:password", "other:token"):
        scene.watch.add(address, scene.get(address))
    scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED["env_second"])
    scene.run("ci", "apply", "--plan-file", "syncer-plan.json", code=7)
    scene.run("ci", "apply", "--unreviewed")
    scene.syncer.overwrite("global:env", PLANTED["drifted"].encode())
    scene.run("ci", "drift", *reports, code=2)
    for form in ("junit", "sarif"):
        scene.run("drift", "--format", form, code=2)
        scene.run("validate", "--format", form)
    scene.run("fmt", "--diff", "--check", code=2)
    look_at_objects(scene, pipeline)
    subprocess.run(["git", "-C", pipeline, "update-ref", "-d", "refs/heads/syncer-state"], check=True)
    for seen in (scene.syncer.path / ".syncer/git").glob("seen-*"):
        seen.unlink()
    scene.run("state", "rebuild", "--auto-approve")
    look_at_objects(scene, pipeline)
    assert (scene.temporary / "summary").read_text().count("###") == 7
    assert scene.watch.seen > 100_000


def test_drift_and_strangers(scene: Scene) -> None:
    """Values that others wrote are read, compared and imported without being shown."""
    secrets = applied(scene)
    scene.syncer.overwrite("global:env", PLANTED["drifted"].encode())
    scene.every_form("drift", code=2)
    scene.every_form("drift", "--verify-values", code=2)
    scene.every_form("plan", "--verify-values")
    scene.run("drift", "--accept", "--auto-approve")
    scene.syncer.plant("global:free", PLANTED["theirs"].encode(), owned=False)
    scene.syncer.plant("global:owned", PLANTED["theirs"].encode(), project="other")
    secrets |= {name: {"source": {"env": "CANARY_ENV"}} for name in ("global:free", "global:owned")}
    scene.syncer.declare(secrets)
    scene.every_form("plan", code=1)
    scene.run("apply", "--auto-approve", "--format", "json", code=1)
    scene.run("import", "global:owned", code=3)
    scene.run("get", "global:owned", code=4)
    scene.run("import", "global:free")
    scene.every_form("plan", "--exclude", "global:owned")


@pytest.mark.parametrize(
    "entry",
    [
        "{typed}",
        "[{typed}]",
        "{{source: {typed}}}",
        "{{source: {{value: {typed}}}}}",
        "{{source: {{{typed}: x}}}}",
        "{{source: {{env: '{typed} '}}}}",
        "{{source: {{env: [{typed}]}}}}",
        "{{source: {{env: X, decode: {typed}}}}}",
        "{{source: {{env: X, {typed}: 1}}}}",
        "{{source: {{file: [{typed}]}}}}",
        "{{source: {{file: x, trim: {typed}}}}}",
        "{{source: {{command: {typed}}}}}",
        "{{source: {{command: [x], timeout: {typed}}}}}",
        "{{source: {{generate: {typed}}}}}",
        "{{source: {{generate: {{type: {typed}}}}}}}",
        "{{source: {{generate: {{length: {typed}}}}}}}",
        "{{source: {{generate: {{alphabet: {typed}}}}}}}",
        "{{source: {{sealed: {typed}}}}}",
        "{{source: {{sealed: 'syncer:v1:{typed}'}}}}",
        "{{source: {{env: X}}, value: {typed}}}",
        "{{source: {{env: X}}, {typed}: 1}}",
        "{{source: {{env: X}}, tags: {typed}}}",
        "{{source: {{env: X}}, tags: {{a: [{typed}]}}}}",
        "{{source: {{env: X}}, enabled: {typed}}}",
        "{{source: {{env: X}}, on_remove: {typed}}}",
        "{{source: {{env: X}}, rotate: {typed}}}",
        "{{source: {{env: X}}, rotate: {{every: {typed}}}}}",
        "{{source: {{env: X}}, description: [{typed}]}}",
        '"{typed}',
        "'{typed}",
        "b: {typed}: c",
        "{{source: {typed}",
        "!{typed} x",
        "!!{typed} x",
        "*{typed}",
        "&{typed}",
        "%{typed}",
        "@{typed}",
        "`{typed}`",
        "|{typed}",
        "!!binary {typed}!",
        "!!int {typed}",
        "!!timestamp {typed}",
        "{{<<: {typed}}}",
        '"\\{typed}"',
        "? {typed}\n        : x",
        "\t{typed}",
        "x\n      a: {typed}",
        "\x07{typed}",
    ],
)
def test_a_value_typed_into_the_manifest(scene: Scene, entry: str) -> None:
    """Whatever is wrong with it, no message repeats what stood in the place of a value."""
    text = "version: 1\nproject: shop\nbackend: {type: local}\nscopes:\n  global:\n    secrets:\n      a: "
    (scene.syncer.path / "syncer.yaml").write_text(text + entry.format(typed=PLANTED["typed"]) + "\n")
    assert scene.syncer("validate").code in (0, 3)
    for command in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        for form in ("human", "json"):
            result = scene.syncer(*command, "--format", form)
            assert result.code in ({0} if command == ["validate"] else set()) | {1, 3}
            scene.watch.look(f"output of {command[0]}", result.stdout + result.err.encode())
    scene.look_at_files("a wrong manifest")


def test_sources_that_fail(scene: Scene) -> None:
    """A program's last words are redacted; what cannot be decoded is not quoted."""
    said, printed = PLANTED["said"], PLANTED["printed"]
    scene.input("fail", f"echo {printed}; echo error: login for {said} failed, password={said} >&2; exit 3")
    scene.input("slow", f"echo {printed}; echo {said} >&2; exec sleep 60")
    scene.input("file", PLANTED["file"] + "!")
    scene.syncer.declare(
        {
            "global:fail": {"source": {"command": ["sh", "inputs/fail"]}},
            "global:slow": {"source": {"command": ["sh", "inputs/slow"], "timeout": "1s"}},
            "global:base64": {"source": {"file": "inputs/file", "decode": "base64"}},
            "global:hex": {"source": {"file": "inputs/file", "decode": "hex"}},
            "global:env": {"source": {"env": "CANARY_ENV", "decode": "hex"}},
            "global:empty": {"source": {"file": scene.input("empty", "")}},
        }
    )
    result = scene.run("-v", "plan", "--format", "json", code=1)
    assert "exited with status 3" in result.err
    assert "did not end within 1s" in result.err
    assert "is not base64" in result.err
    assert "is not hex" in result.err


def _raise(error: BaseException) -> Callable[..., Any]:
    def fail(*_given: object, **_named: object) -> Any:
        raise error

    return fail


def test_backends_that_fail(scene: Scene) -> None:
    """Neither SQLite's own words, nor a damaged store, nor a bug in a backend tells a value."""
    applied(scene)
    scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED["env_second"])
    with scene.syncer.sql() as db:
        no = f"SELECT RAISE(ABORT, '{PLANTED['sqlite']}')"
        db.execute(f"CREATE TRIGGER no BEFORE UPDATE ON secret WHEN OLD.ref = 'env' BEGIN {no}; END")
    for form in ("human", "json"):
        scene.told("apply", "--auto-approve", "--format", form, code=5)
    with scene.syncer.sql() as db:
        db.execute("DROP TRIGGER no")
        db.execute("UPDATE version SET sealed = zeroblob(40) WHERE ref = 'file'")
        db.execute("UPDATE secret SET tags = ? WHERE ref = 'hex'", [PLANTED["sqlite"]])
    scene.told("get", "global:file", code=1)
    scene.told("plan", "--format", "json", code=1)


def test_a_bug_that_holds_a_value(scene: Scene) -> None:
    """An exception whose message is the value itself: its type and place are told, nothing else."""
    scene.syncer.declare(every_source(scene))

    def create(_self: LocalBackend, _secret: object, value: Sensitive) -> Any:
        raise ValueError(value.reveal().decode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalBackend, "create", create)
        for form in ("human", "json"):
            result = scene.run("-v", "apply", "--auto-approve", "--format", form, code=1)
            assert "internal error: ValueError in" in result.err
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalBackend, "observe", _raise(KeyError(PLANTED["bug"])))
        scene.run("plan", "--format", "json", code=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - {Capability.BINARY})
        scene.input("file", b"\xff" + PLANTED["file"].encode())
        scene.run("plan", "--format", "json", code=1)


@pytest.fixture(params=["dagu", "kestra+disable"])
def there(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Store]:
    """A store over HTTP, entered with a token that must not show either."""
    patch = scene.syncer.monkeypatch
    # Six digits of it stand in some reading of the clock, of which each of thousands of records holds several.
    del scene.watch.known["hex as written"]
    with store(request.param, patch, real=False) as found:
        if request.param == "dagu":
            found.fake.workspace("other")
            key = found.fake.api_key()
            patch.setenv("DAGU_TOKEN", key)
            scene.watch.add("token", key.removeprefix("dagu_").encode())
        else:
            found.fake.state.accounts.by_header[bearer(PLANTED["token"])] = Account(name="ci")
            patch.setenv("KESTRA_TOKEN", PLANTED["token"])
        yield found


def held(there: Store, name: str) -> bytes:
    """Look into the store."""
    assert there.held is not None
    return there.held(Address.parse(name)) or b""


def test_stores_over_http(scene: Scene, there: Store) -> None:
    """What the libraries below log, with every logger talkative, holds neither a value nor the token."""
    secrets: dict[str, Any] = {
        "other:env": {"source": {"env": "CANARY_ENV"}, "tags": {"team": "x"}, "description": "of the environment"},
        "other:lines": {"source": {"file": scene.input("lines", PLANTED["lines"])}},
        "other:password": {"source": {"generate": {"length": 40}}, "on_remove": "delete"},
    }
    scene.syncer.declare(secrets, backend=there.options)
    scene.run("-v", "apply", "--auto-approve")
    assert {"httpx", "httpcore"} <= {record.name.partition(".")[0] for record in scene.records}
    scene.watch.add("password", held(there, "other:password"))
    scene.look_at_files("learning what was generated")
    assert [held(there, f"other:{name}").decode() for name in ("env", "lines")] == [PLANTED["env"], PLANTED["lines"]]
    scene.records.clear()
    scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED["env_second"])
    scene.run("plan", "--out", "plan.json", "--rotate", "other:password")
    scene.run("apply", "plan.json", "--format", "json")
    scene.watch.add("rotated", held(there, "other:password"))
    scene.look_at_files("a rotation")
    scene.records.clear()
    scene.run("get", "other:env", code=1)
    scene.run("-v", "drift", "--verify-values")
    secrets["other:env"] |= {"enabled": False, "tags": {"tier": "gold"}}
    del secrets["other:password"]
    scene.syncer.declare(secrets, backend=there.options)
    scene.run("-v", "apply", "--auto-approve", "--format", "json")


def test_servers_that_quote_what_they_were_sent(scene: Scene, there: Store) -> None:
    """Errors, and answers that make no sense, may hold the body of the request: nothing of theirs is told."""
    quoted = f'{{"message": "invalid value {PLANTED["env"]}", "detail": "{PLANTED["env"]}"}}'.encode()
    kind = (("Content-Type", "application/json"),)
    lost = (Answer(status=500, headers=kind, body=quoted), Answer(body=quoted[:-1]), Reset(after_forward=True))
    with fault_proxy(there.url) as proxy:
        backend = {**there.options, "url": proxy.url}
        scene.syncer.declare({"other:env": {"source": {"env": "CANARY_ENV"}}}, backend=backend)

        def spoil(fault: Answer | Reset, times: int | None = None) -> None:
            proxy.set(Rule(fault=fault, calls=lambda call: call.method != "GET", times=times))

        for status in (400, 401, 403, 409, 422):
            spoil(Answer(status=status, headers=kind, body=quoted))
            scene.run("-v", "apply", "--auto-approve", "--format", "json", code=5)
            scene.records.clear()
        scene.run("apply", "--auto-approve", code=5)
        for fault, name in zip(lost, ("env_second", "drifted", "theirs"), strict=True):
            spoil(fault, times=1)
            scene.run("-v", "apply", "--auto-approve")
            scene.records.clear()
            scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED[name])


def test_a_server_that_echoes_bodies(scene: Scene) -> None:
    """Its own errors quote the request, value and all."""
    del scene.watch.known["hex as written"]  # as above
    with store("kestra", scene.syncer.monkeypatch) as there:
        scene.syncer.declare({"other:env": {"source": {"env": "CANARY_ENV"}}}, backend=there.options)
        quirks = there.fake.quirks
        quirks.echo_bodies, quirks.unknown_namespaces = True, 422
        for form in ("human", "json"):
            scene.run("-v", "apply", "--auto-approve", "--format", form, code=5)
        there.fake.namespace("other")
        scene.run("apply", "--auto-approve")
        scene.syncer.monkeypatch.setenv("CANARY_ENV", PLANTED["env_second"])
        quirks.read_only = True
        for form in ("human", "json"):
            scene.run("-v", "apply", "--auto-approve", "--format", form, code=5)


def test_a_tampered_state(scene: Scene) -> None:
    """State, plan and journal that somebody meddled with are refused without a word of what they guard."""
    applied(scene)
    scene.run("plan", "--out", "plan.json")
    plan = scene.syncer.path / "plan.json"
    plan.write_text(plan.read_text().replace('"serial": ', '"serial": 9'))
    scene.run("apply", "plan.json", code=7)
    scene.syncer.state.write_text(scene.syncer.state.read_text().replace("hmac:", "hmac:0", 1))
    for command in (["plan"], ["drift"], ["show"]):
        scene.run(*command, "--format", "json", code=1)
    scene.syncer.state.write_text("{")
    scene.run("plan", code=1)


_KILLED = """
import os, signal, sys
from syncer.backends.local import LocalBackend
create = LocalBackend.create
made = []
def cut(self, secret, value):
    observed = create(self, secret, value)
    made.append(secret)
    if len(made) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return observed
LocalBackend.create = cut
sys.argv = ["syncer", "-v", "apply", "--auto-approve", "--parallelism", "1"]
from syncer.cli import main
main()
"""


def test_a_run_that_is_killed(scene: Scene) -> None:
    """The journal, the lock, the store's own log: nothing that a crash leaves behind holds a value."""
    scene.syncer.declare(every_source(scene))
    environ = environment() | {"CANARY_ENV": PLANTED["env"], "TMPDIR": str(scene.temporary)}
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED], cwd=scene.syncer.path, env=environ, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    left = scene.syncer.files()
    assert {".syncer/state.json.journal", ".syncer/state.json.lock", ".syncer/store.db-wal"} <= left
    scene.watch.look("what a killed run printed", ended.stdout + ended.stderr)
    scene.look_at_files("a kill")
    scene.every_form("plan")
    scene.run("apply", "--auto-approve")
    assert scene.run("plan").out.startswith("No changes.")


@pytest.mark.parametrize("in_environment", [True, False])
def test_the_key_stays_where_it_is(scene: Scene, in_environment: bool) -> None:  # noqa: FBT001  # two worlds
    """The project key is in its file or its variable: in no output, no other file, and not handed to a program."""
    outside = scene.temporary / "child"
    outside.mkdir()
    script = f"cat /proc/$$/environ >{outside}/environ; cat /proc/$$/cmdline >{outside}/cmdline; printf value"
    scene.input("run", script)
    scene.syncer.declare({"global:a": {"source": {"command": ["sh", "inputs/run"]}}})
    environ = environment() | {"CANARY_ENV": PLANTED["env"]}
    if in_environment:
        (scene.syncer.path / ".syncer/key").unlink()
        environ["SYNCER_KEY"] = KEY_TEXT
    for command in (["plan", "--out", "p.json"], ["apply", "p.json"], ["get", "global:a"], ["show"], ["drift"]):
        line = [sys.executable, "-m", "syncer", "-v", *command]
        ended = subprocess.run(line, cwd=scene.syncer.path, env=environ, capture_output=True, check=True)
        assert not _holds_key(ended.stdout + ended.stderr), command
    assert (scene.syncer.path / ".syncer/key").exists() is not in_environment
    for path in (*scene.syncer.path.rglob("*"), *scene.temporary.rglob("*")):
        if path.is_file() and path.name != "key":
            assert not _holds_key(path.read_bytes()), path.name
    child = (outside / "environ").read_bytes()
    assert b"PATH=" in child
    assert b"SYNCER_KEY" not in child
    scene.watch.look("the environment of a program", child, except_for=("env",))
    scene.watch.look("the arguments of a program", (outside / "cmdline").read_bytes())


def _holds_key(data: bytes) -> bool:
    forms = [KEY[:12], KEY[12:24], KEY_TEXT[:16].encode(), KEY_TEXT[16:32].encode(), KEY.hex().encode()[:20]]
    return any(form in data for form in forms)
