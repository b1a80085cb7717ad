"""Whatever the text, a manifest loads or is refused: no other error, no hang, and no word of a value.

`SYNCER_FUZZ_EXAMPLES` says how many texts to try, 300 where it is not set.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.errors import InvalidManifest
from syncer.manifest import load_manifest
from syncer.model import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable

FUZZ = settings(
    max_examples=int(os.environ.get("SYNCER_FUZZ_EXAMPLES", "300")),
    # A text that takes seconds is a hang to whoever waits for it; milliseconds are usual.
    deadline=5000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

# No address, scope or option can be called like that, so wherever it is shown, it was a value.
CANARY = "C4n%ry"
SHOWN = re.compile("|".join(map(re.escape, (CANARY, CANARY[:4], CANARY[2:]))))

FOLDER = Path(__file__).parent / "manifests"
CORPUS = [
    text
    for path in sorted(FOLDER.rglob("*.yaml"))
    if len(raw := path.read_bytes()) < 4000 and "\0" not in (text := raw.decode("utf-8", "replace"))
]
# fmt: off
PIECES = st.sampled_from([
    "version: 1", "project: p", "scopes:", "secrets:", "source:", "{env: A}", "env: ", "file: x", "generate: {",
    "[", "]", "{", "}", "- ", "? ", ": ", ", ", "&a ", "*a", "<<: *a", "<<: ", "!!str ", "!x ", "!!int ", "---\n",
    "...\n", "%YAML 1.1\n", "# ", "'", '"', "\\", "|", ">", ">-\n  ", "@", "`", "%", "~", "null", "true", "1", "1e9",
    ".inf", "0x1F", "2001-01-01", "\t", "\n", "\n  ", "\n    ", "\n      ", "backend:", "backends:", "include:",
    "moved:", "from: a:b", "to: a:c", "removed:", "address: a:b", "on_remove: forget", "defaults:", "tags:", "rotate:",
    "every: 9d", "warn: 1d", "type: local", "state:", "path: x", "fallback: a", "x-a:", "\ufeff", "\u2028", "\x85",
    "\x07", "é", "a: ", "a:b", "a/b", "default",
])
# fmt: on
CANARIES = st.sampled_from(
    [
        CANARY,
        f'"{CANARY}"',
        f"'{CANARY} x'",
        f"env: '{CANARY} x'",
        f"source: {CANARY}",
        f"source: {{{CANARY}}}",
        f"source: {{env: {CANARY}}}",
        f"a: {CANARY}",
        f"{CANARY}: x",
        f"!{CANARY} x",
        f"!<{CANARY}> x",
        f"!!{CANARY} x",
        f"*{CANARY}",
        f"&{CANARY} x",
        f"|\n        {CANARY}\n",
        f">-\n        {CANARY}\n",
        f"[{CANARY}]",
        f"{{type: {CANARY}}}",
        f"{{generate: {{type: {CANARY}, {CANARY}: 1}}}}",
        f"{{sealed: {CANARY}}}",
        f"@{CANARY}",
        f"%{CANARY}",
        f"'{CANARY}",
        f'"\\{CANARY}"',
    ]
)
VALUES = re.compile(r"(?<=: )[^\s{},\[\]]+|(?<=: )\{[^{}]*\}|\{[^{}]*\}|\[[^\[\]]*\]")


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    """Give the property: a manifest, or a refusal that shows no canary."""
    path = tmp_path_factory.mktemp("fuzz") / "syncer.yaml"

    def check(raw: bytes) -> None:
        path.write_bytes(raw)
        error = refusal(path)
        if error:
            assert error.problems
            assert all(problem.line > 0 < problem.column for problem in error.problems)
            assert not SHOWN.search(str(error))
            assert error.__cause__ is None
            assert error.__context__ is None

    return check


def refusal(path: Path) -> InvalidManifest | None:
    """Load a manifest; give the refusal, if it is one."""
    try:
        assert isinstance(load_manifest(path), Manifest)
    except InvalidManifest as error:
        return error
    return None


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Take a manifest of the tests, put a canary in the place of values and damage it here and there."""
    text = draw(st.sampled_from(CORPUS))
    places = [match.span() for match in VALUES.finditer(text)]
    for begin, end in reversed(draw(st.lists(st.sampled_from(places), max_size=2, unique=True)) if places else []):
        text = text[:begin] + draw(CANARIES) + text[end:]
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(text)))
        text = text[:begin] + draw(PIECES | CANARIES | st.just("")) + text[begin + draw(st.integers(0, 3)) :]
    return text


@FUZZ
@given(mutations())
def test_damaged_manifests(loads: Callable[[bytes], None], text: str) -> None:
    """Manifests with values in the wrong place, cut and patched."""
    loads(text.encode("utf-8", "replace"))


@FUZZ
@given(st.lists(PIECES | CANARIES, max_size=30).map("".join))
def test_pieces_of_yaml(loads: Callable[[bytes], None], text: str) -> None:
    """What YAML and a manifest are made of, in any order."""
    loads(text.encode())


@FUZZ
@given(st.lists(PIECES | CANARIES, max_size=12).map(lambda pieces: "version: 1\nproject: p\n" + "".join(pieces)))
def test_the_rest_of_a_manifest(loads: Callable[[bytes], None], text: str) -> None:
    """Anything after a good beginning."""
    loads(text.encode())


@FUZZ
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8")))
def test_rubbish(loads: Callable[[bytes], None], raw: bytes) -> None:
    """Any bytes and any text."""
    loads(raw)
