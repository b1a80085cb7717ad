"""What the Secrets Manager backend reads: twenty values a call, each as it was written, refusals one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.fakes.answers import access_denied
from conformance.fakes.fault_proxy import FaultProxy, Rewrite, Rule
from support import House, secret

from syncer.engine.prepare import Request
from syncer.errors import AccessDenied, NotFound, Refused, SyncerError, Throttled, Transient
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared, same

if TYPE_CHECKING:
    from conformance.aws import Store

ONE, TWO = Address("payments", "prod/db"), Address("payments", "two")


def _made(store: Store, number: int) -> list[Address]:
    backend = store.open()
    addresses = [Address("payments", f"key-{index:02}") for index in range(number)]
    for address in addresses:
        backend.create(declared(address), Sensitive(address.ref.encode()))
    return addresses


def _read(store: Store, addresses: list[Address]) -> dict[Address, Sensitive]:
    return dict(store.open().read_many(addresses))


def test_twenty_a_call(store: Store, proxy: FaultProxy) -> None:
    """AWS refuses more, so more are asked for in turn; each value belongs to its own address."""
    addresses = _made(store, 45)
    proxy.clear()
    backend = store.open()
    found = dict(backend.read_many(addresses))
    assert all(same(found[address], Sensitive(address.ref.encode())) for address in addresses)
    assert [len(call.document["SecretIdList"]) for call in proxy.log] == [20, 20, 5]
    assert (backend.meter.total.calls, backend.meter.total.values_read) == (3, 45)
    assert _read(store, []) == {}


def test_an_answer_in_parts(store: Store, proxy: FaultProxy) -> None:
    """AWS may give a token and the rest with the next call; a value counts once."""
    addresses = _made(store, 4)

    def first(page: dict[str, Any]) -> dict[str, Any]:
        return {**page, "SecretValues": page["SecretValues"][:2], "NextToken": "0"}

    def second(page: dict[str, Any]) -> dict[str, Any]:
        return {**page, "SecretValues": page["SecretValues"][2:]}

    proxy.set(
        Rule(fault=Rewrite(first), calls="BatchGetSecretValue", times=1),
        Rule(fault=Rewrite(second), calls="BatchGetSecretValue", after=1),
    )
    backend = store.open()
    assert sorted(address for address, _ in backend.read_many(addresses)) == addresses
    assert proxy.calls("BatchGetSecretValue")[1].document["NextToken"] == "0"
    assert (backend.meter.total.calls, backend.meter.total.values_read) == (2, 4)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("AccessDeniedException", AccessDenied, "payments:key-01: AWS denied secretsmanager:GetSecretValue"),
        ("ResourceNotFoundException", NotFound, "payments:key-01: not in AWS (secretsmanager:GetSecretValue)"),
        ("InvalidRequestException", NotFound, "payments:key-01: not in AWS, pending deletion"),
        ("DecryptionFailure", Refused, "payments:key-01: AWS refused secretsmanager:GetSecretValue"),
        ("ThrottlingException", Throttled, "payments:key-01: AWS asks for fewer calls"),
        ("InternalServiceError", Transient, "payments:key-01: AWS failed at secretsmanager:GetSecretValue"),
    ],
)
def test_one_that_is_refused(store: Store, proxy: FaultProxy, code: str, kind: type[SyncerError], message: str) -> None:
    """An error in the list of errors is raised as if that secret had been read alone."""
    addresses = _made(store, 3)
    text = "because it was marked for deletion" if "pending" in message else CANARY.decode()

    def refuse(page: dict[str, Any]) -> dict[str, Any]:
        told = {"SecretId": store.name("key-01"), "ErrorCode": code, "Message": text}
        return {"SecretValues": page["SecretValues"][:1], "Errors": [told]}

    proxy.set(Rule(fault=Rewrite(refuse), calls="BatchGetSecretValue"))
    with pytest.raises(kind) as caught:
        _read(store, addresses)
    assert message in caught.value.message
    assert_no_leak(CANARY, caught.value)


def test_one_that_is_missing(store: Store, proxy: FaultProxy) -> None:
    """In the list of errors, or not even there."""
    addresses = _made(store, 2)
    with pytest.raises(NotFound, match="payments:two: not in AWS"):
        _read(store, [*addresses, TWO])
    proxy.set(Rule(fault=Rewrite(lambda page: {**page, "SecretValues": page["SecretValues"][:1]})))
    with pytest.raises(NotFound, match="payments:key-01: not in AWS"):
        _read(store, addresses)


def test_a_batch_that_is_denied(store: Store, proxy: FaultProxy) -> None:
    """The message names the first and how many more; no value counts as read."""
    addresses = _made(store, 3)
    proxy.set(Rule(fault=access_denied("secretsmanager:BatchGetSecretValue"), calls="BatchGetSecretValue"))
    backend = store.open()
    with pytest.raises(AccessDenied) as caught:
        list(backend.read_many(addresses))
    denied = "AWS denied secretsmanager:BatchGetSecretValue"
    assert caught.value.message == f"payments:key-00 and 2 more: {denied}"
    assert backend.meter.total.values_read == 0


def test_the_current_version_is_read(store: Store) -> None:
    """Not the newest: somebody may have gone back to an older one."""
    backend = store.open()
    one = backend.create(declared(ONE), Sensitive(b"v1"))
    two = backend.rotate(declared(ONE), Sensitive(b"v2"), one)
    store.client.update_secret_version_stage(
        SecretId=store.name("prod/db"),
        VersionStage="AWSCURRENT",
        RemoveFromVersionId=two.version,
        MoveToVersionId=one.version,
    )
    assert same(backend.read(ONE), Sensitive(b"v1"))
    assert same(dict(backend.read_many([ONE]))[ONE], Sensitive(b"v1"))
    assert backend.look(ONE).version == one.version


@pytest.mark.parametrize("form", ["string", "json", "binary"])
def test_values_are_read_however_they_were_written(store: Store, form: str) -> None:
    """Text and bytes, whatever the option says; verbatim."""
    store.client.create_secret(Name=store.name("prod/db"), SecretString='{"a": "é\\u00e9"}\n')
    store.client.create_secret(Name=store.name("two"), SecretBinary=b"\x00\xff")
    backend = store.open(format=form)
    assert same(backend.read(ONE), Sensitive('{"a": "é\\u00e9"}\n'.encode()))
    assert same(backend.read(TWO), Sensitive(b"\x00\xff"))


def test_half_a_surrogate_pair(store: Store) -> None:
    """JSON can hold what UTF-8 cannot; reading it is no crash that would show the value."""
    backend = store.open()
    backend.create(declared(ONE), Sensitive(b"v"))
    store.client.put_secret_value(SecretId=store.name("prod/db"), SecretString="\ud83d")
    assert same(backend.read(ONE), Sensitive(b"\xed\xa0\xbd"))


def test_formats(store: Store) -> None:
    """A format says what goes over the wire: text, text that is a JSON object, or bytes."""
    for form, value in (("string", b"{}"), ("json", b'{"user": "u"}\n'), ("binary", b"text")):
        address = Address("payments", form)
        backend = store.open(format=form)
        backend.check_value(declared(address), Sensitive(value))
        made = backend.create(declared(address), Sensitive(value))
        backend.rotate(declared(address), Sensitive(value), made)
        answer = store.client.get_secret_value(SecretId=store.name(form))
        assert ("SecretBinary" in answer, "SecretString" in answer) == (form == "binary", form != "binary")
        assert same(backend.read(address), Sensitive(value))


def test_no_value_is_asked_for_without_need(house: House, proxy: FaultProxy) -> None:
    """A plan with all that can change reads none; verifying says that a value was changed by hand, back and forth."""
    house.declare(secret("payments:prod/db"), secret("payments:two", enabled=False, tags={"a": "b"}))
    house.apply()
    house.declare(secret("payments:prod/db", tags={"a": "b"}), secret("payments:two", description="d"))
    house.apply()
    assert not proxy.calls("*GetSecretValue")
    assert house.plan(Request(verify_values=True)).changes == ()
    assert len(proxy.calls("BatchGetSecretValue")) == 1


def test_a_version_by_its_id_or_stage(store: Store, proxy: FaultProxy) -> None:
    """AWSPREVIOUS is the one before; what is neither an id nor a stage of AWS's own is not asked for."""
    backend = store.open()
    made = backend.create(declared(ONE), Sensitive(b"v1"))
    with pytest.raises(NotFound):
        backend.read_version(ONE, "AWSPREVIOUS")
    turned = backend.rotate(declared(ONE), Sensitive(b"v2"), made)
    for version, value in (
        (made.version, b"v1"),
        ("AWSPREVIOUS", b"v1"),
        (turned.version, b"v2"),
        ("AWSCURRENT", b"v2"),
    ):
        assert same(backend.read_version(ONE, version), Sensitive(value))
    proxy.clear()
    for version in ("AWSOLDER", "1", "x" * 31, "x" * 65, "\u00e9" * 32, "x" * 31 + " "):
        with pytest.raises(NotFound, match="not in AWS in a version"):
            backend.read_version(ONE, version)
    assert proxy.log == []
    with pytest.raises(NotFound):
        backend.read_version(ONE, "x" * 32)
