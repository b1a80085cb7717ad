"""Keeps the SDK from logging requests and answers, which hold values, and signatures, which hold hashes of them."""

from __future__ import annotations

import pkgutil

import botocore

from syncer.quiet import silence


def keep_quiet() -> None:
    """Silence the debugging of every module of the SDK, imported or not."""
    silence(module.name for module in pkgutil.iter_modules(botocore.__path__, "botocore."))
