"""Keeps HTTP libraries from logging bodies, and addresses that let whoever knows them read a plan."""

from __future__ import annotations

from syncer.quiet import silence


def keep_quiet() -> None:
    """Silence their debugging."""
    silence(("github.Requester", "urllib3.connectionpool"))
