"""Archives that hold a plan, and those that say so."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from syncer.ci import archive
from syncer.ci.archive import plan_in
from syncer.errors import StalePlan

NAME = "syncer-plan-syncer"


def packed(*files: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytearray:
    """Make one."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as made:
        for name, data in files:
            made.writestr(name, data)
    return bytearray(buffer.getvalue())


def refusal(data: bytes) -> str:
    """Give what is said of one."""
    with pytest.raises(StalePlan) as caught:
        plan_in(bytes(data), NAME)
    assert caught.value.__context__ is None
    return caught.value.message


@pytest.mark.parametrize("path", ["syncer-plan.json", "prod/syncer-plan.json"])
@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_plan_is_found(path: str, how: int) -> None:
    """Whatever lies beside it, and in whatever folder."""
    assert plan_in(bytes(packed((path, b"{}"), ("junit.xml", b"<x/>"), how=how)), NAME) == b"{}"


def test_one_plan_is_wanted() -> None:
    """Neither none nor several."""
    assert "holds no syncer-plan.json" in refusal(packed(("other.json", b"{}")))
    assert "more than one" in refusal(packed(("syncer-plan.json", b"{}"), ("a/syncer-plan.json", b"{}")))
    many = [(f"{number}", b"") for number in range(1000)]
    assert "too many files" in refusal(packed(("syncer-plan.json", b"{}"), *many))


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"<html>", b"\0" * 100])
def test_what_is_no_archive(data: bytes) -> None:
    """The error names the artifact."""
    assert f"artifact {NAME}: it cannot be unpacked" in refusal(data)


def test_a_damaged_archive() -> None:
    """Cut off, or with other bytes than it was made of."""
    whole = packed(("syncer-plan.json", b"{}" * 500), how=zipfile.ZIP_STORED)
    assert "cannot be unpacked" in refusal(whole[:400])
    whole[100] ^= 1
    assert "cannot be unpacked" in refusal(whole)
    squeezed = packed(("syncer-plan.json", bytes(range(256)) * 20))
    squeezed[60:80] = b"\xff" * 20
    assert "cannot be unpacked" in refusal(squeezed)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small it is packed, and whatever the archive says of its size."""
    monkeypatch.setattr(archive, "LIMIT", 1024**2)
    bomb = packed(("syncer-plan.json", b"\0" * (1024**2 + 1)))
    assert len(bomb) < 2000
    assert "larger than any plan (1 MiB)" in refusal(bomb)
    assert plan_in(bytes(packed(("syncer-plan.json", b"\0" * 1024**2))), NAME) == b"\0" * 1024**2


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_archive_is_refused(how: int) -> None:
    """Nothing that uploads artifacts packs so."""
    assert "in a way that nobody expects" in refusal(packed(("syncer-plan.json", b"{}"), how=how))


def test_an_encrypted_archive_is_refused() -> None:
    """Its flag is in the directory of the archive."""
    data = packed(("syncer-plan.json", b"{}"))
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    assert "encrypted" in refusal(data)
