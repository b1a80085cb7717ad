"""The registry finds our types in its table and those of other packages by their entry points."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from syncer import registry
from syncer.errors import InvalidConfiguration
from syncer.model import Address, SourceSpec
from syncer.sensitive import Sensitive
from syncer.sources.base import SourceContext
from syncer.testing.base import context, declared, same

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = """
from dataclasses import dataclass

from syncer.backends.base import Backend
from syncer.model import Observed
from syncer.sensitive import Sensitive
from syncer.sources.base import NoOptions, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    shelf: str


class AcmeBackend(Backend):
    type_name = "acme"
    Options = Options

    def __init__(self, options, context):
        super().__init__(options, context)
        self.entries = []

    def observe(self, scopes, addresses):
        return [entry for entry in self.entries if entry.address.scope in scopes]

    def create(self, secret, value):
        self.meter.call()
        self.entries.append(
            Observed(
                address=secret.address, version="1", tags={}, enabled=True, description=None,
                owner=self.context.project, remote_id=self.options.shelf,
            )
        )
        return self.entries[-1]

    def rotate(self, secret, value, expected):
        self._cannot("rotate")


class AcmeSource(Source):
    type_name = "acme"
    Options = NoOptions

    def check(self):
        pass

    def produce(self, context):
        return Sensitive(b"from " + self.argument.encode())
"""

METADATA = "Metadata-Version: 2.1\nName: syncer-acme\nVersion: 1.0\n"
ENTRY_POINTS = """\
[syncer.backends]
acme = syncer_acme:AcmeBackend
broken = syncer_acme_sdk_that_is_missing:Backend
local = syncer_acme:AcmeBackend

[syncer.sources]
acme = syncer_acme:AcmeSource
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of somebody else, installed the way pip leaves it."""
    site = tmp_path / "site"
    info = site / "syncer_acme-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "syncer_acme.py").write_text(MODULE)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("syncer_acme", None)


@pytest.mark.usefixtures("third_party")
def test_backend_of_an_entry_point(tmp_path: Path) -> None:
    """A third party's backend is found by name, opened with its options, and works."""
    backend = registry.backend_class("acme").open({"shelf": "top"}, context(tmp_path, "shop"))
    made = backend.create(declared(Address("s", "r")), Sensitive(b"v"))
    assert list(backend.observe(["s"], [])) == [made]
    assert (made.owner, made.remote_id, backend.meter.total.calls) == ("shop", "top", 1)


@pytest.mark.usefixtures("third_party")
def test_options_of_an_entry_point_are_checked(tmp_path: Path) -> None:
    """A third party's options are checked like ours."""
    with pytest.raises(InvalidConfiguration, match="`shelf` is missing"):
        registry.backend_class("acme").open({}, context(tmp_path, "shop"))


@pytest.mark.usefixtures("third_party")
def test_source_of_an_entry_point(tmp_path: Path) -> None:
    """A third party's source is found by name and yields a value, decoded as declared."""
    spec = SourceSpec(type="acme", argument="there", options={}, folder=tmp_path)
    source = registry.source_class("acme")(spec)
    run = SourceContext(project="shop", address=Address("s", "r"), environ={}, subkey=lambda _: b"")
    assert same(source.resolve(run), Sensitive(b"from there"))


@pytest.mark.usefixtures("third_party")
def test_types_at_hand() -> None:
    """Ours come first; a third party cannot stand in for one of ours."""
    types = registry.backend_types()
    assert types[: len(registry.BACKENDS)] == tuple(registry.BACKENDS)
    assert set(types) >= {"acme", "broken"}
    assert types.count("local") == 1
    assert registry.backend_class("local").__module__.startswith("syncer.backends.local")


@pytest.mark.usefixtures("third_party")
def test_missing_sdk_names_the_package() -> None:
    """A backend whose SDK is missing says which package it needs."""
    with pytest.raises(InvalidConfiguration, match="needs the package `syncer_acme_sdk_that_is_missing`"):
        registry.backend_class("broken")


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of our extras brings the package, the hint is the line to type."""
    monkeypatch.setitem(registry.BACKENDS, "cloud", ("syncer_cloud_sdk_that_is_missing:Backend", "cloud"))
    with pytest.raises(InvalidConfiguration) as caught:
        registry.backend_class("cloud")
    assert caught.value.hint == "in the repository of syncer: pip install '.[cloud]'"


@pytest.mark.parametrize(
    ("find", "word", "meant"),
    [(registry.backend_class, "locl", "`local`"), (registry.source_class, "comand", "`command`")],
)
def test_unknown_type(find: object, word: str, meant: str) -> None:
    """A wrong word is answered with the right one, and is not repeated."""
    with pytest.raises(InvalidConfiguration, match="did you mean") as caught:
        find(word)
    assert meant in caught.value.message
    assert word not in caught.value.message + caught.value.hint


def test_every_backend_of_the_table_loads() -> None:
    """No line of the table points to nothing, and each type calls itself by the name that it stands under."""
    for name in registry.BACKENDS:
        assert registry.backend_class(name).type_name == name
