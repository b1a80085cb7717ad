"""What every backend may lean on: how the single calls of a method are tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.memory import MemoryBackend

from syncer.errors import AccessDenied, BackendError, Refused, SyncerError, Throttled, Transient
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOST, SLOW, NO = Transient("lost"), Throttled("slow down"), AccessDenied("denied")


@pytest.fixture
def backend(tmp_path: Path) -> MemoryBackend:
    """Any one."""
    return MemoryBackend.open({}, context(tmp_path, "p"))


def failing(*errors: Exception) -> Callable[[], str]:
    """Give a call that fails in turn, then succeeds."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


@pytest.mark.parametrize(
    ("how", "errors", "outcome"),
    [
        ("patiently", [LOST, SLOW, LOST], "done"),
        ("patiently", [LOST] * 99, BackendError),
        ("patiently", [SLOW] * 99, BackendError),
        ("patiently", [NO], AccessDenied),
        ("then", [LOST, SLOW], "done"),
        ("then", [LOST] * 99, BackendError),
        ("then", [NO], BackendError),
        ("unhurried", [SLOW] * 5, "done"),
        ("unhurried", [SLOW] * 99, Refused),
        ("unhurried", [LOST], Transient),
        ("unhurried", [NO], AccessDenied),
    ],
)
def test_one_of_several_calls(
    backend: MemoryBackend, how: str, errors: list[Exception], outcome: str | type[SyncerError]
) -> None:
    """What comes out is neither tried as often again by the engine, nor taken for a refusal that it is not."""
    call = failing(*errors)
    if isinstance(outcome, str):
        assert getattr(backend, how)(call) == outcome
        return
    with pytest.raises(outcome) as caught:
        getattr(backend, how)(call)
    assert type(caught.value) is outcome
    assert caught.value.message == errors[0].message  # type: ignore[attr-defined]
