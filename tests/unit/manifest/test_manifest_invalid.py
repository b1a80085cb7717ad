"""Every fault that a manifest can have, with the exact words for it.

`tests/manifests/invalid/NAME.yaml`, or the folder of that name with a `syncer.yaml`, stands beside `NAME.txt`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest

TABLE = Path(__file__).parents[2] / "manifests" / "invalid"
CASES = sorted(path.stem for path in TABLE.glob("*.txt"))


def problems_of(path: Path) -> InvalidManifest:
    """Load what must be refused."""
    with pytest.raises(InvalidManifest) as caught:
        load_manifest(path)
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_the_message_is_exact(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault is named at its place, in these words, and the words never hold what stood there."""
    folder = TABLE / name if (TABLE / name).is_dir() else TABLE
    monkeypatch.chdir(folder)
    error = problems_of(Path("syncer.yaml" if folder != TABLE else f"{name}.yaml"))
    assert str(error).splitlines() == (TABLE / f"{name}.txt").read_text().splitlines()
    assert "hunter2" not in str(error)
    assert error.exit_code == 3


def test_the_table_is_whole() -> None:
    """No manifest lies in the table without its expected words."""
    assert {path.stem for path in TABLE.glob("*.yaml")} | {p.name for p in TABLE.iterdir() if p.is_dir()} == set(CASES)


def test_problems_are_sorted_by_position() -> None:
    """A reader goes through the file once."""
    problems = problems_of(TABLE / "everything_at_once.yaml").problems
    assert len(problems) > 5
    assert list(problems) == sorted(problems, key=lambda p: (p.line, p.column))


def test_many_faults_are_all_reported_and_soon(tmp_path: Path) -> None:
    """3,000 wrong secrets with 3,000 unknown sources, fallbacks and moves are 9,000 problems, without a hang."""
    secrets = "\n".join(f"      s{i}: {{source: {{hunter{i}: x}}}}" for i in range(3000))
    scopes = "\n".join(f"  b{i}: {{fallback: c{i}}}" for i in range(3000))
    moves = "\n".join(f"  - {{from: 'old:s{i}', to: 'a:z{i}'}}" for i in range(3000))
    path = tmp_path / "m.yaml"
    path.write_text(f"version: 1\nproject: p\nscopes:\n  a:\n    secrets:\n{secrets}\n{scopes}\nmoved:\n{moves}\n")
    assert len(problems_of(path).problems) == 9000


def test_a_long_circle_is_shown_in_part(tmp_path: Path) -> None:
    """A circle of 2,000 scopes is found in one pass and its message stays short."""
    scopes = "\n".join(f"  s{i}: {{fallback: s{(i + 1) % 2000}}}" for i in range(2000))
    path = tmp_path / "m.yaml"
    path.write_text(f"version: 1\nproject: p\nscopes:\n{scopes}\n")
    (problem,) = problems_of(path).problems
    assert problem.message == "`fallback` goes round in a circle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> ..."


def test_one_wrong_secret_among_many_is_found_quickly_and_alone(tmp_path: Path) -> None:
    """Only the secrets that are wrong are looked at by the validator that explains."""
    good = "\n".join(f"      s{i}: {{source: {{env: A}}}}" for i in range(2000))
    path = tmp_path / "m.yaml"
    path.write_text(
        f"version: 1\nproject: p\nscopes:\n  a:\n    secrets:\n{good}\n      bad: hunter2\n      b b: {{}}\n"
    )
    assert [(p.line, p.column) for p in problems_of(path).problems] == [(2006, 12), (2007, 7), (2007, 12)]
