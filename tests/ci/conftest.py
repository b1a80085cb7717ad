"""Servers that stand in for the platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.github.fake import FakeGithub
from conformance.fakes.gitlab.fake import FakeGitlab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    """Serve a GitHub with one repository."""
    with FakeGithub() as server:
        yield server


@pytest.fixture
def gitlab() -> Iterator[FakeGitlab]:
    """Serve a GitLab with one project."""
    with FakeGitlab() as server:
        yield server
