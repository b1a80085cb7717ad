"""What a plan over Parameter Store asks for: how often, in which order, and what it makes of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.ssm_client import Parameter, SsmClient
from support import GENERATE, House, actions, secret

from syncer.engine.prepare import Request
from syncer.errors import AccessDenied, BackendError, NotFound, Throttled, Transient
from syncer.model import Address, OnRemove, Rotation
from syncer.plans import Calls
from syncer.sensitive import Sensitive
from syncer.testing.base import declared, same

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.backends.base import Backend

ONE = Address("payments", "prod/db-password")
NAME = "/shop/payments/prod/db-password"
ARN = f"arn:aws:ssm:eu-west-1:111122223333:parameter{NAME}"


@pytest.fixture
def client() -> SsmClient:
    """An empty Parameter Store."""
    return SsmClient()


@pytest.fixture
def backend(client: SsmClient, tmp_path: Path) -> Backend:
    """The backend of project `shop` on it."""
    return client.open(tmp_path)


@pytest.fixture
def house(client: SsmClient, tmp_path: Path) -> House:
    """A project whose runs go to that store."""
    return House(tmp_path, wrap=lambda _memory: client.open(tmp_path))


def _put(client: SsmClient, name: str, **facts: object) -> None:
    client.parameters[name] = Parameter(name=name, **{"type": "SecureString", "value": "v", **facts})


def test_a_plan_of_sixty_costs_two_pages_and_their_tags(house: House, client: SsmClient) -> None:
    """No value is read; verifying reads ten a call."""
    house.declare(*(secret(f"payments:key-{number}") for number in range(60)))
    assert not house.apply().failed
    client.calls.clear()
    plan = house.plan()
    assert (plan.changes, client.counted) == ((), {"DescribeParameters": 2, "ListTagsForResource": 60})
    assert plan.calls["default"] == Calls(calls=62, values_read=0)
    assert house.plan(Request(verify_values=True)).calls["default"] == Calls(calls=68, values_read=60)


def test_scopes_share_a_listing(client: SsmClient, backend: Backend) -> None:
    """Fifty folders fit into one filter, so sixty scopes are two listings."""
    _put(client, "/shop/s-07/a")
    found = list(backend.observe([f"s-{number:02}" for number in range(60)], []))
    assert [each.address for each in found] == [Address("s-07", "a")]
    asked = [call["ParameterFilters"][0]["Values"] for action, call in client.calls if action == "DescribeParameters"]
    assert sorted(map(len, asked)) == [10, 50]


def test_nothing_is_asked_for_no_scopes(client: SsmClient, backend: Backend) -> None:
    """A run about nothing makes no call."""
    assert (list(backend.observe([], [])), client.calls) == ([], [])


@pytest.mark.parametrize(
    "path", ["/{scope}/secrets/s-{ref}", "/{scope}/secrets/key-{ref}", "/x-{scope}.y/secrets/k-{ref}"]
)
def test_text_between_scope_and_ref_is_part_of_the_folder(client: SsmClient, tmp_path: Path, path: str) -> None:
    """A filter names the folder up to the last slash, and only what has the whole form is asked for its tags."""
    backend = client.open(tmp_path, path=path)
    backend.create(declared(ONE), Sensitive(b"v"))
    (name,) = client.parameters
    folder = name.rpartition("secrets")[0] + "secrets"
    for stranger in (f"{folder}/key-/x", f"{folder}/-", f"{folder}-2/key-x", "/elsewhere/secrets/key-x"):
        _put(client, stranger)
    client.calls.clear()
    assert [each.address for each in backend.observe([ONE.scope], [])] == [ONE]
    assert client.calls[0][1]["ParameterFilters"][0]["Values"] == [folder]
    assert client.counted["ListTagsForResource"] == 1


def test_other_scopes_are_not_asked_about(client: SsmClient, tmp_path: Path) -> None:
    """One folder can hold the names of several scopes; only what was asked for costs a call."""
    backend = client.open(tmp_path, path="/all/{scope}/{ref}")
    _put(client, "/all/payments/x")
    client.parameters["/all/payments/x"].name = "/all/billing/x"
    assert list(backend.observe(["payments"], [])) == []
    assert client.counted["ListTagsForResource"] == 0


@pytest.mark.parametrize("scope", ["aws-prod", "SSM"])
def test_scopes_that_aws_keeps_to_itself_do_not_break_the_plan(client: SsmClient, tmp_path: Path, scope: str) -> None:
    """AWS refuses the filter as well as the name: nothing is there, and `check` says why."""
    backend = client.open(tmp_path, path="/{scope}/{ref}")
    assert (list(backend.observe([scope], [])), client.calls) == ([], [])


def test_an_empty_page_is_not_the_last(client: SsmClient, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS may stop early and give a token with nothing."""
    _put(client, NAME)
    whole = client.describe_parameters

    def halting(**request: object) -> dict[str, object]:
        if request.pop("NextToken", None) is None:
            return {"Parameters": [], "NextToken": "more"}
        return whole(**request)

    monkeypatch.setattr(client, "describe_parameters", halting)
    assert [each.address for each in backend.observe(["payments"], [])] == [ONE]
    assert backend.look(ONE) is not None


def test_what_others_made_is_shown_as_it_is(client: SsmClient, backend: Backend) -> None:
    """A plain String has a version and tags, and no owner; another project's has that one."""
    _put(client, NAME, type="String", version=7, tags={"team": "a"}, other={"ARN": ARN})
    marks = {"syncer:project": "other", "syncer:enabled": "false", "syncer:description": "theirs", "syncer:birth": "b"}
    _put(client, "/shop/payments/theirs", tags=marks)
    plain, theirs = backend.observe(["payments"], [])
    assert (plain.version, plain.tags, plain.owner, plain.enabled) == ("7", {"team": "a"}, None, True)
    assert (plain.description, plain.remote_id) == ("", ARN)
    assert theirs.remote_id == ""
    assert (theirs.version, theirs.tags, theirs.owner, theirs.enabled) == ("1-b", {}, "other", False)
    assert theirs.description == "theirs"


@pytest.mark.parametrize("look", [True, False])
def test_what_goes_between_two_calls_is_gone(client: SsmClient, backend: Backend, *, look: bool) -> None:
    """A parameter that is listed and deleted before its tags are asked for is not there."""
    _put(client, NAME)
    client.meanwhile["ListTagsForResource"] = client.parameters.clear
    assert (backend.look(ONE) if look else next(iter(backend.observe(["payments"], [])), None)) is None


def test_a_listing_that_lags_misleads_nobody(house: House, client: SsmClient) -> None:
    """What this project did a moment ago is looked at one by one, in two calls each; what others did is found."""
    house.declare(secret("payments:a"), secret("payments:b", on_remove=OnRemove.DELETE))
    house.apply()
    client.freeze()
    house.environ["VALUE"] = "v2"
    house.withdraw("payments:b")
    assert not house.apply().failed
    client.calls.clear()
    assert house.plan().changes == ()
    # The old listing still shows both, the tags of the one that is gone cannot be had, and the other is doubtful.
    assert client.counted == {"DescribeParameters": 2, "ListTagsForResource": 3}
    client.parameters["/shop/payments/a"].version += 1
    assert house.plan().changes == ()
    client.parameters["/shop/payments/a"].value = "theirs"
    assert actions(house.plan().changes) == ["rotate(drifted)"]


def test_one_that_was_made_anew_is_another(house: House, client: SsmClient) -> None:
    """Numbers begin again at 1, so that a secret of somebody else's would pass for ours."""
    house.declare(secret("payments:a"))
    house.apply()
    _put(client, "/shop/payments/a", value="theirs")
    assert actions(house.plan().changes) == ["rotate(drifted)", "update(metadata_differs)"]
    house.apply()
    assert (client.parameters["/shop/payments/a"].value, house.plan().changes) == ("v1", ())


@pytest.mark.parametrize("rotated", [False, True])
def test_tags_that_somebody_takes_away(house: House, client: SsmClient, *, rotated: bool) -> None:
    """The birth mark goes with them: the value tells that it is ours, stays, and the plan settles."""
    house.declare(secret("payments:a", GENERATE, tags={"team": "a"}))
    house.apply()
    if rotated:
        house.declare(secret("payments:a", GENERATE, tags={"team": "a"}, rotate=Rotation(version=1)))
        house.apply()
    parameter = client.parameters["/shop/payments/a"]
    value, parameter.tags = parameter.value, {"theirs": "x"}
    plan = house.plan()
    assert actions(plan.changes) == ["update(metadata_differs)"]
    assert plan.calls["default"].values_read == 1
    assert not house.apply(plan).failed
    assert (parameter.value, parameter.tags["theirs"], parameter.tags["team"]) == (value, "x", "a")
    settled = house.plan()
    assert (settled.changes, settled.drift, settled.calls["default"].values_read) == ((), (), 0)
    house.declare(secret("payments:a", GENERATE, tags={"team": "b"}))
    assert actions(house.plan().changes) == ["update(metadata_differs)"]


def test_only_the_birth_mark_is_taken_away(house: House, client: SsmClient) -> None:
    """Nothing is to be written; the value is read until an apply has taken note of the version."""
    house.declare(secret("payments:a", GENERATE))
    house.apply()
    del client.parameters["/shop/payments/a"].tags["syncer:birth"]
    plan = house.plan()
    assert (plan.changes, plan.calls["default"].values_read) == ((), 1)
    house.apply(plan)
    assert house.plan().calls["default"].values_read == 0


def test_read_many_in_any_order(client: SsmClient, backend: Backend) -> None:
    """Each value goes with its address, also one that is no text any more after JSON."""
    addresses = [Address("payments", name) for name in ("b", "a")]
    _put(client, "/shop/payments/a", value="of a")
    _put(client, "/shop/payments/b", value="\ud800")
    found = dict(backend.read_many(addresses))
    assert same(found[addresses[1]], Sensitive(b"of a"))
    assert same(found[addresses[0]], Sensitive(b"\xed\xa0\x80"))
    assert backend.meter.total == Calls(calls=1, values_read=2)


def test_read_many_names_who_is_gone(client: SsmClient, backend: Backend) -> None:
    """One that is gone fails the batch, by its address."""
    _put(client, NAME)
    with pytest.raises(NotFound, match=r"^payments:gone: not in Parameter Store$"):
        list(backend.read_many([ONE, Address("payments", "gone")]))


@pytest.mark.parametrize("action", ["DescribeParameters", "ListTagsForResource"])
def test_a_throttled_page_is_asked_for_again_by_itself(client: SsmClient, backend: Backend, action: str) -> None:
    """The pages before it are not; each try counts."""
    for number in range(60):
        _put(client, f"/shop/payments/n-{number}")
    client.refusals[action] = ["ThrottlingException", "InternalServerError"]
    assert len(list(backend.observe(["payments"], []))) == 60
    assert backend.meter.total.calls == 62 + 2


@pytest.mark.parametrize(
    ("codes", "error"),
    [(["ThrottlingException"] * 99, BackendError), (["AccessDeniedException"], AccessDenied)],
)
@pytest.mark.parametrize("action", ["DescribeParameters", "ListTagsForResource"])
def test_a_plan_that_fails_says_why(
    client: SsmClient, tmp_path: Path, action: str, codes: list[str], error: type[BackendError]
) -> None:
    """The error names the call and what it was about, and is not tried again by the engine as well."""
    backend = client.open(tmp_path)
    _put(client, NAME)
    client.refusals[action] = list(codes)
    with pytest.raises(error, match=f"ssm:{action}") as caught:
        list(backend.observe(["payments"], []))
    assert not isinstance(caught.value, Transient)
    assert caught.value.message.startswith("/shop/payments" if action == "DescribeParameters" else str(ONE))


def test_several_folders_are_named_by_the_first(client: SsmClient, backend: Backend) -> None:
    """An error about fifty folders stays readable."""
    client.refusals["*"] = ["AccessDeniedException"]
    with pytest.raises(AccessDenied, match=r"^/shop/a and 2 more: "):
        list(backend.observe(["c", "a", "b"], []))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("InternalServerError", Transient),
        ("ParameterNotFound", NotFound),
        ("AccessDeniedException", AccessDenied),
        ("ValidationException", BackendError),
    ],
)
def test_errors_of_a_read(client: SsmClient, backend: Backend, code: str, error: type[BackendError]) -> None:
    """They name the address and the call."""
    client.refusals["*"] = [code]
    with pytest.raises(error, match=r"^payments:prod/db-password: .*ssm:GetParameter\b"):
        backend.read(ONE)


def test_a_version_by_its_number_or_as_we_name_it(backend: Backend, client: SsmClient) -> None:
    """Our name costs a look at the tags, and is refused where another parameter has the number by now."""
    made = backend.create(declared(ONE), Sensitive(b"v1"))
    backend.rotate(declared(ONE), Sensitive(b"v2"), made)
    client.calls.clear()
    assert same(backend.read_version(ONE, "1"), Sensitive(b"v1"))
    assert client.counted == {"GetParameter": 1}
    assert same(backend.read_version(ONE, made.version), Sensitive(b"v1"))
    assert client.counted == {"GetParameter": 2, "ListTagsForResource": 1}
    backend.delete(made)
    backend.create(declared(ONE), Sensitive(b"other"))
    assert same(backend.read_version(ONE, "1"), Sensitive(b"other"))
    for version in (made.version, "2", "0", "x"):
        with pytest.raises(NotFound):
            backend.read_version(ONE, version)
