"""`state rebuild`: a lost state, made again on every kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE
from cli.test_cli_every_backend import EMPTY, KEY, PASSWORD, TOKEN, Story
from stores import KINDS, store

from syncer.backends.base import Capability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.folder import Folder

A = {"source": {"env": "A"}}
AGAIN = ("state", "rebuild", "--auto-approve")


@pytest.fixture(params=KINDS)
def story(request: pytest.FixtureRequest, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A project on each kind of store."""
    with store(request.param, monkeypatch) as found:
        yield Story(syncer, found)


def test_no_changes_after_a_loss(story: Story) -> None:
    """Where values can be read, a plan says `No changes.`; where they cannot, it rotates them, and then says so."""
    story.apply()
    story.syncer.state.unlink()
    found = story.syncer.fine(*AGAIN)
    reads = Capability.READ in story.can
    assert f"{3 if reads else 0} proven, 0 differs, {0 if reads else 3} unknown, 0 undeclared" in found
    assert story.syncer.fine("state", "list").count("\n") == 3
    if reads:
        assert story.syncer.fine("plan").startswith("No changes.")
        assert story.plan("--verify-values") == EMPTY
        return
    assert story.plan() == [f"{name} rotate" for name in (TOKEN, PASSWORD, KEY)]
    story.apply()


def test_what_left_the_manifest_meanwhile(story: Story) -> None:
    """It bears our mark, so the next plan withdraws it, where its store can."""
    story.apply()
    story.syncer.state.unlink()
    story.remove(TOKEN)
    story.declare(scopes={story.address(TOKEN).scope: {"secrets": {}}})
    result = story.syncer(*AGAIN)
    assert result.code == 0
    assert "1 undeclared" in result.out
    if story.keeps_disabled or Capability.DISABLE_REMOVES in story.can:
        assert "the next plan withdraws 1 secret of 3 from consumers" in result.err
        assert f"{TOKEN} disable" in story.plan()
        story.apply()
    else:
        story.refused(TOKEN)


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Two secrets, applied, and their state lost."""
    syncer.monkeypatch.setenv("A", "canary")
    syncer.declare({"global:a": A, "payments:b": GENERATE})
    syncer.apply()
    syncer.state.unlink()
    return syncer


def test_what_is_told(shop: Folder) -> None:
    """A line for each, then the counts; never a value."""
    shop.plant("payments:old", b"canary")
    shop.plant("payments:free", b"canary", owned=False)
    shop.plant("payments:theirs", b"canary", project="other")
    shop.declare({"global:a": A, "payments:b": GENERATE, "payments:free": A})
    result = shop(*AGAIN)
    assert result.out == (
        "= global:a (proven): its value is what its source yields\n"
        "= payments:b (proven): its value was made once, and stays\n"
        "- payments:old (undeclared): not declared: the next plan disables it\n"
        "  payments:free is left alone: it bears no mark: `syncer import payments:free` takes it\n"
        "Found 3 secrets of this project: 2 proven, 0 differs, 0 unknown, 1 undeclared."
        " 1 of others in the same scopes left alone.\n"
        "The state is rebuilt: 3 records. See `syncer plan`.\n"
    )
    assert "--declared-only leaves out what is not declared" in result.err
    assert b"canary" not in shop.state.read_bytes()


def test_options(shop: Folder) -> None:
    """What is not declared is left out, and no value read, where that is said; by variables too."""
    shop.plant("payments:old", b"canary")
    shop.monkeypatch.setenv("SYNCER_STATE_REBUILD_DECLARED_ONLY", "1")
    shop.monkeypatch.delenv("A")
    told = shop.fine(*AGAIN, "--no-read")
    assert "2 unknown, 0 undeclared" in told
    assert "its value was not read, so the next plan rotates it" in told
    assert shop.fine("state", "list") == "global:a\npayments:b\n"


def test_somebody_is_asked(shop: Folder) -> None:
    """The word is `yes`; without it, and where there is nobody to ask, nothing is written."""
    nobody = shop("state", "rebuild")
    assert (nobody.code, nobody.out, "--auto-approve" in nobody.err) == (64, "", True)
    from syncer.cli.console import Console

    shop.monkeypatch.setattr(Console, "can_ask", property(lambda _: True))
    no = shop("state", "rebuild", stdin=b"no\n")
    assert (no.code, "Do you want to write this as the new state?" in no.err) == (1, True)
    assert "global:a" in no.out
    assert not shop.state.exists()
    assert shop("state", "rebuild", stdin=b"").code == 130
    assert shop("state", "rebuild", stdin=b"yes\n").code == 0
    assert shop.fine("plan").startswith("No changes.")


def test_a_state_is_there(shop: Folder) -> None:
    """Exit 1; a damaged one is to be moved away first."""
    shop.fine(*AGAIN)
    kept = shop.state.read_bytes()
    there = shop(*AGAIN)
    assert (there.code, "there is a state; nothing to rebuild" in there.err) == (1, True)
    shop.state.write_bytes(kept.replace(b"shop", b"shed"))
    other = shop(*AGAIN)
    assert (other.code, "there is a state, and it is of no use" in other.err) == (1, True)
    assert "move .syncer/state.json and its journal away and rebuild" in other.err
    shop.state.unlink()
    (shop.path / ".syncer/state.json.journal").write_bytes(b"left behind")
    assert shop(*AGAIN).code == 1
    assert not shop.state.exists()


def test_the_lock_is_taken(shop: Folder) -> None:
    """Somebody else is at it."""
    with shop.session() as session, session.lock("apply"):
        assert shop(*AGAIN).code == 6


def test_without_the_key(shop: Folder) -> None:
    """The key cannot be made again, and no other one opens the embedded store: nothing is written."""
    key = shop.path / ".syncer/key"
    text = key.read_text()
    key.unlink()
    lost = shop(*AGAIN)
    assert (lost.code, "no project key" in lost.err) == (3, True)
    shop.monkeypatch.setenv("SYNCER_KEY", "b" * 43 + "=")
    other = shop(*AGAIN)
    assert (other.code, "sealed under another project key" in other.err) == (1, True)
    assert not shop.state.exists()
    assert not key.exists()
    shop.monkeypatch.delenv("SYNCER_KEY")
    key.write_text(text)
    key.chmod(0o600)
    shop.fine(*AGAIN)


def test_a_damaged_value(shop: Folder) -> None:
    """It is on record as unknown, and the others are proven."""
    with shop.sql() as db:
        db.execute("UPDATE version SET sealed = x'00' WHERE scope = 'global'")
    told = shop.fine(*AGAIN)
    assert "? global:a (unknown): its value is damaged, so the next plan rotates it\n" in told
    assert "1 proven, 0 differs, 1 unknown" in told


def test_the_library_can_it_too(shop: Folder) -> None:
    """Find, look, write."""
    import syncer

    with shop.session() as session, session.lock("rebuild"):
        found = syncer.rebuild(session)
        assert isinstance(found, syncer.Rebuilt)
        assert isinstance(syncer.write_rebuilt(session, found), syncer.State)
    assert shop.fine("plan").startswith("No changes.")
