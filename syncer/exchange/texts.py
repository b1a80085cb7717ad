"""What documents say of values: whether they are text, and all that cannot be written, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.sensitive import Sensitive


def is_text(value: Sensitive) -> bool:
    """Whether a value is UTF-8."""
    try:
        value.reveal().decode()
    except UnicodeDecodeError:
        return False
    return True


def refuse(faults: Iterable[str], hint: str | None = None) -> None:
    """Raise Unsupported with every fault, a line each, where there are any."""
    told = list(faults)
    if told:
        raise Unsupported("\n".join(told), hint=hint)
