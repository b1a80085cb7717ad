"""Keeps the SDK from logging requests and answers, which hold values, and signatures, which hold hashes of them."""

from __future__ import annotations

import logging
import pkgutil

import botocore


class _Quiet(logging.Filter):
    """Drops what is for debugging, whatever level somebody gives a logger before or after."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_QUIET = _Quiet()


def keep_quiet() -> None:
    """Silence the debugging of every module of the SDK, imported or not.

    Each has a logger of its own: the filter of a parent is not asked about what its children log.
    """
    for module in pkgutil.iter_modules(botocore.__path__, "botocore."):
        logging.getLogger(module.name).addFilter(_QUIET)
