"""`seal` and `get`."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE

from syncer.backends.base import Capability
from syncer.backends.local import LocalBackend

if TYPE_CHECKING:
    from cli.folder import Folder

ODD = b"line one\nline two\n\x00\xff\xfe no text \r\n"
A = {"source": {"env": "A"}}


def test_a_sealed_value_comes_back_verbatim(syncer: Folder) -> None:
    """Seal -> manifest -> apply -> get keeps every byte: newlines, NUL, and what is no UTF-8."""
    syncer.declare({"global:a": GENERATE})
    sealed = syncer.fine("seal", "global:a", stdin=ODD).strip()
    assert sealed.startswith("syncer:v1:")
    syncer.declare({"global:a": {"source": {"sealed": sealed}}})
    syncer.apply()
    assert syncer("get", "global:a").stdout == ODD
    assert syncer.fine("plan").startswith("No changes.")


def test_a_sealed_value_opens_at_its_address_only(syncer: Folder) -> None:
    """Moved to another entry it yields nothing."""
    syncer.declare({"global:a": GENERATE})
    sealed = syncer.fine("seal", "global:a", stdin=b"value").strip()
    syncer.declare({"global:b": {"source": {"sealed": sealed}}})
    assert syncer("plan").code == 1


@pytest.mark.parametrize(
    ("arguments", "given", "kept"),
    [
        ((), b"value\n", b"value\n"),
        (("--trim",), b"value\n", b"value"),
        (("--trim",), b"value\r\n", b"value"),
        (("--trim",), b"value\n\n", b"value\n"),
        (("--trim",), b"value", b"value"),
    ],
)
def test_seal_trims_on_request(syncer: Folder, arguments: tuple[str, ...], given: bytes, kept: bytes) -> None:
    """One newline, and only with --trim."""
    syncer.declare({"global:a": GENERATE})
    sealed = syncer.fine("seal", "global:a", *arguments, stdin=given).strip()
    syncer.declare({"global:a": {"source": {"sealed": sealed}}})
    syncer.apply()
    assert syncer("get", "global:a").stdout == kept


@pytest.mark.parametrize(
    ("given", "told"), [(b"", "there is no value on standard input"), (b"x" * (1 << 20) + b"x", "larger than 1 MiB")]
)
def test_seal_refuses(syncer: Folder, given: bytes, told: str) -> None:
    """An empty value, and one that no source could yield."""
    syncer.declare({"global:a": GENERATE})
    result = syncer("seal", "global:a", stdin=given)
    assert (result.code, result.out, told in result.err) == (1, "", True)
    assert syncer.fine("seal", "global:a", stdin=b"x" * (1 << 20)).startswith("syncer:v1:")


def test_seal_refuses_under_another_key_than_the_state(syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would seal could not be opened by the next plan."""
    syncer.declare({"global:a": GENERATE})
    syncer.apply()
    monkeypatch.setenv("SYNCER_KEY", base64.b64encode(bytes(32)).decode())
    result = syncer("seal", "global:a", stdin=b"value")
    assert (result.code, result.out) == (1, "")
    assert "written under another project key" in result.err


def test_get_follows_fallback(syncer: Folder) -> None:
    """What is missing is looked for in the scope it falls back to; what is disabled is refused."""
    for name, value in {"A": "shared", "B": "own"}.items():
        syncer.monkeypatch.setenv(name, value)
    scopes = {"payments": {"fallback": "global"}}
    both = {"global:a": A, "payments:a": {"source": {"env": "B"}}}
    syncer.declare({"global:a": A}, scopes=scopes)
    syncer.apply()
    assert syncer("get", "payments:a").stdout == b"shared"
    syncer.declare(both, scopes=scopes)
    assert syncer("get", "payments:a").stdout == b"shared", "declared, but not there yet"
    syncer.apply()
    assert syncer("get", "payments:a").stdout == b"own"
    syncer.declare(both | {"payments:a": {"source": {"env": "B"}, "enabled": False}}, scopes=scopes)
    syncer.apply()
    refused = syncer("get", "payments:a")
    assert (refused.code, refused.out, "payments:a is disabled" in refused.err) == (4, "", True)
    syncer.declare({"global:a": A | {"enabled": False}}, scopes=scopes)
    syncer.apply()
    assert syncer("get", "payments:a").code == 4


def test_get_refuses(syncer: Folder) -> None:
    """An unknown scope, a missing secret, another project's: each by its own exit code, nothing on standard output."""
    syncer.plant("global:theirs", b"value", project="other")
    syncer.declare({"global:theirs": A, "global:missing": A})
    for address, code, told in (
        ("nowhere:a", 3, "the manifest has no scope nowhere"),
        ("global:missing", 1, "is neither there nor in a scope it falls back to"),
        ("global:undeclared", 1, "is neither there nor in a scope it falls back to"),
        ("global:theirs", 4, "belongs to project other"),
    ):
        result = syncer("get", address)
        assert (result.code, result.out, told in result.err) == (code, "", True)


def test_get_from_a_store_that_gives_nothing_back(syncer: Folder) -> None:
    """Exit 1 with the reason."""
    syncer.declare({"global:a": GENERATE})
    syncer.apply()
    syncer.monkeypatch.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - {Capability.READ})
    result = syncer("get", "global:a")
    assert (result.code, "does not give values back" in result.err) == (1, True)


def test_get_of_an_older_version(syncer: Folder) -> None:
    """By the name that the state shows; a version that is not kept is exit 1, with what is kept."""
    syncer.declare({"global:a": A})
    versions = []
    for value in ("one", "two", "three"):
        syncer.monkeypatch.setenv("A", value)
        syncer.apply()
        versions.append(json.loads(syncer.fine("state", "show", "global:a", "--format", "json"))["version"])
    for version, value in zip(versions, (b"one", b"two", b"three"), strict=True):
        assert syncer("get", "global:a", "--version", version).stdout == value
    assert syncer("get", "global:a").stdout == b"three"
    syncer.monkeypatch.setenv("SYNCER_GET_VERSION", "1")
    assert syncer("get", "global:a").stdout == b"three"
    for version in ("4", "0", "x", "-1"):
        result = syncer("get", "global:a", f"--version={version}")
        assert (result.code, result.out) == (1, "")
        assert f"global:a: version {version} is not in the store\nhint: it keeps the newest 10 versions" in result.err


def test_get_of_an_older_version_follows_fallback(syncer: Folder) -> None:
    """The first scope that has the secret is asked, and no other one where that lacks the version."""
    scopes = {"payments": {"fallback": "global"}}
    for value, refs in (("one", ("global:a",)), ("two", ("global:a",)), ("own", ("global:a", "payments:a"))):
        syncer.monkeypatch.setenv("A", value)
        syncer.declare(dict.fromkeys(refs, A), scopes=scopes)
        syncer.apply()
        if value == "two":
            assert syncer("get", "payments:a", "--version", "1").stdout == b"one"
    assert syncer("get", "payments:a", "--version", "1").stdout == b"own"
    assert syncer("get", "payments:a", "--version", "2").code == 1
    assert syncer("get", "global:a", "--version", "2").stdout == b"two"


def test_get_of_an_older_version_refuses(syncer: Folder) -> None:
    """A disabled secret, another project's, and a store that keeps none or gives none back."""
    syncer.monkeypatch.setenv("A", "canary")
    syncer.declare({"global:a": A, "global:theirs": A})
    syncer.apply()
    for can, told in (
        ({Capability.READ_VERSION}, "backend `default` does not give older values back"),
        ({Capability.READ}, "backend `default` does not give values back"),
    ):
        with syncer.monkeypatch.context() as patched:
            patched.setattr(LocalBackend, "capabilities", LocalBackend.capabilities - can)
            result = syncer("get", "global:a", "--version", "1")
        assert (result.code, result.out, told in result.err) == (1, "", True)
    syncer.declare({"global:a": A | {"enabled": False}})
    syncer.apply()
    result = syncer("get", "global:a", "--version", "1")
    assert (result.code, result.out, "global:a is disabled" in result.err) == (4, "", True)
