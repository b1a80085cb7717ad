"""What every source needs: a declaration, a run, and a way to look for leaks."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from syncer import crypto
from syncer.model import Address, SourceSpec
from syncer.registry import source_class
from syncer.sources.base import Source, SourceContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from syncer.errors import SyncerError

    Declare = Callable[..., Source]
    Context = Callable[..., SourceContext]

KEY = bytes(range(32))


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Make a source as a manifest in `tmp_path` declares it: type, argument, options."""

    def make(kind: str, argument: Any, **options: Any) -> Source:
        spec = SourceSpec(type=kind, argument=argument, options=options, folder=tmp_path)
        return source_class(kind)(spec)

    return make


@pytest.fixture
def context() -> Context:
    """Make the context of a run."""

    def make(
        environ: Mapping[str, str] | None = None,
        *,
        address: str = "payments:db",
        project: str = "shop",
        key: bytes = KEY,
    ) -> SourceContext:
        return SourceContext(
            project=project,
            address=Address.parse(address),
            environ=environ or {},
            subkey=lambda label: crypto.derive(key, label),
        )

    return make


@pytest.fixture
def shown() -> Callable[[SyncerError], str]:
    """Give everything that an error can show: message, hint, representation, traceback and what it came from."""

    def collect(error: SyncerError) -> str:
        texts = ["".join(traceback.format_exception(error)), repr(error), error.message, str(error.hint)]
        seen: BaseException | None = error
        while seen is not None:
            texts.append(f"{seen!r} {vars(seen)}")
            seen = seen.__context__
        return "\n".join(texts)

    return collect
