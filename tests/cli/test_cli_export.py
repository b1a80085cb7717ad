"""`export`: every value of a scope, byte for byte where it is to be read, and nowhere else."""

from __future__ import annotations

import base64
import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from cli.folder import GENERATE, environment

from syncer.backends.base import Capability
from syncer.backends.local import LocalBackend
from syncer.cli import console
from syncer.exchange.formats import FORMATS
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.folder import Folder, Result

A = {"source": {"env": "A"}}
B = {"source": {"env": "B"}}
KESTRA = ("--format", "kestra-env")

VALUES = {
    "plain": b"value",
    "tls/key.pem": b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASC==\n-----END PRIVATE KEY-----\n",
    "quotes": b"""it's "quoted" `twice`""",
    "dollars": b"$HOME ${X} $$ $(id)",
    "equals": b"a=b==",
    "unicode": "pässwörd \U0001f511 \u2028 e\u0301".encode(),
    "large": b"0123456789abcdef" * 4096,
    "newline": b"value\n",
    "carriage": b"\r\nvalue\r\n",
    "number": b"00123",
    "word": b"true",
    "blank": b" \t ",
    "nul": b"a\x00b",
    "mark": b"\xef\xbb\xbfvalue",
    "base64": b"dmFsdWU=",
    "pebble": b'{{ secret("PLAIN") }}',
    "comment": b"# no comment",
    "backslash": b"a\\nb\\\\c",
}
"""Ref to value: all that an environment, a shell, YAML or a careless reader could change."""

JAVA = """
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.TreeMap;

public class Reader {
    public static void main(String[] given) {
        TreeMap<String, String> found = new TreeMap<>();
        System.getenv().forEach((name, content) -> {
            if (name.startsWith("SECRET_")) {
                byte[] raw = Base64.getDecoder().decode(content.replaceAll("\\\\R", ""));
                String text = new String(raw, StandardCharsets.UTF_8);
                String key = name.substring("SECRET_".length()).toUpperCase(Locale.ROOT);
                found.put(key, HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8)));
            }
        });
        found.forEach((key, hex) -> System.out.println(key + " " + hex));
    }
}
"""
"""Reads its environment as Kestra does, and prints what came of it."""


def keyed(values: dict[str, bytes]) -> dict[str, bytes]:
    """Name values as Kestra does."""
    return {re.sub(r"[^A-Za-z0-9]", "_", ref).upper(): value for ref, value in values.items()}


def variables(document: bytes) -> dict[str, str]:
    """Read an env file: a variable a line, verbatim."""
    return dict(line.split("=", 1) for line in document.decode("ascii").splitlines())


def in_python(found: dict[str, str]) -> dict[str, bytes]:
    """Decode variables by Kestra's rules."""
    decoded = {}
    for name, content in found.items():
        assert name.startswith("SECRET_")
        joined = re.sub("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]", "", content)
        text = base64.b64decode(joined, validate=True).decode("utf-8", errors="replace")
        decoded[name.removeprefix("SECRET_").upper()] = text.encode()
    return decoded


def in_java(found: dict[str, str], folder: Path) -> dict[str, bytes]:
    """Decode variables by Kestra's rules, with Java's own decoder and environment."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("there is no JDK: java and javac are not on PATH")
    program = folder / "Reader.java"
    program.write_text(JAVA, encoding="ascii")
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **found}
    ended = subprocess.run(["java", program], env=environ, capture_output=True, check=True, text=True)
    return {key: bytes.fromhex(text) for key, text in (line.split(" ") for line in ended.stdout.splitlines())}


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """A project with every odd value, applied."""
    folder = syncer.path / "inputs"
    folder.mkdir()
    for number, value in enumerate(VALUES.values()):
        (folder / str(number)).write_bytes(value)
    syncer.declare({f"shop:{ref}": {"source": {"file": f"inputs/{n}"}} for n, ref in enumerate(VALUES)})
    syncer.apply()
    return syncer


@pytest.fixture
def chain(syncer: Folder) -> Folder:
    """Scope `payments` falls back to `global`; `both` is in both, `shared` in `global` only."""
    syncer.monkeypatch.setenv("A", "canary-own")
    syncer.monkeypatch.setenv("B", "canary-shared")
    _declare(syncer)
    syncer.apply()
    return syncer


def _declare(syncer: Folder, **more: dict[str, object]) -> None:
    secrets = {"global:both": B, "global:shared": B, "payments:both": A, "payments:own": A} | more
    syncer.declare(secrets, scopes={"payments": {"fallback": "global"}})


def export(syncer: Folder, *more: str, scope: str = "payments", form: str = "kestra-env") -> Result:
    """Run the command; whatever comes of it, no value is told on standard error."""
    result = syncer("-v", "export", "--scope", scope, "--format", form, *more)
    assert "canary" not in result.err
    assert "Y2FuYXJ5" not in result.err, "the same in base64"
    return result


def beside_ours(syncer: Folder) -> set[str]:
    """Name the files that are not in the private folder."""
    return {name for name in syncer.files() if not name.startswith(".syncer/")}


def test_1e_1_kestra_recovers_each_value_byte_for_byte(shop: Folder) -> None:
    """Its decode rules, written down again here."""
    document = shop("export", "--scope", "shop", *KESTRA).stdout
    assert in_python(variables(document)) == keyed(VALUES)
    assert document.count(b"\n") == len(VALUES)
    assert list(variables(document)) == sorted(variables(document))


def test_1e_1_java_recovers_each_value_byte_for_byte(shop: Folder, tmp_path: Path) -> None:
    """`Base64.getDecoder()` in a process that was started with the file's variables."""
    assert shop("export", "--scope", "shop", *KESTRA, "--out", "kestra.env").code == 0
    assert in_java(variables((shop.path / "kestra.env").read_bytes()), tmp_path) == keyed(VALUES)


def test_1e_1_other_forms_say_the_same(shop: Folder) -> None:
    """Compose gives the variables to the service, Kubernetes those of the Secret's `stringData`."""
    composed = yaml.safe_load(shop("export", "--scope", "shop", "--format", "kestra-compose").stdout)
    assert in_python(composed["services"]["kestra"]["environment"]) == keyed(VALUES)
    secret = yaml.safe_load(shop("export", "--scope", "shop", "--format", "kestra-k8s").stdout)
    assert in_python(secret["stringData"]) == keyed(VALUES)
    assert secret["metadata"]["name"] == "kestra-secrets"


@pytest.mark.parametrize("form", ["kestra-env", "kestra-compose", "kestra-k8s"])
def test_1e_2_what_kestra_cannot_read_is_refused_by_name(chain: Folder, form: str) -> None:
    """All of it at once, keys and refs, never a value; nothing is written."""
    (chain.path / "raw").write_bytes(b"canary\xff")
    odd = {f"payments:{ref}": A for ref in ("a-b", "a.b", "Own", "1st")}
    _declare(chain, **odd, **{"payments:raw": {"source": {"file": "raw"}}})
    chain.apply()
    chain.monkeypatch.setattr(LocalBackend, "read", _empty_at("both", LocalBackend.read))
    result = export(chain, "--out", "kestra.env", form=form)
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[-6:] == [
        "error: 1st: Kestra would call it 1ST, and a key has no digit first",
        "  a-b, a.b: Kestra would call each of them A_B",
        "  both: the value is empty (BOTH)",
        "  Own, own: Kestra would call each of them OWN",
        "  raw: the value is not UTF-8 text, and Kestra knows no other (RAW)",
        "hint: rename them, or keep them in a scope that Kestra does not read",
    ]
    assert "kestra.env" not in chain.files()


def _empty_at(ref: str, read: Callable[..., Sensitive]) -> Callable[..., Sensitive]:
    """Let a store hold an empty value, which nothing of ours would write there."""
    return lambda store, address: Sensitive(b"") if address.ref == ref else read(store, address)


def test_fallback(chain: Folder) -> None:
    """What a consumer of the scope would get, one by one."""
    found = in_python(variables(export(chain).stdout))
    assert found == {"BOTH": b"canary-own", "OWN": b"canary-own", "SHARED": b"canary-shared"}
    for ref in ("both", "own", "shared"):
        assert chain("get", f"payments:{ref}").stdout == found[ref.upper()]
    assert in_python(variables(export(chain, scope="global").stdout)) == {
        "BOTH": b"canary-shared",
        "SHARED": b"canary-shared",
    }


def test_what_is_disabled_is_left_out(chain: Folder) -> None:
    """It is not looked for in the fallback either."""
    _declare(chain, **{"payments:both": A | {"enabled": False}})
    chain.apply()
    assert variables(export(chain).stdout).keys() == {"SECRET_OWN", "SECRET_SHARED"}


def test_what_is_nowhere(chain: Folder) -> None:
    """Every such address at once, exit 1, and the file that is there stays."""
    assert export(chain, "--out", "kestra.env").code == 0
    before = (chain.path / "kestra.env").read_bytes()
    _declare(chain, **{"payments:new": A, "global:newer": B})
    result = export(chain, "--out", "kestra.env")
    assert (result.code, result.out) == (1, "")
    assert "neither there nor in a scope to fall back to: global:newer, payments:new\n" in result.err
    assert "hint: `syncer plan` shows what is missing" in result.err
    assert (chain.path / "kestra.env").read_bytes() == before


def test_other_refusals(chain: Folder) -> None:
    """An unknown scope, another project's, a store that gives nothing back: each by its exit code."""
    unknown = export(chain, scope="payment")
    assert (unknown.code, unknown.out) == (3, "")
    assert "the manifest has no scope payment, did you mean `payments`?" in unknown.err
    assert "hint: scopes: payments, global" in unknown.err
    chain.plant("payments:theirs", b"canary", project="other")
    _declare(chain, **{"payments:theirs": A})
    theirs = export(chain)
    assert (theirs.code, theirs.out, "payments:theirs belongs to project other" in theirs.err) == (4, "", True)
    _declare(chain)
    chain.monkeypatch.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - {Capability.READ})
    blind = export(chain)
    assert (blind.code, blind.out, "backend `default` does not give values back" in blind.err) == (1, "", True)


def test_a_document_on_a_terminal(chain: Folder) -> None:
    """Byte for byte: it ends in a newline already."""
    chain.monkeypatch.setattr(console.sys.stdout, "isatty", lambda: True)
    assert export(chain).stdout.endswith(b"=\n")
    assert not export(chain).stdout.endswith(b"\n\n")


def test_to_a_file(chain: Folder) -> None:
    """0600 whatever the umask; how many and where is told, on standard error; another one is replaced."""
    path = chain.path / "kestra.env"
    path.write_text("an old one")
    path.chmod(0o644)
    result = chain("export", "--scope", "payments", *KESTRA, "--out", "kestra.env")
    assert (result.code, result.out, result.err) == (0, "", "wrote 3 secrets to kestra.env\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == chain("export", "--scope", "payments", *KESTRA).stdout
    absolute = chain("export", "--scope", "global", *KESTRA, "--out", str(path))
    assert absolute.err == f"wrote 2 secrets to {path}\n"
    assert beside_ours(chain) == {"kestra.env", "syncer.yaml"}


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("missing/kestra.env", "there is no folder missing"),
        ("inputs", "inputs is a folder"),
        ("pipe", "pipe exists and is not a regular file"),
        ("link", "link exists and is not a regular file"),
        ("-", "--out takes a file, and - is none"),
        ("syncer.yaml", "syncer.yaml belongs to this project"),
        (".syncer/key", ".syncer/key belongs to this project"),
        (".syncer/other", ".syncer/other belongs to this project"),
        ("inputs/../syncer.yaml", "belongs to this project"),
        ("elsewhere.json", "elsewhere.json belongs to this project"),
        ("elsewhere.json.backup", "elsewhere.json.backup belongs to this project"),
    ],
)
def test_where_nothing_is_written(syncer: Folder, out: str, told: str) -> None:
    """Exit 3, before any backend is asked."""
    (syncer.path / "inputs").mkdir()
    os.mkfifo(syncer.path / "pipe")
    (syncer.path / "link").symlink_to("kestra.env")
    syncer.declare({"global:a": GENERATE}, state={"path": "elsewhere.json"})
    before = syncer.files()
    result = syncer("export", "--scope", "global", *KESTRA, "--out", out)
    assert (result.code, result.out) == (3, "")
    assert told in result.err
    assert syncer.files() == before


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "no space left on device"), (errno.EACCES, "permission denied"), (errno.EIO, "input/output error")],
)
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_file_that_cannot_be_written(chain: Folder, call: str, number: int, told: str) -> None:
    """The old one stays whole, and no draft is left."""
    assert export(chain, "--out", "kestra.env").code == 0
    before = (chain.path / "kestra.env").read_bytes()
    real = getattr(os, call)

    def fail(*given: object) -> object:
        if call == "open" and "kestra.env" not in str(given[0]):
            return real(*given)
        raise OSError(number, os.strerror(number))

    chain.monkeypatch.setenv("A", "canary-other")
    chain.apply()
    chain.monkeypatch.setattr(os, call, fail)
    result = export(chain, "--out", "kestra.env")
    assert (result.code, result.out) == (1, "")
    assert f"error: kestra.env cannot be written: {told}\nhint: what was there is untouched\n" in result.err
    assert (chain.path / "kestra.env").read_bytes() == before
    assert beside_ours(chain) == {"kestra.env", "syncer.yaml"}


_KILLED = """
import os, signal, sys
def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, {call!r}, die)
sys.argv = ["syncer", "export", "--scope", "payments", "--format", "kestra-env", "--out", "kestra.env"]
from syncer.cli import main
main()
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_run_that_is_killed(chain: Folder, call: str) -> None:
    """Whenever: the old file is whole."""
    assert export(chain, "--out", "kestra.env").code == 0
    before = (chain.path / "kestra.env").read_bytes()
    chain.monkeypatch.setenv("A", "canary-other")
    chain.apply()
    command = [sys.executable, "-c", _KILLED.format(call=call)]
    ended = subprocess.run(command, cwd=chain.path, env=environment(), capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert b"canary" not in ended.stdout + ended.stderr
    assert (chain.path / "kestra.env").read_bytes() == before
    assert export(chain, "--out", "kestra.env").code == 0
    assert b"SECRET_OWN=Y2FuYXJ5LW90aGVy\n" in (chain.path / "kestra.env").read_bytes()


def test_a_name(chain: Folder) -> None:
    """For what has one; it must be one that Kubernetes takes."""
    named = export(chain, "--name", "shop-secrets", form="kestra-k8s")
    assert yaml.safe_load(named.stdout)["metadata"] == {"name": "shop-secrets"}
    refused = export(chain, "--name", "Shop", form="kestra-k8s")
    assert (refused.code, "the name of a Kubernetes Secret has small letters" in refused.err) == (3, True)
    for form, made in FORMATS.items():
        if made.name is None:
            assert export(chain, "--name", "x", form=form).code == 64


def test_an_empty_scope(syncer: Folder) -> None:
    """An empty document, and no error."""
    syncer.declare({"global:a": A}, scopes={"empty": {}})
    result = syncer("export", "--scope", "empty", *KESTRA)
    assert (result.code, result.stdout, result.err) == (0, b"", "")
    assert syncer("export", "--scope", "empty", *KESTRA, "--out", "x").err == "wrote 0 secrets to x\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing option '--scope'"),
        (["--scope", "global"], "Missing option '--format'"),
        (["--scope", "global", "--format", "kestra"], "'kestra' is not one of 'dotenv', 'json', 'yaml',"),
        (["--scope", "global", "--format", "files"], "the format files is several files, so it takes a folder"),
        (["--scope", "global", "--format", "files", "--out", "x", "--name", "y"], "--name: a document of the format"),
    ],
)
def test_wrong_usage(syncer: Folder, arguments: list[str], told: str) -> None:
    """Exit 64."""
    result = syncer("export", *arguments)
    assert (result.code, result.out, told in result.err) == (64, "", True)


def test_environment_forms(chain: Folder) -> None:
    """Every option has one."""
    for name, value in {"SCOPE": "payments", "FORMAT": "kestra-k8s", "NAME": "named", "OUT": "x.yaml"}.items():
        chain.monkeypatch.setenv(f"SYNCER_EXPORT_{name}", value)
    chain.fine("export")
    assert yaml.safe_load((chain.path / "x.yaml").read_bytes())["metadata"]["name"] == "named"


def test_the_way_out_and_in_again(shop: Folder) -> None:
    """What `export` writes, `import-env` seals: the same values under the keys that Kestra has."""
    document = shop("export", "--scope", "shop", *KESTRA).stdout
    text = shop.fine("import-env", "-", "--scope", "again", stdin=document)
    (shop.path / "again.yaml").write_text(text, encoding="utf-8")
    manifest = shop.path / "syncer.yaml"
    manifest.write_text(manifest.read_text().replace('"version": 1,', '"version": 1, "include": ["again.yaml"],'))
    shop.apply()
    for key, value in keyed(VALUES).items():
        assert shop("get", f"again:{key}").stdout == value
    assert shop("export", "--scope", "again", *KESTRA).stdout == document
