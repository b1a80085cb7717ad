"""What a session opens, closes, and makes a key for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from conformance.memory import MemoryBackend

import syncer
from syncer.engine.session import Session, Surroundings
from syncer.errors import BackendError, InvalidConfiguration
from syncer.registry import backend_class

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.backends.base import Backend, BackendContext
    from syncer.model import BackendSpec

HEAD = "version: 1\nproject: p\nbackends: {west: {type: local, path: west.db}}\n"
DEFAULT = HEAD + "scopes: {g: {secrets: {a: {source: {env: X}}}}}\n"
WEST = HEAD + "scopes: {g: {backend: west, secrets: {a: {source: {env: X}}}}}\n"
SEALED = HEAD + "scopes: {g: {secrets: {a: {source: {env: X}}, b: {source: {sealed: '%s'}}}}}\n"


def session(folder: Path, text: str, environ: Mapping[str, str] | None = None, **outside: object) -> Session:
    """Open one over a manifest that is written first."""
    (folder / "syncer.yaml").write_text(text)
    surroundings = Surroundings(environ=environ or {"X": "1"}, **outside)  # type: ignore[arg-type]
    return Session(syncer.load_manifest(folder / "syncer.yaml"), surroundings)


def makes_a_key(folder: Path, text: str, **outside: object) -> bool:
    """Whether it makes a key where there is none."""
    with session(folder, text, **outside) as opened, suppress(InvalidConfiguration):
        opened.keyring.key_id()
    return (folder / ".syncer/key").exists()


def elsewhere(spec: BackendSpec, context: BackendContext) -> Backend:
    """Open a store that needs no key of ours as the default, and a local one beside it."""
    if spec.name == "default":
        return MemoryBackend.open({}, context)
    return backend_class(spec.type).open(spec.options, context)


@pytest.mark.parametrize("text", [DEFAULT, WEST, HEAD + "scopes: {g: {secrets: {}}}\n"])
def test_a_first_run_makes_a_key(tmp_path: Path, text: str) -> None:
    """For the embedded store that holds the secrets, or will."""
    assert makes_a_key(tmp_path, text)


@pytest.mark.parametrize("text", [DEFAULT, WEST])
@pytest.mark.parametrize("store", ["west.db", ".syncer/store.db"])
def test_no_key_is_made_beside_a_store(tmp_path: Path, text: str, store: str) -> None:
    """A checkout that carries a store without its key: a new key would not open it, whichever the secrets are in."""
    (tmp_path / ".syncer").mkdir()
    (tmp_path / store).write_bytes(b"sealed under another key")
    assert not makes_a_key(tmp_path, text)


def test_no_key_is_made_beside_a_sealed_source(tmp_path: Path) -> None:
    """Another key has sealed it."""
    sealed = "syncer:v1:" + "A" * 64
    assert not makes_a_key(tmp_path, SEALED % sealed)


def test_no_key_is_made_for_a_store_that_is_not_used(tmp_path: Path) -> None:
    """A manifest whose secrets are all elsewhere says with `init` that it wants one."""
    assert not makes_a_key(tmp_path, DEFAULT, open_backend=elsewhere)
    assert makes_a_key(tmp_path, WEST, open_backend=elsewhere)


def test_every_backend_is_closed(tmp_path: Path) -> None:
    """Also where one cannot be, which is said."""
    closed: list[str] = []

    class Stuck(MemoryBackend):
        """Fails as it is closed."""

        name = ""

        def close(self) -> None:
            closed.append(self.name)
            raise BackendError(self.name)

    def opened(spec: BackendSpec, context: BackendContext) -> Backend:
        made = Stuck.open({}, context)
        made.name = spec.name
        return made

    one = session(tmp_path, WEST, open_backend=opened)
    for name in one.manifest.backends:
        one.backend(name)
    with pytest.raises(BackendError):
        one.__exit__(None, None, None)
    assert sorted(closed) == ["default", "west"]
