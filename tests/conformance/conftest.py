"""Lets the tests of this folder, and those who borrow its backends, import them as `conformance.memory`."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = str(Path(__file__).parent.parent)
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)

from conformance.aws import aws, moto, proxy  # noqa: E402  # found by the line above

__all__ = ["aws", "moto", "proxy"]
