"""The environment of a program that is to be started with values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.exchange.variables import ELSEWHERE, Reader, handed_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.sensitive import Sensitive


def environment(values: Mapping[str, Sensitive], prefix: str) -> dict[bytes, bytes]:
    """Give values by ref as variables. Raise Unsupported that names all which a program would not get as they are."""
    reader = Reader(
        called="the program",
        fault=handed_over,
        hint=f"rename them, or begin their names with --prefix; {ELSEWHERE}",
        prefix=prefix,
    )
    return {name.encode(): value.reveal() for name, value in reader.variables(values)}
