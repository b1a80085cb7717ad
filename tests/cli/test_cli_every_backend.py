"""One manifest, one story, one outcome: only `backend:` differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from stores import TYPES, opened

from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.folder import Folder

    from syncer.backends.base import Backend
    from syncer.model import Observed

EMPTY = ["No changes."]


@dataclass
class Story:
    """A project on one store, and what is done to it."""

    syncer: Folder
    backend: dict[str, Any]
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.syncer.monkeypatch.setenv("PASSWORD", "first")
        self.syncer.monkeypatch.setenv("TOKEN", "t0ken\n")
        self.secrets = {
            "payments:prod/db-password": {"source": {"env": "PASSWORD"}, "tags": {"team": "payments"}},
            "payments:session-key": {"source": {"generate": {"length": 40}}, "on_remove": "delete"},
            "global:token": {"source": {"env": "TOKEN"}, "description": "of the partner"},
        }
        self.declare()

    def declare(self) -> None:
        """Write the manifest."""
        self.syncer.declare(self.secrets, backend=self.backend)

    def edit(self, name: str, **facts: Any) -> None:
        """Change an entry."""
        self.secrets[name] = {**self.secrets[name], **facts}
        self.declare()

    def remove(self, *names: str) -> None:
        """Take entries out."""
        for name in names:
            del self.secrets[name]
        self.declare()

    def plan(self, *more: str) -> list[str]:
        """Name the changes of a plan."""
        document = self.syncer("plan", "--format", "json", *more).json
        assert document["diagnostics"] == []
        return [f"{c['address']} {c['action']}" for c in document["resource_changes"]] or EMPTY

    def apply(self) -> list[str]:
        """Name the changes of a plan, carry them out, and see that nothing is left to do."""
        changes = self.plan()
        self.syncer.apply()
        assert self.plan() == EMPTY, changes
        assert self.syncer("drift").code == 0
        return changes

    def drift(self) -> list[str]:
        """Name what somebody changed by hand."""
        result = self.syncer("drift", "--format", "json")
        assert result.code == 2
        return [f"{d['address']} {d['kind']}" for d in result.json["drift"]]

    def by_hand(self, name: str) -> tuple[Backend, Observed]:
        """Open the store behind the tool's back, and find a secret there."""
        address = Address.parse(name)
        with self.syncer.session() as session:
            backend = session.backend("default")
            seen = backend.look(address)
            assert seen is not None
            return backend, seen


@pytest.fixture(params=TYPES)
def story(request: pytest.FixtureRequest, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A project on each type of store."""
    with opened(request.param, monkeypatch) as backend:
        yield Story(syncer, backend)


def test_a_whole_life(story: Story) -> None:
    """Plan, apply, rotate, disable, enable, update, drift, repair, remove, and back again."""
    told: list[object] = []
    told += story.apply()
    story.syncer.monkeypatch.setenv("PASSWORD", "second")
    told += story.apply()
    assert story.syncer.fine("get", "payments:prod/db-password") == "second"
    assert story.syncer.fine("get", "global:token") == "t0ken\n"

    story.edit("payments:session-key", enabled=False)
    told += story.apply()
    assert story.syncer("get", "payments:session-key").code == 4
    story.edit("payments:session-key", enabled=True, tags={"tier": "gold"})
    told += story.apply()
    kept = story.syncer.fine("get", "payments:session-key")
    assert len(kept) == 40

    backend, seen = story.by_hand("payments:prod/db-password")
    backend.rotate(declared(seen.address), Sensitive(b"by hand"), seen)
    backend.close()
    backend, seen = story.by_hand("global:token")
    backend.set_enabled(seen, enabled=False)
    backend.close()
    told += story.drift()
    told += story.apply()
    assert story.syncer.fine("get", "payments:prod/db-password") == "second"

    entry = story.secrets["payments:session-key"]
    story.remove("payments:session-key", "global:token")
    told += story.apply()
    story.secrets["payments:session-key"] = entry
    story.declare()
    (made,) = {change.rpartition(" ")[0] for change in story.apply()}
    assert story.plan("--verify-values") == EMPTY
    assert [*told, made] == [
        "global:token create",
        "payments:prod/db-password create",
        "payments:session-key create",
        "payments:prod/db-password rotate",
        "payments:session-key disable",
        "payments:session-key update",
        "payments:session-key enable",
        "global:token enabled",
        "payments:prod/db-password value",
        "global:token enable",
        "payments:prod/db-password rotate",
        "global:token disable",
        "payments:session-key delete",
        "payments:session-key",
    ]


def test_two_backends_at_once(story: Story) -> None:
    """A scope on another store than the default; a secret that moves from one to the other takes its value along."""
    both = {"default": {"type": "local", "path": "beside.db"}, "there": story.backend}
    made = {"payments:made": {"source": {"generate": {"length": 40}}}}
    here = {"global:token": {"source": {"env": "TOKEN"}}}

    def declare(backend: str) -> None:
        scopes = {"payments": {"backend": backend}}
        story.syncer.declare(
            {**here, **made}, backend=both["default"], backends={"there": both["there"]}, scopes=scopes
        )

    declare("there")
    assert story.apply() == ["global:token create", "payments:made create"]
    value = story.syncer.fine("get", "payments:made")
    calls = story.syncer("plan", "--format", "json").json["backend_calls"]
    assert {name: entry["values_read"] for name, entry in calls.items()} == {"default": 0, "there": 0}
    declare("default")
    assert story.apply()[0] == "payments:made create"
    assert story.syncer.fine("get", "payments:made") == value
