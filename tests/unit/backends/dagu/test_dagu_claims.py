"""Making an entry of a runtime profile: the secret behind it is claimed first, whatever was left there before."""

from __future__ import annotations

import pytest
from conformance.fakes.fault_proxy import Reset
from conformance.fakes.loopback import Answer
from dagu_bench import BLUE, JSON, KEY, Bench, seen
from support import secret

from syncer.backends.dagu.marks import Mark, together
from syncer.errors import AccessDenied, AlreadyExists, BackendError, NotFound, Refused, SyncerError, Transient
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

PROFILE, PUT, CLAIM, LIST, GET = (
    "GET /profiles/blue",
    "PUT /profiles/blue/secrets/DB",
    "POST /secrets",
    "GET /secrets",
    "GET /secrets/ID",
)
ON_PUT = "PUT /api/v1/profiles/blue/secrets/*"
LOOK = "GET /api/v1/secrets/*"


def left(bench: Bench, description: str = "", value: str | None = "left") -> str:
    """Leave a secret without an entry, and give its id."""
    return bench.fake.plant(BLUE, value, description=description)


def empty(bench: Bench) -> bool:
    """Whether the profile has no entry, and Global no secret."""
    return not bench.fake.profiles["blue"].entries and not bench.fake.secrets


def test_the_secret_is_claimed_before_the_entry_is_written(bench: Bench) -> None:
    """What a kill between the two leaves has neither a value nor an entry, and our mark."""
    made = bench.create(bench.open(), address=KEY, tags={"tier": "gold"}, description="words")
    claim, put = bench.proxy.calls("P* /api/v1/*")
    assert (claim.document["ref"], "value" in claim.document) == (BLUE, False)
    assert claim.document["description"].startswith("words\nsyncer:v1 ")
    assert put.document == {"value": "v1"}
    assert bench.calls() == [PROFILE, CLAIM, PUT, GET]
    assert (made.owner, made.tags, made.description) == ("shop", {"tier": "gold"}, "words")
    assert made.version.startswith("1@")
    assert seen(bench.open(), KEY.scope) == {str(KEY): made}


def test_a_kill_between_claim_and_entry(bench: Bench) -> None:
    """Nothing is seen of it, not in Global either, and the next run goes on with it."""
    mark = Mark("shop", KEY, {})
    claimed = left(bench, together("", mark), value=None)
    backend = bench.open()
    assert seen(backend, KEY.scope, "global") == {}
    bench.calls()
    made = bench.create(backend, address=KEY, tags={"a": "b"})
    assert bench.calls() == [PROFILE, CLAIM, LIST, "PATCH /secrets/ID", PUT, GET]
    assert (made.remote_id, made.owner, made.tags) == (claimed, "shop", {"a": "b"})
    assert made.version.startswith("1@")


@pytest.mark.parametrize("description", ["", "Runtime profile blue secret DB", together("", Mark("shop", KEY, {}))])
def test_what_a_deleted_entry_has_left(bench: Bench, description: str) -> None:
    """Ours or nobody's: it is taken up again, as Dagu does, under a new version."""
    secret_id = left(bench, description)
    made = bench.create(bench.open(), address=KEY)
    assert (made.remote_id, made.owner, made.description) == (secret_id, "shop", "")
    assert made.version.startswith("2@")
    assert bench.record(KEY).served == "v1"


@pytest.mark.parametrize("description", ["", together("", Mark("shop", KEY, {}))], ids=["nobody's", "ours"])
def test_what_was_left_disabled(bench: Bench, description: str) -> None:
    """It is enabled before the entry is written: what was created gives its value to runs, after one apply."""
    secret_id = bench.fake.plant(BLUE, "left", description=description, enabled=False)
    house = bench.house()
    house.declare(secret(str(KEY)))
    assert not house.apply().failed
    calls = [call for call in bench.calls() if not call.startswith("GET ")]
    assert calls == [CLAIM, "PATCH /secrets/ID", "POST /secrets/ID/enable", PUT]
    assert bench.record(KEY).metadata.id == secret_id
    assert bench.fake.resolve("", BLUE) == "v1"
    assert house.plan().changes == ()


def test_a_mark_that_was_copied_there(bench: Bench) -> None:
    """Of another entry: it is nobody's, whatever project it names."""
    left(bench, together("", Mark("other", Address("profile/green", "DB"), {})))
    assert bench.create(bench.open(), address=KEY).owner == "shop"


def test_what_another_project_has_left(bench: Bench) -> None:
    """It stays theirs, and nothing is written."""
    left(bench, together("", Mark("other", KEY, {})))
    backend = bench.open()
    with pytest.raises(AlreadyExists) as caught:
        bench.create(backend, address=KEY)
    assert caught.value.message == f"{KEY}: claimed by project other in dagu"
    assert caught.value.hint == "plan again"
    assert bench.fake.profiles["blue"].entries == {}
    record = bench.fake.secret(BLUE)
    assert record
    assert record.values == ["left"]


def test_what_nobody_can_see(bench: Bench) -> None:
    """A damaged secret under the ref: the entry cannot be made."""
    bench.fake.secrets[left(bench)].readable = False
    with pytest.raises(AlreadyExists) as caught:
        bench.create(bench.open(), address=KEY)
    assert caught.value.message == f"{KEY}: claimed by somebody else in dagu"


@pytest.mark.parametrize("kind", ["variables", "secrets"])
def test_an_entry_that_is_there(bench: Bench, kind: str) -> None:
    """A secret or a variable: nothing is claimed; a plan says before that it is not ours."""
    bench.raw.ask(f"PUT /profiles/blue/{kind}/DB", {"value": "theirs"})
    held = len(bench.fake.secrets)
    with pytest.raises(AlreadyExists, match=f"{KEY}: already in the runtime profile"):
        bench.create(bench.open(), address=KEY)
    assert bench.calls()[0] == PROFILE
    assert len(bench.fake.secrets) == held
    house = bench.house()
    house.declare(secret(str(KEY)))
    assert [problem.code for problem in house.plan().errors] == ["unmanaged"]


def test_a_variable_cannot_become_a_secret(bench: Bench) -> None:
    """Made between our look and our write, or ours by an import: Dagu refuses it, and what we claimed is withdrawn."""
    bench.before(ON_PUT, lambda: bench.raw.ask("PUT /profiles/blue/variables/DB", {"value": "theirs"}))
    backend = bench.open()
    with pytest.raises(Refused) as caught:
        bench.create(backend, address=KEY)
    where = f"dagu at {bench.proxy.url}/api/v1"
    assert caught.value.message == f"{KEY}: {where} refused PUT /profiles/blue/secrets/DB (400)"
    assert bench.fake.secrets == {}
    found = backend.look(KEY)
    assert found
    with pytest.raises(Refused):
        backend.rotate(declared(KEY), Sensitive(b"v2"), found)
    assert bench.fake.profiles["blue"].entries["DB"].value == "theirs"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=403, headers=JSON, body=b"{}"), AccessDenied),
        (Answer(status=404, headers=JSON, body=b"{}"), NotFound),
        (Answer(status=400, headers=JSON, body=b"{}"), Refused),
        (Answer(status=401), AccessDenied),
        (Answer(status=429), Refused),
    ],
    ids=str,
)
def test_a_refused_entry_withdraws_the_claim(bench: Bench, answer: Answer, kind: type[SyncerError]) -> None:
    """Nothing is left of it; what was left there before stays."""
    backend = bench.open()
    bench.spoil(ON_PUT, answer)
    with pytest.raises(kind):
        bench.create(backend, address=KEY)
    assert empty(bench)
    assert bench.calls()[-1] == "DELETE /secrets/ID"
    left(bench)
    with pytest.raises(kind):
        bench.create(backend, address=KEY)
    record = bench.fake.secret(BLUE)
    assert record
    assert record.values == ["left"]


def test_a_claim_that_cannot_be_withdrawn(bench: Bench) -> None:
    """The refusal of the entry is told, not that."""
    denied = Answer(status=403, headers=JSON, body=b"{}")
    bench.spoil("[PD][UE][TL]* /api/v1/*", denied)
    with pytest.raises(AccessDenied, match="PUT /profiles/blue/secrets/DB"):
        bench.create(bench.open(), address=KEY)
    bench.proxy.set()
    assert bench.create(bench.open(), address=KEY).version.startswith("1@")


@pytest.mark.parametrize("fault", [Reset(after_forward=True), Reset(after_forward=False), Answer(status=503)], ids=str)
def test_an_entry_that_may_have_been_written(bench: Bench, fault: Reset | Answer) -> None:
    """The claim stays, for it may hold the value by now; the engine looks, and makes it once."""
    bench.spoil(ON_PUT, fault, times=1)
    with pytest.raises(Transient):
        bench.create(bench.open(), address=KEY)
    record = bench.fake.secret(BLUE)
    assert record
    house = bench.house()
    house.declare(secret("profile/blue:OTHER"))
    bench.spoil(ON_PUT, fault, times=1)
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert bench.record(Address("profile/blue", "OTHER")).values == ["v1"]


def test_an_entry_that_was_written_and_cannot_be_looked_at(bench: Bench) -> None:
    """It holds the value: the secret behind it is not taken away again."""
    backend = bench.open()
    bench.spoil(LOOK, Answer(status=503))
    with pytest.raises(BackendError) as caught:
        bench.create(backend, address=KEY)
    assert type(caught.value) is BackendError
    assert bench.record(KEY).served == "v1"
    bench.proxy.set()
    found = backend.look(KEY)
    assert found
    assert found.owner == "shop"


def test_an_entry_that_is_gone_at_once(bench: Bench) -> None:
    """Somebody deleted the secret between our write and our look."""
    drop = bench.fake.state.secrets.drop
    bench.before(LOOK, lambda: drop(bench.record(KEY).metadata.id))
    with pytest.raises(Transient) as caught:
        bench.create(bench.open(), address=KEY)
    assert caught.value.message == f"{KEY}: dagu wrote it, and shows it no longer"


@pytest.mark.parametrize(
    "calls", ["GET */profiles/*", "POST */secrets", "GET */secrets", "PATCH *", "PUT *", "GET */secrets/*"]
)
def test_a_server_that_throttles(bench: Bench, calls: str) -> None:
    """Each call of it is waited for, whichever it is; what a proxy never lets through was not written."""
    left(bench)
    bench.spoil(calls, Answer(status=429), times=2)
    assert bench.create(bench.open(), address=KEY).version.startswith("2@")
    assert len(bench.slept) == 2
