"""Keeps libraries from logging what they send and get."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Quiet(logging.Filter):
    """Drops what is for debugging, whatever level somebody gives a logger before or after."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_QUIET = _Quiet()


def silence(loggers: Iterable[str]) -> None:
    """Silence the debugging of each logger; the filter of a parent is not asked about what its children log."""
    for name in loggers:
        logging.getLogger(name).addFilter(_QUIET)
