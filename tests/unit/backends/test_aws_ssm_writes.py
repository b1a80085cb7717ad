"""What Parameter Store is sent: what stays, what waits its turn, and what happens when somebody else is faster."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from conformance.fakes.ssm_client import Parameter, SsmClient
from support import House, secret

from syncer.backends.aws import parameter_store
from syncer.errors import (
    AccessDenied,
    AlreadyExists,
    BackendError,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
    Unsupported,
)
from syncer.model import Address
from syncer.retry import Pace, Retry
from syncer.sensitive import Sensitive
from syncer.testing import Fault, Faulty
from syncer.testing.base import CANARY, assert_no_leak, declared, error_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncer.backends.base import Backend
    from syncer.model import Observed

ONE = Address("payments", "prod/db-password")
NAME = "/shop/payments/prod/db-password"
SECRET = declared(ONE, tags={"team": "payments"}, description="primary database")
VALUE = Sensitive(b"v1")
NEXT = Sensitive(b"v2")


@pytest.fixture
def client() -> SsmClient:
    """An empty Parameter Store."""
    return SsmClient()


@pytest.fixture
def backend(client: SsmClient, tmp_path: Path) -> Backend:
    """The backend of project `shop` on it."""
    return client.open(tmp_path)


def _there(backend: Backend) -> list[Observed]:
    return list(backend.observe(["payments"], []))


def _plant(client: SsmClient, **facts: object) -> None:
    client.parameters[NAME] = Parameter(name=NAME, **{"type": "SecureString", "value": "old", **facts})


def test_a_create_is_one_call(client: SsmClient, backend: Backend) -> None:
    """Value, marks, tags and description go together, and nothing can be written over."""
    made = backend.create(SECRET, VALUE)
    ((action, request),) = client.calls
    assert action == "PutParameter"
    assert request.items() >= {"Name": NAME, "Type": "SecureString", "Tier": "Standard", "Value": "v1"}.items()
    assert not request.keys() & {"Overwrite", "KeyId", "Description"}
    number, _, birth = made.version.partition("-")
    assert client.parameters[NAME].tags == {
        "team": "payments",
        "syncer:project": "shop",
        "syncer:address": "payments:prod/db-password",
        "syncer:birth": birth,
        "syncer:description": "primary database",
    }
    assert (number, len(birth), _there(backend)) == ("1", 16, [made])


def test_births_differ(client: SsmClient, backend: Backend) -> None:
    """One that is made anew under the same name, with the same number, has another version."""
    first = backend.create(SECRET, VALUE)
    backend.delete(first)
    assert backend.create(SECRET, VALUE).version != first.version
    assert client.parameters[NAME].version == 1


@pytest.mark.parametrize(
    ("option", "found", "sent"),
    [
        ("standard", "Standard", "Standard"),
        ("standard", "Advanced", "Advanced"),
        ("advanced", "Standard", "Advanced"),
        ("advanced", "Advanced", "Advanced"),
        ("intelligent-tiering", "Standard", "Intelligent-Tiering"),
        ("intelligent-tiering", "Advanced", "Advanced"),
    ],
)
def test_tiers(client: SsmClient, tmp_path: Path, option: str, found: str, sent: str) -> None:
    """AWS lets no parameter go back from the advanced tier, so none is asked to."""
    backend = client.open(tmp_path, tier=option)
    _plant(client, tier=found)
    backend.rotate(SECRET, NEXT, _there(backend)[0])
    assert client.calls[-1][1]["Tier"] == sent
    del client.parameters[NAME]
    backend.create(SECRET, VALUE)
    assert client.calls[-1][1]["Tier"] == option.title()


def test_a_rotation_keeps_what_an_overwrite_would_reset(client: SsmClient, backend: Backend) -> None:
    """The key that somebody chose is sent again: AWS would take the account's own."""
    other = {"Description": "said by hand", "AllowedPattern": "v.*"}
    _plant(client, key="alias/theirs", other=other, tags={"team": "a"}, version=3)
    found = _there(backend)[0]
    turned = backend.rotate(SECRET, NEXT, found)
    now = client.parameters[NAME]
    assert (now.key, now.other, now.tags, now.value) == ("alias/theirs", other, {"team": "a"}, "v2")
    assert client.calls[-1][1].items() >= other.items()
    assert (turned.version, turned.tags, turned.owner) == ("4", {"team": "a"}, None)


def test_the_option_decides_about_the_key(client: SsmClient, tmp_path: Path) -> None:
    """Where the manifest names one, creates and rotations use it."""
    backend = client.open(tmp_path, kms_key_id="alias/ours")
    _plant(client, key="alias/theirs")
    backend.rotate(SECRET, NEXT, _there(backend)[0])
    backend.create(declared(Address("payments", "new")), VALUE)
    assert {each.key for each in client.parameters.values()} == {"alias/ours"}


def test_what_is_gone_is_not_made_by_a_rotation(client: SsmClient, backend: Backend) -> None:
    """An overwrite makes what is not there, without a mark of ours."""
    made = backend.create(SECRET, VALUE)
    client.parameters.clear()
    with pytest.raises(NotFound, match=r"^payments:prod/db-password: not in Parameter Store$"):
        backend.rotate(SECRET, NEXT, made)
    assert (client.parameters, client.counted["PutParameter"]) == ({}, 1)


@pytest.mark.parametrize("enabled", [True, False])
def test_what_goes_just_before_the_write_comes_back_as_ours(
    client: SsmClient, backend: Backend, *, enabled: bool
) -> None:
    """An overwrite that finds nothing makes a parameter: it gets its marks, and stays disabled if it was."""
    made = backend.set_enabled(backend.create(SECRET, VALUE), enabled=enabled)
    client.meanwhile["PutParameter"] = client.parameters.clear
    client.refusals["AddTagsToResource"] = ["TooManyUpdates"]
    turned = backend.rotate(SECRET, NEXT, made)
    assert [turned] == _there(backend)
    assert (turned.owner, turned.enabled, turned.tags) == ("shop", enabled, {"team": "payments"})
    assert turned.version.startswith("1-")
    assert turned.version != made.version


def test_a_write_between_look_and_rotation_is_written_over(client: SsmClient, backend: Backend) -> None:
    """The store has no condition; the version that we got is the one that holds our value."""
    made = backend.create(SECRET, VALUE)

    def somebody() -> None:
        client.parameters[NAME].version += 1

    client.meanwhile["PutParameter"] = somebody
    turned = backend.rotate(SECRET, NEXT, made)
    assert turned.version == f"3-{made.version.partition('-')[2]}"
    assert [turned] == _there(backend)


def test_a_plain_string_is_not_filled_with_a_secret(client: SsmClient, backend: Backend) -> None:
    """AWS changes no type; the error says what to do."""
    _plant(client, type="String")
    with pytest.raises(Refused) as caught:
        backend.rotate(SECRET, NEXT, _there(backend)[0])
    assert caught.value.hint is not None
    assert "SecureString" in caught.value.hint
    assert client.parameters[NAME].value == "old"


def test_an_update_is_one_call_unless_something_goes(client: SsmClient, backend: Backend) -> None:
    """Setting is one call; removing is another, before it."""
    made = backend.create(SECRET, VALUE)
    client.calls.clear()
    changed = backend.update(declared(ONE, tags={"team": "b"}, description="second"), made, ())
    assert (client.counted, _there(backend)) == ({"AddTagsToResource": 1}, [changed])
    client.calls.clear()
    bare = backend.update(declared(ONE), changed, {"team"})
    assert [action for action, _ in client.calls] == ["RemoveTagsFromResource", "AddTagsToResource"]
    assert client.calls[0][1]["TagKeys"] == ["team", "syncer:description"]
    assert (bare.tags, bare.description, bare.version, _there(backend)) == ({}, "", made.version, [bare])


def test_an_update_sets_the_birth_mark_again(client: SsmClient, backend: Backend) -> None:
    """Whoever takes all tags away meanwhile does not move the version; what never had one is given none."""
    made = backend.create(SECRET, VALUE)
    client.parameters[NAME].tags.clear()
    changed = backend.update(declared(ONE, tags={"team": "b"}), replace(made, description=""), ())
    assert (changed.version, _there(backend)) == (made.version, [changed])
    _plant(client, version=7)
    taken = backend.update(SECRET, _there(backend)[0], ())
    assert (taken.version, taken.owner, _there(backend)) == ("7", "shop", [taken])


@pytest.mark.parametrize(
    ("call", "kind"), [("RemoveTagsFromResource", AccessDenied), ("AddTagsToResource", BackendError)]
)
def test_an_update_that_is_denied_half_way(
    client: SsmClient, backend: Backend, call: str, kind: type[SyncerError]
) -> None:
    """A denial of the second call must not say that all is as it was."""
    made = backend.create(SECRET, VALUE)
    client.refusals[call] = ["AccessDeniedException"]
    problem = error_of(lambda: backend.update(declared(ONE), made, {"team"}))
    assert type(problem) is kind
    assert call in problem.message


def test_what_comes_back_and_cannot_be_marked(client: SsmClient, backend: Backend) -> None:
    """The value is written, so no denial may say that it is not."""
    made = backend.create(SECRET, VALUE)
    client.meanwhile["PutParameter"] = client.parameters.clear
    client.refusals["AddTagsToResource"] = ["AccessDeniedException"]
    problem = error_of(lambda: backend.rotate(SECRET, NEXT, made))
    assert type(problem) is BackendError
    assert client.parameters[NAME].value == "v2"


def test_arns(client: SsmClient, backend: Backend) -> None:
    """AWS does not tell it of what it makes, so nothing is made up; whoever asks for the parameter learns it."""
    arn = f"arn:aws:ssm:eu-west-1:111122223333:parameter{NAME}"
    made = backend.create(SECRET, VALUE)
    assert made.remote_id == ""
    client.parameters[NAME].other["ARN"] = arn
    assert (_there(backend)[0].remote_id, backend.look(ONE).remote_id) == (arn, arn)
    assert backend.rotate(SECRET, NEXT, made).remote_id == arn
    client.meanwhile["PutParameter"] = client.parameters.clear
    assert backend.rotate(SECRET, NEXT, made).remote_id == arn


def test_fifty_tags_can_be_exchanged(client: SsmClient, backend: Backend) -> None:
    """What goes makes room for what comes; one too many is refused with the reason."""
    _plant(client, tags={f"theirs-{number}": "" for number in range(48)})
    found = _there(backend)[0]
    with pytest.raises(Refused, match="TooManyTagsError") as caught:
        backend.update(declared(ONE, tags={"new": "1"}), found, ())
    assert caught.value.hint is not None
    changed = backend.update(declared(ONE, tags={"new": "1"}), found, {"theirs-7"})
    assert [changed] == _there(backend)
    assert len(client.parameters[NAME].tags) == 50


def test_disable_enable_and_delete_are_one_call_each(client: SsmClient, backend: Backend) -> None:
    """A mark comes, a mark goes, the parameter goes."""
    made = backend.create(SECRET, VALUE)
    client.calls.clear()
    off = backend.set_enabled(made, enabled=False)
    assert client.parameters[NAME].tags["syncer:enabled"] == "false"
    backend.set_enabled(off, enabled=True)
    assert "syncer:enabled" not in client.parameters[NAME].tags
    backend.delete(made)
    assert client.parameters == {}
    assert client.counted == {"AddTagsToResource": 1, "RemoveTagsFromResource": 1, "DeleteParameter": 1}


def _four_writes(backend: Backend) -> None:
    made = backend.create(SECRET, VALUE)
    turned = backend.rotate(SECRET, NEXT, made)
    bare = backend.update(declared(ONE), turned, ())
    backend.delete(bare)


@pytest.mark.parametrize("rate", [3, 10])
def test_writes_wait_for_their_turn(
    client: SsmClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    """Every write takes a turn, tags too; reads take none."""
    slept: list[float] = []
    monkeypatch.setattr(parameter_store, "Pace", partial(Pace, clock=lambda: 0.0))
    backend = client.open(tmp_path, retry=Retry(sleep=slept.append), writes_per_second=rate)
    _four_writes(backend)
    _there(backend)
    # An update that removes the description is two writes.
    assert slept == pytest.approx([turn / rate for turn in (1, 2, 3, 4)])


def test_three_a_second_unless_told() -> None:
    """What AWS allows every account."""
    assert parameter_store.ParameterStoreOptions().writes_per_second == 3


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("TooManyUpdates", Throttled),
        ("InternalServerError", Transient),
        ("AccessDeniedException", AccessDenied),
        ("ParameterLimitExceeded", Refused),
        ("ParameterMaxVersionLimitExceeded", Refused),
        ("InvalidKeyId", Refused),
        ("ParameterNotFound", NotFound),
        ("InvalidResourceId", NotFound),
    ],
)
@pytest.mark.parametrize("action", ["PutParameter", "AddTagsToResource", "RemoveTagsFromResource", "DeleteParameter"])
def test_a_write_that_fails_is_left_to_the_engine(
    client: SsmClient, backend: Backend, action: str, code: str, error: type[BackendError]
) -> None:
    """It is made once, and the error says which call failed for whom."""
    writes: dict[str, Callable[[Observed], object]] = {
        "PutParameter": lambda made: backend.rotate(SECRET, Sensitive(CANARY), made),
        "AddTagsToResource": lambda made: backend.update(SECRET, made, ()),
        "RemoveTagsFromResource": lambda made: backend.set_enabled(made, enabled=True),
        "DeleteParameter": backend.delete,
    }
    made = backend.create(SECRET, VALUE)
    client.refusals[action] = [code]
    with pytest.raises(error, match=rf"^payments:prod/db-password: .*ssm:{action}\b") as caught:
        writes[action](made)
    assert client.counted[action] == (2 if action == "PutParameter" else 1)
    assert_no_leak(CANARY, caught.value)


def test_what_comes_before_the_last_call_is_tried_by_itself(client: SsmClient, backend: Backend) -> None:
    """A tag that is removed again was removed; what never ends is no Transient, which would begin it all anew."""
    made = backend.create(SECRET, VALUE)
    client.refusals["RemoveTagsFromResource"] = ["ThrottlingException", "InternalServerError"]
    assert backend.update(declared(ONE), made, {"team"}).tags == {}
    client.refusals["DescribeParameters"] = ["InternalServerError"] * 99
    with pytest.raises(BackendError) as caught:
        backend.rotate(SECRET, NEXT, made)
    assert not isinstance(caught.value, Transient)


@pytest.mark.parametrize("error", [Transient("connection reset"), Throttled("slow down")])
def test_lost_answers_make_nothing_twice(client: SsmClient, tmp_path: Path, error: BackendError) -> None:
    """The engine finds what a create or a rotation left whose answer never came; what was throttled was not made."""
    lost = [
        Fault(error=error, method=method, after=not isinstance(error, Throttled)) for method in ("create", "rotate")
    ]
    house = House(tmp_path, wrap=lambda _memory: Faulty(client.open(tmp_path), lost))
    house.declare(secret("payments:prod/db-password", tags={"team": "a"}))
    assert not house.apply().failed
    house.environ["VALUE"] = "v2"
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert (client.parameters[NAME].version, client.counted["PutParameter"]) == (2, 2)


def test_a_second_create_is_refused(client: SsmClient, backend: Backend) -> None:
    """By the store, in the same call."""
    _plant(client)
    with pytest.raises(AlreadyExists, match="payments:prod/db-password"):
        backend.create(SECRET, VALUE)
    assert (client.parameters[NAME].value, len(client.calls)) == ("old", 1)


def test_no_value_shows_where_aws_quotes_it(
    client: SsmClient, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some refusals of AWS repeat the value."""

    def quoting(**request: object) -> None:
        said = {"Error": {"Code": "ValidationException", "Message": f"do not use this: {request['Value']}"}}
        raise ClientError(said, "PutParameter")

    monkeypatch.setattr(client, "put_parameter", quoting)
    with pytest.raises(Refused) as caught:
        backend.create(SECRET, Sensitive(CANARY))
    assert_no_leak(CANARY, caught.value)


def test_what_is_no_text_never_reaches_the_sdk(client: SsmClient, backend: Backend) -> None:
    """Neither a decoder's error nor the SDK's holds it."""
    with pytest.raises(Unsupported) as caught:
        backend.create(SECRET, Sensitive(CANARY + b"\xff"))
    assert client.calls == []
    assert_no_leak(CANARY, caught.value)
