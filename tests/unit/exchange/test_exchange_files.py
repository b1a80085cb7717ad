"""One file for each secret."""

from __future__ import annotations

from pathlib import Path

from exchange_samples import faults, sensitive

from syncer.exchange.formats import FOLDERS, Ground
from syncer.model import Scope

GROUND = Ground(scope=Scope(name="shop"), folder=Path("/x"), named=lambda _content: "0" * 16)
LONGEST = 8192


def test_a_file_for_each_secret() -> None:
    """Named as the ref, byte for byte, for its owner to read; sorted."""
    values = {"tls/key.pem": b"key\n", "a": b"\x00\xff", "empty": b"", "long": b"x" * (LONGEST + 1)}
    files = FOLDERS["files"].files(sensitive(values), GROUND)
    assert [(file.name, file.content.reveal(), file.mode) for file in files] == [
        (ref, values[ref], 0o400) for ref in sorted(values)
    ]
    assert list(FOLDERS["files"].files({}, GROUND)) == []


def test_what_the_agent_reads() -> None:
    """The same files, none of them empty or too long for it, and each of them text."""
    values = {"tls/key.pem": b"key\n", "long": b"x" * LONGEST}
    files = FOLDERS["datadog-files"].files(sensitive(values), GROUND)
    assert {file.name: file.content.reveal() for file in files} == values
    assert {file.mode for file in files} == {0o400}
    odd = {"longer": b"x" * (LONGEST + 1), "empty": b"", "raw": b"canary\xff", "fine": b"v"}
    assert faults(lambda: FOLDERS["datadog-files"].files(sensitive(odd), GROUND)) == [
        "empty: the value is empty, which the Datadog Agent takes for an error",
        "longer: 8193 bytes, and the Datadog Agent reads 8192 of a file",
        "raw: the value is not UTF-8 text",
    ]
