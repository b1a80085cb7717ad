"""One manifest, one story, and one outcome for all stores that can do the same: only `backend:` differs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from stores import KINDS, TYPES, Store, store

from syncer.backends.base import DISABLES, Capability
from syncer.model import Address
from syncer.registry import backend_class
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.folder import Folder, Result

    from syncer.backends.base import Backend
    from syncer.model import Observed

EMPTY = ["No changes."]
PASSWORD, KEY, TOKEN = "payments:prod/db-password", "payments:session-key", "global:token"
MADE = "payments:made"
WITH_PATHS = [kind for kind in TYPES if Capability.SCOPE_PATHS in backend_class(kind).capabilities]


@dataclass
class Story:
    """A project on one store, and what is done to it."""

    syncer: Folder
    store: Store
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    can: frozenset[Capability] = frozenset()

    def __post_init__(self) -> None:
        self.syncer.monkeypatch.setenv("PASSWORD", "first")
        self.syncer.monkeypatch.setenv("TOKEN", "t0ken\n")
        self.secrets = {
            PASSWORD: {"source": {"env": "PASSWORD"}, "tags": {"team": "payments"}},
            KEY: {"source": {"generate": {"length": 40}}, "on_remove": "delete"},
            TOKEN: {"source": {"env": "TOKEN"}, "description": "of the partner"},
        }
        self.declare()
        with self.syncer.session() as session:
            self.can = session.backend("default").capabilities

    @property
    def notes(self) -> set[str]:
        """What each plan says of a store that shows neither values nor versions."""
        return set() if {Capability.READ, Capability.VERSION_IN_LIST} & self.can else {"values_not_seen"}

    @property
    def keeps_disabled(self) -> bool:
        """Whether a secret can be disabled and keep its value."""
        return bool(DISABLES & self.can)

    def declare(self, **top: Any) -> None:
        """Write the manifest."""
        secrets = {str(self.address(name)): entry for name, entry in self.secrets.items()}
        self.syncer.declare(secrets, **{"backend": self.store.options, **top})

    def edit(self, name: str, **facts: Any) -> None:
        """Change an entry."""
        self.secrets[name] = {**self.secrets[name], **facts}
        self.declare()

    def remove(self, *names: str) -> None:
        """Take entries out."""
        for name in names:
            del self.secrets[name]
        self.declare()

    def address(self, name: str) -> Address:
        """Give the address that the store has for one of the story."""
        address = Address.parse(name)
        return Address(self.store.scopes.get(address.scope, address.scope), address.ref)

    def told(self, text: str) -> str:
        """Give a text with the scopes of the story."""
        for told, scope in self.store.scopes.items():
            text = text.replace(f"{scope}:", f"{told}:")
        return text

    def plan(self, *more: str) -> list[str]:
        """Name the changes of a plan."""
        document = self.syncer("plan", "--format", "json", *more).json
        expected = self.notes | ({"not_verified"} if more and Capability.READ not in self.can else set())
        assert {found["code"] for found in document["diagnostics"]} <= expected
        return [self.told(f"{c['address']} {c['action']}") for c in document["resource_changes"]] or EMPTY

    def refused(self, name: str) -> Result:
        """See that a plan refuses one address, saying which, and that then nothing is applied."""
        document = self.syncer("plan", "--format", "json").json
        errors = [found for found in document["diagnostics"] if found["severity"] == "error"]
        assert [(self.told(found["address"]), found["code"]) for found in errors] == [(name, "unsupported")]
        assert errors[0]["hint"]
        assert self.syncer("apply", "--auto-approve").code == 1
        result = self.syncer("plan")
        assert result.code == 1
        assert str(self.address(name)) in result.out + result.err
        return result

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
        assert {found["code"] for found in result.json["diagnostics"]} == self.notes
        return [self.told(f"{d['address']} {d['kind']}") for d in result.json["drift"]]

    def value(self, name: str) -> bytes | None:
        """Get a value, or see that none is to be had, and look into the store."""
        address = self.address(name)
        result = self.syncer("get", str(address))
        if Capability.READ in self.can:
            assert result.code == 0
            return result.stdout
        assert (result.code, result.stdout) == (1, b"")
        assert f"{address}: backend `default` does not give values back" in result.err
        return self.store.held(address)

    def is_gone(self, name: str) -> bool:
        """Whether the store holds nothing there."""
        if self.store.held is None:
            return self.syncer("get", str(self.address(name))).code != 0
        return self.store.held(self.address(name)) is None

    @contextmanager
    def by_hand(self, name: str) -> Iterator[tuple[Backend, Observed]]:
        """Open the store behind the tool's back, and find a secret there."""
        address = self.address(name)
        with self.syncer.session() as session:
            backend = session.backend("default")
            seen = backend.look(address)
            assert seen is not None
            yield backend, seen

    def written_by_hand(self, name: str) -> None:
        """Let somebody write a value."""
        with self.by_hand(name) as (backend, seen):
            backend.rotate(declared(seen.address), Sensitive(b"by hand"), seen)

    def withdrawn_by_hand(self, name: str) -> None:
        """Let somebody disable a secret, or delete it where nobody can disable it."""
        with self.by_hand(name) as (backend, seen):
            if self.keeps_disabled:
                backend.set_enabled(seen, enabled=False)
            else:
                backend.delete(seen)


@pytest.fixture(params=KINDS)
def story(request: pytest.FixtureRequest, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A project on each kind of store."""
    with store(request.param, monkeypatch) as found:
        yield Story(syncer, found)


def test_a_whole_life(story: Story) -> None:
    """Plan, apply, rotate, disable, enable, update, drift, repair, remove, and back again."""
    assert story.apply() == [f"{TOKEN} create", f"{PASSWORD} create", f"{KEY} create"]
    story.syncer.monkeypatch.setenv("PASSWORD", "second")
    assert story.apply() == [f"{PASSWORD} rotate"]
    assert story.value(PASSWORD) == b"second"
    assert story.value(TOKEN) == b"t0ken\n"
    kept = story.value(KEY)
    assert kept is not None
    assert len(kept) == 40
    disabled_and_enabled(story)
    assert story.value(KEY) == kept
    changed_by_hand(story)
    assert story.value(PASSWORD) == b"second"
    assert story.value(KEY) == kept
    removed_and_back(story)
    again = story.value(KEY)
    assert again is not None
    assert len(again) == 40
    assert story.plan("--verify-values") == EMPTY


def disabled_and_enabled(story: Story) -> None:
    """What is made once is disabled where it is kept; what a source yields again also where it is taken out."""
    story.edit(KEY, enabled=False)
    if story.keeps_disabled:
        assert story.apply() == [f"{KEY} disable"]
        assert story.syncer("get", str(story.address(KEY))).code == 4
        story.edit(KEY, enabled=True, tags={"tier": "gold"})
        assert story.apply() == [f"{KEY} update", f"{KEY} enable"]
        return
    story.refused(KEY)
    story.edit(KEY, enabled=True, tags={"tier": "gold"})
    assert story.apply() == [f"{KEY} update"]
    story.edit(TOKEN, enabled=False)
    if Capability.DISABLE_REMOVES in story.can:
        assert story.apply() == [f"{TOKEN} disable"]
        assert story.syncer("get", str(story.address(TOKEN))).code == 4
        assert story.is_gone(TOKEN)
        story.edit(TOKEN, enabled=True)
        assert story.apply() == [f"{TOKEN} create"]
        assert story.value(TOKEN) == b"t0ken\n"
        return
    story.refused(TOKEN)
    story.edit(TOKEN, enabled=True)
    assert story.plan() == EMPTY


def changed_by_hand(story: Story) -> None:
    """What was withdrawn comes back, and so does a value, where the store tells that somebody wrote another."""
    story.written_by_hand(PASSWORD)
    story.withdrawn_by_hand(TOKEN)
    seen = not story.notes
    withdrawn, back = ("enabled", "enable") if story.keeps_disabled else ("missing", "create")
    assert story.drift() == [f"{TOKEN} {withdrawn}", *([f"{PASSWORD} value"] if seen else [])]
    assert story.apply() == [f"{TOKEN} {back}", *([f"{PASSWORD} rotate"] if seen else [])]
    assert story.value(TOKEN) == b"t0ken\n"
    assert set(story.syncer("plan", "--format", "json").codes) == story.notes
    if not seen:
        assert story.value(PASSWORD) == b"by hand"
        story.syncer.fine("apply", "--auto-approve", "--rotate", str(story.address(PASSWORD)))
        assert story.plan() == EMPTY


def removed_and_back(story: Story) -> None:
    """What is no longer declared is withdrawn as `on_remove` says, unless the store cannot; one comes back."""
    entry = story.secrets[KEY]
    story.remove(KEY, TOKEN)
    removed = "disable"
    if not {*DISABLES, Capability.DISABLE_REMOVES} & story.can:
        story.refused(TOKEN)
        story.declare(removed=[{"address": TOKEN, "on_remove": "delete"}])
        removed = "delete"
    assert story.apply() == [f"{TOKEN} {removed}", f"{KEY} delete"]
    if not story.keeps_disabled:
        assert story.is_gone(TOKEN)
    story.secrets[KEY] = entry
    story.declare()
    assert {change.rpartition(" ")[0] for change in story.apply()} == {KEY}


def on_two(story: Story, backend: str) -> None:
    """Declare what is made on one of two stores: the embedded one, or the story's."""
    scopes = {story.address(MADE).scope: {"backend": backend}}
    both = {"backend": {"type": "local", "path": "beside.db"}, "backends": {"there": story.store.options}}
    story.declare(**both, scopes=scopes)


def held(story: Story, name: str) -> bytes | None:
    """Give a value of the story's store."""
    if Capability.READ in story.can:
        return story.syncer.fine("get", str(story.address(name))).encode()
    return story.store.held(story.address(name))


def test_two_backends_at_once(story: Story) -> None:
    """A scope on another store than the default; what moves takes its value along, where that can be read."""
    way = {} if story.keeps_disabled else {"on_remove": "delete"}
    story.secrets = {
        TOKEN: {"source": {"env": "TOKEN"}},
        PASSWORD: {"source": {"env": "PASSWORD"}, **way},
        MADE: {"source": {"generate": {"length": 40}}, **way},
    }
    on_two(story, "there")
    assert story.apply() == [f"{TOKEN} create", f"{MADE} create", f"{PASSWORD} create"]
    before = held(story, MADE)
    calls = story.syncer("plan", "--format", "json").json["backend_calls"]
    assert {name: entry["values_read"] for name, entry in calls.items()} == {"default": 0, "there": 0}
    on_two(story, "default")
    if Capability.READ in story.can:
        assert story.apply()[0] == f"{MADE} create"
        assert held(story, MADE) == before
        return
    result = story.refused(MADE)
    assert "cannot be carried over: backend `there` does not give values back" in result.out + result.err
    story.syncer.fine("state", "rm", str(story.address(MADE)))
    assert story.apply()[:2] == [f"{MADE} create", f"{PASSWORD} create"]
    assert story.syncer.fine("get", str(story.address(PASSWORD))) == "first"
    assert story.syncer.fine("get", str(story.address(MADE))).encode() != before == held(story, MADE)


def test_a_value_arrives_from_another_store(story: Story) -> None:
    """What is made once on the embedded store goes on to any other, and is the same there."""
    story.secrets = {MADE: {"source": {"generate": {"length": 40}}, "on_remove": "delete"}}
    on_two(story, "default")
    story.syncer.apply()
    before = story.syncer.fine("get", str(story.address(MADE))).encode()
    on_two(story, "there")
    assert story.apply() == [f"{MADE} create", f"{MADE} delete"]
    assert held(story, MADE) == before


@pytest.fixture(params=WITH_PATHS)
def layered(request: pytest.FixtureRequest, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A project on each kind of store whose scopes may hold slashes."""
    with store(request.param, monkeypatch) as found:
        yield Story(syncer, found)


def test_a_life_in_a_runtime_profile(layered: Story) -> None:
    """Its refs are names of variables; all else is as in a workspace."""
    story, password, key = layered, "profile/payments:DB_PASSWORD", "profile/payments:SESSION_KEY"
    story.secrets = {
        password: {"source": {"env": "PASSWORD"}, "tags": {"team": "payments"}},
        key: {"source": {"generate": {"length": 40}}, "on_remove": "delete", "description": "of sessions"},
    }
    story.declare()
    assert story.apply() == [f"{password} create", f"{key} create"]
    kept = story.value(key)
    story.syncer.monkeypatch.setenv("PASSWORD", "second")
    story.edit(key, enabled=False, tags={"tier": "gold"})
    assert story.apply() == [f"{password} rotate", f"{key} update", f"{key} disable"]
    assert story.syncer("get", str(story.address(key))).code == 4
    story.written_by_hand(password)
    story.edit(key, enabled=True)
    assert story.drift() == [f"{password} value"]
    assert story.apply() == [f"{password} rotate", f"{key} enable"]
    assert (story.value(password), story.value(key)) == (b"second", kept)
    entry = story.secrets[key]
    story.remove(key)
    assert story.apply() == [f"{key} delete"]
    assert story.is_gone(key)
    story.secrets[key] = entry
    story.declare()
    assert set(story.apply()) == {f"{key} create"}
    assert (story.value(key) == kept) is (Capability.SOFT_DELETE in story.can)
