"""Nothing that is registered goes untested."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from syncer.registry import BACKENDS
from syncer.testing import BackendConformance

FOLDER = Path(__file__).parent / "conformance"


def test_every_backend_has_a_conformance_class() -> None:
    """Each backend type of the registry stands in a class of tests/conformance that inherits the whole suite."""
    tested = {cls.type_name for path in sorted(FOLDER.glob("test_*.py")) for cls in _suites(path)}
    assert set(BACKENDS) <= tested


def test_no_conformance_class_overrides_a_test() -> None:
    """A class that replaces a test of the suite would claim what nobody checked."""
    inherited = {name for name in dir(BackendConformance) if name.startswith("test_")}
    for path in sorted(FOLDER.glob("test_*.py")):
        for cls in _suites(path):
            replaced = inherited & {name for part in _own(cls) for name in vars(part)}
            assert not replaced, f"{cls.__name__} replaces {sorted(replaced)}"


def _suites(path: Path) -> list[type[BackendConformance]]:
    spec = importlib.util.spec_from_file_location(f"completeness_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        found
        for name, found in vars(module).items()
        if name.startswith("Test") and isinstance(found, type) and issubclass(found, BackendConformance)
    ]


def _own(cls: type) -> list[type]:
    return [part for part in cls.__mro__ if part not in BackendConformance.__mro__]
