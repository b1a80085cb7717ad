"""Kestra Enterprise: secrets of namespaces, through its own REST API."""

from __future__ import annotations

from syncer.backends.kestra.backend import Kestra

__all__ = ["Kestra"]
