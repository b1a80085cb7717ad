"""What lets a backend in comes from a source, and never from the manifest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from syncer.engine.credentials import ask
from syncer.errors import InvalidConfiguration, SourceError
from syncer.sensitive import Sensitive
from syncer.testing.base import assert_no_leak, same

if TYPE_CHECKING:
    from pathlib import Path


def asked(given: dict[str, Any], folder: Path) -> Sensitive:
    """Ask with one variable set."""
    environ = {"TOKEN": "t0ken"}
    return ask("auth.token", given, folder=folder, project="shop", environ=environ, subkey=lambda _label: b"")


def test_each_kind(tmp_path: Path) -> None:
    """A variable, a file beside the manifest, a program; their own options too."""
    (tmp_path / "token").write_bytes(b"t0ken\n")
    program = [sys.executable, "-c", "print('t0ken', end='')"]
    for given in ({"env": "TOKEN"}, {"file": "token", "trim": True}, {"command": program, "timeout": "30s"}):
        assert same(asked(given, tmp_path), Sensitive(b"t0ken"))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"env": "TOKEN", "file": "token"},
        {"generate": {"type": "hex"}},
        {"sealed": "syncer:v1:x"},
        {"hunter2": "hunter2"},
        {"env": "hunter2 "},
    ],
)
def test_what_is_no_source_is_refused(given: dict[str, Any], tmp_path: Path) -> None:
    """Naming the option, and nothing of what stood there."""
    with pytest.raises(InvalidConfiguration, match=r"option `auth\.token`") as caught:
        asked(given, tmp_path)
    assert_no_leak(b"hunter2", caught.value)


def test_a_source_that_yields_nothing(tmp_path: Path) -> None:
    """Named with its option."""
    with pytest.raises(SourceError, match=r"option `auth\.token`: environment variable MISSING is not set"):
        asked({"env": "MISSING"}, tmp_path)
