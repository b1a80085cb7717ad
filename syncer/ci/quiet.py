"""Keeps HTTP libraries from logging bodies, and addresses that let whoever knows them read a plan."""

from __future__ import annotations

import logging

_LOGGERS = ("github.Requester", "urllib3.connectionpool")


class _Quiet(logging.Filter):
    """Drops what is for debugging, whatever level somebody gives a logger before or after."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_QUIET = _Quiet()


def keep_quiet() -> None:
    """Silence their debugging."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_QUIET)
