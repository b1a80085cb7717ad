"""What the Secrets Manager backend writes: once, in as few calls as it takes, and around what others keep there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.aws import REGION, by_hand
from conformance.fakes.answers import aws_error
from conformance.fakes.fault_proxy import FaultProxy, Reset, Rewrite, Rule
from conformance.fakes.loopback import Answer
from support import GENERATE, House, actions, secret

from syncer.backends.aws.secret_values import request_token
from syncer.errors import AccessDenied, AlreadyExists, BackendError, NotFound, Refused, Transient, VersionConflict
from syncer.model import Address, OnRemove, Rotation
from syncer.sensitive import Sensitive
from syncer.testing.base import declared, error_of, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.aws import Store

ONE = Address("payments", "prod/db")
V1, V2 = b"v1", b"v2"
COPY = "eu-west-1"
PENDING = "You can't create this secret because a secret with this name is already scheduled for deletion."


def _names(proxy: FaultProxy) -> list[str]:
    return [call.name for call in proxy.log]


def test_token_is_of_the_change_and_keyed() -> None:
    """The same change has the same token; another value, version, name or key has another. It is a UUID."""
    token = request_token(b"k" * 32, ("shop", "n", "", "0"), Sensitive(V1))
    assert str(uuid.UUID(token)) == token
    assert token == request_token(b"k" * 32, ("shop", "n", "", "0"), Sensitive(V1))
    others = [
        request_token(b"x" * 32, ("shop", "n", "", "0"), Sensitive(V1)),
        request_token(b"k" * 32, ("shop", "n", "", "0"), Sensitive(V2)),
        request_token(b"k" * 32, ("shop", "m", "", "0"), Sensitive(V1)),
        request_token(b"k" * 32, ("shop", "n", "1", "0"), Sensitive(V1)),
        request_token(b"k" * 32, ("shop", "n", "", "1"), Sensitive(V1)),
        request_token(b"k" * 32, ("sho", "pn", "", "0"), Sensitive(V1)),
    ]
    assert len({token, *others}) == 7


def test_the_same_create_makes_nothing_twice(store: Store) -> None:
    """Also where another process repeats it; another value is refused."""
    made = store.open().create(declared(ONE), Sensitive(V1))
    again = store.open().create(declared(ONE), Sensitive(V1))
    assert again == made
    assert store.versions("prod/db") == {made.version: ["AWSCURRENT"]}
    with pytest.raises(AlreadyExists):
        store.open().create(declared(ONE), Sensitive(V2))


def test_the_same_rotation_makes_nothing_twice(store: Store) -> None:
    """A repeated put answers with the version that is there."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    turned = backend.rotate(declared(ONE), Sensitive(V2), made)
    assert backend.rotate(declared(ONE), Sensitive(V2), made) == turned
    assert store.versions("prod/db") == {made.version: ["AWSPREVIOUS"], turned.version: ["AWSCURRENT"]}


def test_there_and_back_again(store: Store) -> None:
    """A value that was there before is a new version."""
    backend = store.open()
    one = backend.create(declared(ONE), Sensitive(V1))
    two = backend.rotate(declared(ONE), Sensitive(V2), one)
    three = backend.rotate(declared(ONE), Sensitive(V1), two)
    four = backend.rotate(declared(ONE), Sensitive(V2), three)
    assert len({one.version, two.version, three.version, four.version}) == 4
    assert same(backend.read(ONE), Sensitive(V2))


def test_a_rotation_after_somebody_went_back(house: House, store: Store) -> None:
    """AWS ignores a put whose version exists, though it is not the current one; the plan converges all the same."""
    house.declare(secret(str(ONE)))
    house.apply()
    house.environ["VALUE"] = "v2"
    house.apply()
    for _ in range(3):
        stages = {staged[0]: version for version, staged in store.versions("prod/db").items()}
        store.client.update_secret_version_stage(
            SecretId=store.name("prod/db"),
            VersionStage="AWSCURRENT",
            RemoveFromVersionId=stages["AWSCURRENT"],
            MoveToVersionId=stages["AWSPREVIOUS"],
        )
        plan = house.plan()
        assert actions(plan.changes) == ["rotate(drifted)"]
        assert not house.apply(plan).failed
        assert house.plan().changes == ()
        assert same(store.open().read(ONE), Sensitive(V2))


def test_a_version_that_never_becomes_current(store: Store, proxy: FaultProxy) -> None:
    """A store that ignores every put is not asked for ever."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    ignored = Answer(body=b'{"VersionId": "00000000-0000-4000-8000-000000000000", "VersionStages": []}')
    proxy.set(Rule(fault=ignored, calls="PutSecretValue"))
    with pytest.raises(BackendError, match="does not make the new version the current one"):
        backend.rotate(declared(ONE), Sensitive(V2), made)
    assert len(proxy.calls("PutSecretValue")) == 20
    assert len(proxy.calls("DescribeSecret")) == 1


@pytest.mark.parametrize("stages", [{"VersionStages": []}, {}])
def test_a_version_whose_stages_are_not_told(store: Store, proxy: FaultProxy, stages: dict[str, object]) -> None:
    """It is looked at, and not taken for another's."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    proxy.set(Rule(fault=Rewrite(lambda page: {"VersionId": page["VersionId"], **stages}), calls="PutSecretValue"))
    turned = backend.rotate(declared(ONE), Sensitive(V2), made)
    assert turned.version == backend.look(ONE).version != made.version
    assert len(proxy.calls("PutSecretValue")) == 1


def test_what_somebody_wrote_after_ours_stays(store: Store, proxy: FaultProxy) -> None:
    """The same rotation again finds its version superseded: that is no going back, and is not written over."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    backend.rotate(declared(ONE), Sensitive(V2), made)
    store.client.put_secret_value(SecretId=store.name("prod/db"), SecretString="theirs")
    proxy.clear()
    with pytest.raises(VersionConflict, match="payments:prod/db was changed by somebody else"):
        backend.rotate(declared(ONE), Sensitive(V2), made)
    assert _names(proxy) == ["PutSecretValue", "DescribeSecret"]
    assert same(backend.read(ONE), Sensitive(b"theirs"))


def test_the_store_tells_our_own_writes(store: Store) -> None:
    """By the id of the current version, which only this change gives; after any number of reversals."""
    backend, secret_ = store.open(), declared(ONE)
    made = backend.create(secret_, Sensitive(V1))
    assert backend.wrote(secret_, Sensitive(V1), None, made) is True
    assert backend.wrote(secret_, Sensitive(V2), None, made) is False
    for _ in range(3):
        turned = backend.rotate(secret_, Sensitive(V2), made)
        assert backend.wrote(secret_, Sensitive(V2), made, turned) is True
        assert backend.wrote(secret_, Sensitive(V1), made, turned) is False
        assert backend.wrote(secret_, Sensitive(V2), turned, turned) is False
        assert backend.wrote(secret_, Sensitive(V2), None, turned) is False
        store.client.update_secret_version_stage(
            SecretId=store.name("prod/db"),
            VersionStage="AWSCURRENT",
            RemoveFromVersionId=turned.version,
            MoveToVersionId=made.version,
        )


@pytest.mark.parametrize("call", ["CreateSecret", "PutSecretValue"])
def test_a_lost_answer_makes_no_second(house: House, store: Store, proxy: FaultProxy, call: str) -> None:
    """The engine looks, knows its own doing by the version's id, and the next plan is empty. No value is read."""
    house.declare(secret(str(ONE)))
    if call == "PutSecretValue":
        house.apply()
        house.environ["VALUE"] = "v2"
    proxy.set(Rule(fault=Reset(after_forward=True), calls=call, times=1))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert len(store.versions("prod/db")) == (1 if call == "CreateSecret" else 2)
    assert len(proxy.calls(call)) == 1
    assert not proxy.calls("*GetSecretValue")


@pytest.mark.parametrize("call", ["CreateSecret", "PutSecretValue"])
@pytest.mark.parametrize("nothing", [{}, [1], {"VersionId": 5, "ARN": None}], ids=["empty", "list", "numbers"])
def test_an_answer_that_says_nothing_makes_no_second(
    house: House, store: Store, proxy: FaultProxy, call: str, nothing: object
) -> None:
    """The write may have been made: the engine looks before it makes another."""
    house.declare(secret(str(ONE), GENERATE))
    if call == "PutSecretValue":
        house.apply()
        house.declare(secret(str(ONE), GENERATE, rotate=Rotation(version=1)))
    proxy.set(Rule(fault=Rewrite(lambda _page: nothing), calls=call, times=1))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert len(store.versions("prod/db")) == (1 if call == "CreateSecret" else 2)
    assert len(proxy.calls(call)) == 1


def test_a_create_sends_all_at_once(store: Store, proxy: FaultProxy) -> None:
    """Tags, marks, description and key in the one call, and nothing that is empty."""
    backend = store.open(kms_key_id="alias/ours")
    backend.create(declared(ONE, tags={"team": "a"}, description="d"), Sensitive(V1))
    backend.create(declared(Address("payments", "bare")), Sensitive(V1))
    first, second = (call.document for call in proxy.log)
    assert first.keys() == {"Name", "ClientRequestToken", "Tags", "Description", "KmsKeyId", "SecretString"}
    assert second.keys() == {"Name", "ClientRequestToken", "Tags", "KmsKeyId", "SecretString"}
    assert store.tags("prod/db") == {"team": "a", "syncer:project": "shop", "syncer:address": "payments:prod/db"}


@pytest.mark.parametrize("text", [PENDING, "a secret marked deleted"])
def test_create_over_what_is_pending_deletion(store: Store, proxy: FaultProxy, text: str) -> None:
    """AWS calls it an invalid request, emulators an existing resource; both say AlreadyExists."""
    code = "InvalidRequestException" if text == PENDING else "ResourceExistsException"
    proxy.set(Rule(fault=aws_error(code, text)))
    with pytest.raises(AlreadyExists, match="payments:prod/db: already in AWS, pending deletion"):
        store.open().create(declared(ONE), Sensitive(V1))


def test_what_is_pending_is_restored_by_the_engine(house: House, store: Store, proxy: FaultProxy) -> None:
    """A secret that comes back to the manifest comes back as it was, and gets its new value."""
    house.declare(secret(str(ONE), on_remove=OnRemove.DELETE, tags={"team": "a"}))
    house.apply()
    house.withdraw(str(ONE))
    house.apply()
    assert "DeletedDate" in store.client.describe_secret(SecretId=store.name("prod/db"))
    assert house.plan().changes == ()
    house.declare(secret(str(ONE), on_remove=OnRemove.DELETE, tags={"team": "a"}))
    house.environ["VALUE"] = "v2"
    proxy.clear()
    assert not house.apply().failed
    assert "RestoreSecret" in _names(proxy)
    assert "CreateSecret" not in _names(proxy)
    assert house.plan().changes == ()
    assert same(store.open().read(ONE), Sensitive(V2))


def test_recovery_window(store: Store, proxy: FaultProxy) -> None:
    """The option goes to AWS; nobody is asked about copies where none are kept."""
    backend = store.open(recovery_window_days=7)
    backend.delete(backend.create(declared(ONE), Sensitive(V1)))
    assert _names(proxy) == ["CreateSecret", "DeleteSecret"]
    assert proxy.log[1].document["RecoveryWindowInDays"] == 7


def test_everything_but_restore_refuses_what_is_pending(store: Store) -> None:
    """It is NotFound for all who would write or read it."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    backend.delete(made)
    attempts = (
        lambda: backend.rotate(declared(ONE), Sensitive(V2), made),
        lambda: backend.update(declared(ONE, tags={"a": "b"}), made, ()),
        lambda: backend.update(declared(ONE, description="d"), made, ()),
        lambda: backend.set_enabled(made, enabled=False),
        lambda: backend.set_enabled(made, enabled=True),
        lambda: backend.delete(made),
        lambda: backend.read(ONE),
    )
    for attempt in attempts:
        with pytest.raises(NotFound, match="payments:prod/db: not in AWS, pending deletion"):
            attempt()


def test_a_restore_of_what_is_not_pending(store: Store, proxy: FaultProxy) -> None:
    """Should AWS refuse it, it is NotFound, after which the engine looks."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    proxy.set(Rule(fault=aws_error("InvalidRequestException", "The secret is not so."), calls="RestoreSecret"))
    with pytest.raises(NotFound, match="AWS refused secretsmanager:RestoreSecret"):
        backend.restore(made)


def test_disable_is_a_tag_that_enable_takes_away(store: Store, proxy: FaultProxy) -> None:
    """One call each; other tags stay."""
    backend = store.open()
    made = backend.create(declared(ONE, tags={"team": "a"}), Sensitive(V1))
    store.client.tag_resource(SecretId=store.name("prod/db"), Tags=[{"Key": "theirs", "Value": "x"}])
    off = backend.set_enabled(made, enabled=False)
    assert store.tags("prod/db")["syncer:enabled"] == "false"
    on = backend.set_enabled(off, enabled=True)
    marks = {"syncer:project": "shop", "syncer:address": "payments:prod/db"}
    assert store.tags("prod/db") == {"team": "a", "theirs": "x", **marks}
    assert (off.enabled, on) == (False, made)
    assert _names(proxy) == ["CreateSecret", "TagResource", "UntagResource"]


def test_update_makes_the_calls_that_it_needs(store: Store, proxy: FaultProxy) -> None:
    """What goes, what comes, the description; each only where something differs."""
    backend = store.open()
    made = backend.create(declared(ONE, tags={"old": "1", "team": "a"}, description="d"), Sensitive(V1))
    proxy.clear()
    two = backend.update(declared(ONE, tags={"team": "b", "tier": "gold"}, description="e"), made, ["old"])
    assert _names(proxy) == ["UntagResource", "TagResource", "UpdateSecret"]
    proxy.clear()
    three = backend.update(declared(ONE, tags={"team": "b", "tier": "gold"}, description="f"), two, ())
    assert _names(proxy) == ["UpdateSecret"]
    proxy.clear()
    four = backend.update(declared(ONE, tags={"team": "b"}, description="f"), three, ["tier"])
    assert _names(proxy) == ["UntagResource"]
    proxy.clear()
    five = backend.update(declared(ONE, tags={"team": "c"}), four, ())
    assert _names(proxy) == ["TagResource", "UpdateSecret"]
    assert proxy.log[1].document["Description"] == ""
    assert backend.look(ONE) == five == replace(made, tags={"team": "c"}, description="")


def test_an_update_that_breaks_off_is_seen(house: House, store: Store, proxy: FaultProxy) -> None:
    """Whichever call is the last one, the next run does the rest, and no other tag is lost."""
    house.declare(secret(str(ONE), tags={"old": "1"}, description="d"))
    house.apply()
    store.client.tag_resource(SecretId=store.name("prod/db"), Tags=[{"Key": "theirs", "Value": "x"}])
    house.declare(secret(str(ONE), tags={"new": "1"}, description="e"))
    for last in ("UntagResource", "TagResource", "UpdateSecret"):
        proxy.set(Rule(fault=aws_error("InvalidParameterException", "no"), calls=last))
        assert house.apply().failed
        proxy.set()
        assert actions(house.plan().changes) == ["update(metadata_differs)"]
    assert not house.apply().failed
    assert house.plan().changes == ()
    marks = {"syncer:project": "shop", "syncer:address": "payments:prod/db"}
    assert store.tags("prod/db") == {"new": "1", "theirs": "x", **marks}


def test_a_secret_that_nobody_marked_is_marked_by_an_update(store: Store) -> None:
    """One that was made without a value has the version "", and gets its first one."""
    store.client.create_secret(Name=store.name("prod/db"), Description="shell")
    backend = store.open()
    found = backend.look(ONE)
    assert (found.version, found.owner, found.description) == ("", None, "shell")
    assert list(backend.observe(["payments"], [ONE])) == [found]
    turned = backend.rotate(declared(ONE), Sensitive(V1), found)
    backend.update(declared(ONE, description="shell"), turned, ())
    assert store.tags("prod/db") == {"syncer:project": "shop", "syncer:address": "payments:prod/db"}
    assert same(backend.read(ONE), Sensitive(V1))


def test_copies_in_other_regions(store: Store, proxy: FaultProxy) -> None:
    """Made with the secret, taken away before it is deleted, made again when it is restored."""
    backend = store.open(replica_regions=[COPY, "eu-north-1"])
    made = backend.create(declared(ONE), Sensitive(V1))
    with by_hand(region=COPY) as there:
        assert there.get_secret_value(SecretId=store.name("prod/db"))["SecretString"] == "v1"
        proxy.clear()
        backend.delete(made)
        assert _names(proxy) == ["DescribeSecret", "RemoveRegionsFromReplication", "DeleteSecret"]
        with pytest.raises(there.exceptions.ResourceNotFoundException):
            there.describe_secret(SecretId=store.name("prod/db"))
        proxy.clear()
        with pytest.raises(NotFound):
            backend.delete(made)
        assert _names(proxy) == ["DescribeSecret", "DeleteSecret"]
        proxy.clear()
        backend.restore(replace(made, deleted=True))
        assert _names(proxy) == ["RestoreSecret", "DescribeSecret", "ReplicateSecretToRegions"]
        assert there.get_secret_value(SecretId=store.name("prod/db"))["SecretString"] == "v1"
        proxy.clear()
        backend.restore(made)
        assert _names(proxy) == ["RestoreSecret", "DescribeSecret"]


def test_a_copy_that_fails_is_no_failed_create(store: Store) -> None:
    """The name is taken in the other region; the secret is made."""
    with by_hand(region=COPY) as there:
        there.create_secret(Name=store.name("prod/db"), SecretString="theirs")
    made = store.open(replica_regions=[COPY]).create(declared(ONE), Sensitive(V1))
    assert store.versions("prod/db") == {made.version: ["AWSCURRENT"]}
    (copy,) = store.client.describe_secret(SecretId=store.name("prod/db"))["ReplicationStatus"]
    assert (copy["Region"], copy["Status"]) == (COPY, "Failed")


def test_copies_that_are_not_ours_stop_a_deletion(store: Store) -> None:
    """What the options do not name is not taken away."""
    made = store.open(replica_regions=[COPY]).create(declared(ONE), Sensitive(V1))
    with pytest.raises(Refused, match="payments:prod/db: AWS refused secretsmanager:DeleteSecret") as caught:
        store.open(replica_regions=["eu-north-1"]).delete(made)
    assert caught.value.hint == "where it has copies in other regions, name them in `replica_regions`"


DENIED = aws_error("AccessDeniedException", "no")


def test_a_later_call_that_is_denied_is_no_refusal(store: Store, proxy: FaultProxy) -> None:
    """What was done before it is done; a denial of the first call left everything as it was."""
    backend = store.open(replica_regions=[COPY])
    made = backend.create(declared(ONE, tags={"old": "1"}), Sensitive(V1))
    changed = declared(ONE, tags={"new": "1"}, description="d")
    pending = backend.create(declared(Address("payments", "two")), Sensitive(V1))
    backend.delete(pending)
    attempts: dict[str, Callable[[], object]] = {
        "UntagResource": lambda: backend.update(changed, made, ["old"]),
        "TagResource": lambda: backend.update(changed, made, ["old"]),
        "UpdateSecret": lambda: backend.update(changed, made, ["old"]),
        "RemoveRegionsFromReplication": lambda: backend.delete(made),
        "DeleteSecret": lambda: backend.delete(made),
        "RestoreSecret": lambda: backend.restore(pending),
        "ReplicateSecretToRegions": lambda: backend.restore(pending),
    }
    first = {"UntagResource", "RemoveRegionsFromReplication", "RestoreSecret"}
    for call, attempt in attempts.items():
        proxy.set(Rule(fault=DENIED, calls=call))
        problem = error_of(attempt)
        assert type(problem) is (AccessDenied if call in first else BackendError), call
        assert call in problem.message
        assert problem.hint


def test_a_look_at_copies_that_is_denied(store: Store, proxy: FaultProxy) -> None:
    """Before a deletion it is a denial; after a restoration it is not."""
    backend = store.open(replica_regions=[COPY])
    made = backend.create(declared(ONE), Sensitive(V1))
    proxy.set(Rule(fault=DENIED, calls="DescribeSecret"))
    assert type(error_of(lambda: backend.delete(made))) is AccessDenied
    proxy.set()
    backend.delete(made)
    proxy.set(Rule(fault=DENIED, calls="DescribeSecret"))
    assert type(error_of(lambda: backend.restore(made))) is BackendError


def test_a_deletion_whose_answer_is_lost_is_made(store: Store, proxy: FaultProxy) -> None:
    """After its copies are gone it is tried again in here, and finds that it was made."""
    backend = store.open(replica_regions=[COPY])
    made = backend.create(declared(ONE), Sensitive(V1))
    proxy.set(Rule(fault=Reset(after_forward=True), calls="DeleteSecret", times=1))
    backend.delete(made)
    assert backend.look(ONE).deleted
    assert len(proxy.calls("DeleteSecret")) == 2


def test_a_better_hint_stays(store: Store, proxy: FaultProxy) -> None:
    """Copies are suspected where nothing else is known."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(V1))
    for code, hint in (("LimitExceededException", "a quota"), ("InvalidParameterException", "where it has copies")):
        proxy.set(Rule(fault=aws_error(code, "no"), calls="DeleteSecret"))
        with pytest.raises(Refused) as caught:
            backend.delete(made)
        assert (caught.value.hint or "").startswith(hint)


def test_other_regions_are_other_stores(store: Store) -> None:
    """The option `region` wins over the environment."""
    store.open(region="us-west-2").create(declared(ONE), Sensitive(V1))
    assert list(store.open().observe(["payments"], [ONE])) == []
    assert [found.address for found in store.open(region="us-west-2").observe(["payments"], [ONE])] == [ONE]
    assert REGION != "us-west-2"


def test_a_throttled_write_says_so(store: Store, proxy: FaultProxy) -> None:
    """It is for the engine to try again: a write is one call, and the SDK makes it once."""
    proxy.set(Rule(fault=aws_error("ThrottlingException", "Rate exceeded")))
    with pytest.raises(Transient):
        store.open().create(declared(ONE), Sensitive(V1))
    assert len(proxy.log) == 1
