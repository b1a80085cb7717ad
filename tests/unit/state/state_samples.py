"""States, records and keyrings that the tests of this folder share."""

from __future__ import annotations

import base64
import os
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from syncer.model import Address, Fingerprint, OnRemove
from syncer.state.file import StateFile
from syncer.state.key import Keyring
from syncer.state.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
LINEAGE = "3f0f2c0e-6a34-4a0e-8f0c-1d1f1a3a7a11"
KEY = bytes(range(32))

RECORD = Record(
    backend="default",
    remote_id="",
    version="1",
    fingerprint=Fingerprint.of("0" * 16, "a" * 64),
    source="env:" + "b" * 32,
    tags={"team": "payments"},
    enabled=True,
    description="primary database",
    on_remove=OnRemove.DISABLE,
    rotation=0,
    created=NOW,
    rotated=NOW,
)
ONE = Address("global", "prod/db-password")
TWO = Address("payments", "tls/key")
SMALL = State(
    project="shop",
    lineage=LINEAGE,
    serial=3,
    records={ONE: RECORD, TWO: replace(RECORD, version=None, fingerprint=None, interrupted=True, description=None)},
)


def keyring(folder: Path, key: bytes = KEY) -> Keyring:
    """A keyring over a key from the environment."""
    environ = {"SYNCER_KEY": base64.b64encode(key).decode()}
    return Keyring(environ, folder, may_make=lambda: False)


def state_file(folder: Path, *, key: bytes = KEY, project: str = "shop") -> StateFile:
    """The state file `state.json` in a folder."""
    return StateFile(folder / "state.json", project, keyring(folder, key))


def exit_code(work: Callable[..., None], *arguments: object) -> int:
    """Do the work in a forked process, whose limits end with it; 0 where it raised nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads: this child starts none
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


_hex = st.text("0123456789abcdef", min_size=64, max_size=64)
_segment = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,11}", fullmatch=True)
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31)).map(  # noqa: DTZ001  # hypothesis wants naive bounds
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
_text = st.text(max_size=20)

addresses = st.builds(Address, _segment, st.lists(_segment, min_size=1, max_size=3).map("/".join))
records = st.builds(
    Record,
    backend=_segment,
    remote_id=_text,
    version=st.none() | _text,
    fingerprint=st.none() | st.builds(lambda mac: Fingerprint.of(mac[:16], mac), _hex),
    source=_hex.map(lambda digest: f"env:{digest[:32]}"),
    tags=st.dictionaries(_text, _text, max_size=3),
    enabled=st.booleans(),
    description=st.none() | st.text(min_size=1, max_size=20),
    on_remove=st.sampled_from(OnRemove),
    rotation=st.integers(0, 10**9),
    created=_moments,
    rotated=_moments,
    interrupted=st.booleans(),
    previous_backend=st.none() | _segment,
)
states = st.builds(
    State,
    project=st.just("shop"),
    lineage=st.uuids().map(str),
    serial=st.integers(1, 2**53),
    records=st.dictionaries(addresses, records, max_size=4),
)
