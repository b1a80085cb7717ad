"""`state`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.folder import GENERATE

if TYPE_CHECKING:
    from cli.folder import Folder


@pytest.fixture
def shop(syncer: Folder) -> Folder:
    """Three secrets, applied."""
    syncer.declare({"global:a": GENERATE, "payments:b": GENERATE, "payments:c/d": GENERATE})
    syncer.apply()
    return syncer


def test_list(shop: Folder) -> None:
    """Sorted, and narrowed by globs."""
    assert shop.fine("state", "list") == "global:a\npayments:b\npayments:c/d\n"
    assert shop.fine("state", "list", "payments:*", "*:a") == "global:a\npayments:b\npayments:c/d\n"
    assert shop.fine("state", "list", "*/d") == "payments:c/d\n"
    assert shop.fine("state", "list", "none:*") == ""


def test_show(shop: Folder) -> None:
    """One record, in two forms."""
    human = shop.fine("state", "show", "global:a")
    assert 'address     = "global:a"\n' in human
    document = shop("state", "show", "global:a", "--format", "json").json
    assert document.pop("address") == "global:a"
    assert document == json.loads(shop.state.read_bytes())["records"]["global:a"]


def test_what_is_not_on_record(shop: Folder) -> None:
    """Exit 3 from every command that names it."""
    shown = shop("state", "show", "global:none", "--format", "json")
    assert (shown.code, shown.codes) == (3, ["invalid_configuration"])
    assert shop("state", "rm", "global:a", "global:none").code == 3
    assert shop("state", "mv", "global:none", "global:new").code == 3
    assert shop("state", "mv", "global:a", "payments:b").code == 3
    assert shop.fine("state", "list").count("\n") == 3


def test_mv_touches_the_state_only(shop: Folder) -> None:
    """The record has another name; the store is not opened."""
    before, known = (shop.path / ".syncer/store.db").read_bytes(), shop.state.read_bytes()
    assert shop.fine("state", "mv", "global:a", "global:z") == "> global:a is now recorded as global:z\n"
    assert shop.fine("state", "list", "global:*") == "global:z\n"
    assert (shop.path / ".syncer/store.db").read_bytes() == before
    assert (shop.path / ".syncer/state.json.backup").read_bytes() == known


def test_rm_touches_the_state_only(shop: Folder) -> None:
    """The secrets stay, and are unmanaged from then on."""
    assert shop.fine("state", "rm", "global:a", "payments:b") == ". global:a is forgotten\n. payments:b is forgotten\n"
    assert "is there already, and no record says that it is ours" in shop("plan").err
    assert shop("get", "global:a").code == 0


def test_unlock(shop: Folder) -> None:
    """Breaks the lock of another host by its id, and nothing else."""
    assert shop("state", "unlock", "any").code == 1
    lock = shop.path / ".syncer/state.json.lock"
    holder = {"id": "4711", "who": "ann", "host": "elsewhere", "pid": 1, "operation": "apply", "created": "then"}
    lock.write_text(json.dumps(holder))
    assert shop("apply", "--auto-approve").code == 6
    wrong = shop("state", "unlock", "4712")
    assert (wrong.code, "locked under another id" in wrong.err) == (1, True)
    told = shop.fine("state", "unlock", "4711")
    assert told == "the lock is broken; it was held by ann@elsewhere (process 1) runs apply since then, lock 4711\n"
    shop.apply()


def test_the_lock_of_a_living_run_is_not_broken(shop: Folder) -> None:
    """Exit 1 naming the process to end first."""
    with shop.session() as session, session.lock("apply"):
        held = json.loads((shop.path / ".syncer/state.json.lock").read_text())
        result = shop("state", "unlock", held["id"])
    assert (result.code, "is alive" in result.err) == (1, True)
