"""Durations as Go spells them."""

from __future__ import annotations

import re
from typing import Any

UNITS = {"h": 3600, "m": 60, "s": 1}
GO = re.compile(r"(?:\d+[hms])+")


def seconds(value: Any) -> int | None:
    """Read `90`, `"90"`, `"90s"` or `"1h30m"`; give nothing for what is no duration."""
    match value:
        case bool():
            return None
        case int():
            return value
        case str() if value.isdecimal():
            return int(value)
        case str() if GO.fullmatch(value):
            return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", value))
        case _:
            return None


def spelled(duration: int) -> str:
    """Spell seconds with the units that are not zero, as `1h30m`."""
    parts = zip((duration // 3600, duration % 3600 // 60, duration % 60), "hms", strict=True)
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
