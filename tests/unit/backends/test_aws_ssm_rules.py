"""What Parameter Store cannot hold is said while planning, offline; and what its options may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.ssm_client import SsmClient

from syncer.backends.aws import tags
from syncer.backends.aws.parameter_store import ParameterStoreOptions
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.model import Address
from syncer.options import parse_options
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, declared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.backends.base import Backend

ONE = Address("payments", "prod/db-password")


@pytest.fixture
def client() -> SsmClient:
    """A store that nobody may call."""
    client = SsmClient()
    client.refusals["*"] = ["AccessDeniedException"] * 9
    return client


@pytest.fixture
def backend(client: SsmClient, tmp_path: Path) -> Backend:
    """The backend of project `shop`."""
    return client.open(tmp_path)


def _refusal(backend: Backend, address: Address = ONE, **said: object) -> str:
    with pytest.raises(Unsupported) as caught:
        backend.check(declared(address, **said))
    assert caught.value.message.startswith(f"{address}: ")
    return caught.value.message


def test_what_is_usual_is_fine(client: SsmClient, backend: Backend) -> None:
    """Nothing is asked of the store."""
    described = "The primary: a/b_c = 1.5 + x@y - \u00fcber \u65e5\u672c \u0661"
    backend.check(declared(ONE, tags={"team": "payments", "k \u00e9": ""}, description=described))
    backend.check(declared(Address("p", "/".join("abcdefghijklm"))))
    assert client.calls == []


@pytest.mark.parametrize(
    ("path", "address", "why"),
    [
        ("/{scope}/{ref}", Address("aws-prod", "x"), "AWS's own"),
        ("/{scope}/{ref}", Address("SSMlike", "x"), "AWS's own"),
        ("/{project}/{scope}/{ref}", Address("p", "/".join("abcdefghijklmn")), "more than 15 levels"),
        (f"/{'x' * 900}/{{scope}}/{{ref}}", Address("p", "r" * 53), "longer than 956 characters"),
    ],
)
def test_names(client: SsmClient, tmp_path: Path, path: str, address: Address, why: str) -> None:
    """Reserved beginnings in any case, depth, and length with the ARN in front."""
    assert why in _refusal(client.open(tmp_path, path=path), address)


def test_the_longest_name_fits_in_every_region(client: SsmClient, tmp_path: Path) -> None:
    """With the ARN of the region that has the longest name it is 1,011 characters."""
    backend = client.open(tmp_path, path=f"/{'x' * 900}/{{scope}}/{{ref}}")
    backend.check(declared(Address("p", "r" * 52)))
    longest = backend._names.name(Address("p", "r" * 52))
    assert len(f"arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter{longest}") == 1011


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"k" * 129: ""}, "longer than 128 characters"),
        ({"k": "v" * 257}, "tag `k` is longer than 256 characters"),
        ({"k": "a,b"}, "tag `k` holds something else"),
        ({"k": "line\n"}, "tag `k` holds something else"),
        ({"k": "e\u0301"}, "tag `k` holds something else"),
        ({"k#": ""}, "a tag's name holds something else"),
        ({"AWS:k": ""}, "AWS's own"),
        ({"k": "aws:v"}, "AWS's own"),
        ({"syncer:enabled": "true"}, "syncer's own"),
        ({f"k{number}": "" for number in range(46)}, "at most 45 tags"),
    ],
)
def test_tags(backend: Backend, given: Mapping[str, str], why: str) -> None:
    """Number, length and letters, as SSM's model has them; marks are not for the manifest."""
    assert why in _refusal(backend, tags=given)


@pytest.mark.parametrize("description", ["d" * 257, "primary (old) database", "two\nlines", "aws: ours"])
def test_descriptions_are_tags(backend: Backend, description: str) -> None:
    """The error says why a description must have a tag's form."""
    assert "its description, which becomes a tag, " in _refusal(backend, description=description)


def test_addresses_are_tags(backend: Backend) -> None:
    """The mark holds 256 characters."""
    backend.check(declared(Address("p", "r" * 254)))
    assert "its address, which becomes a tag, is longer" in _refusal(backend, Address("p", "r" * 255))


@pytest.mark.parametrize(("tier", "most"), [("standard", 4096), ("advanced", 8192), ("intelligent-tiering", 8192)])
def test_values_have_a_size(client: SsmClient, tmp_path: Path, tier: str, most: int) -> None:
    """In bytes of UTF-8, by tier; the error names the limit, and not how long the value is."""
    backend = client.open(tmp_path, tier=tier)
    secret = declared(ONE)
    backend.check_value(secret, Sensitive(b"x" * most))
    for value in (b"x" * (most + 1), "\u00fc".encode() * (most // 2 + 1)):
        with pytest.raises(Unsupported) as caught:
            backend.check_value(secret, Sensitive(value))
        assert caught.value.message == f"{ONE}: a parameter of the {tier} tier holds at most {most:,} bytes"


@pytest.mark.parametrize("value", [b"{{x}}", b"a {{ ssm:name }} b", b"{{}}", b"{{\n}}", b"{{{}}}"])
def test_values_that_look_like_a_reference(backend: Backend, value: bytes) -> None:
    """AWS refuses them, and quotes them; we refuse first, and do not."""
    with pytest.raises(Unsupported, match="Parameter Store takes no value that holds") as caught:
        backend.check_value(declared(ONE), Sensitive(CANARY + value))
    assert_no_leak(CANARY, caught.value)


@pytest.mark.parametrize("value", [b'{"a":{"b":{}}}', b"}} and {{", b"{{", b"{ {x} }"])
def test_other_braces_are_fine(backend: Backend, value: bytes) -> None:
    """JSON for one."""
    backend.check_value(declared(ONE), Sensitive(value))


def test_values_are_text(backend: Backend) -> None:
    """There are no binary parameters."""
    with pytest.raises(Unsupported, match="UTF-8 text only"):
        backend.check_value(declared(ONE), Sensitive(b"\xff"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"tier": CANARY.decode()}, "option `tier` must be one of standard, advanced, intelligent-tiering"),
        ({"writes_per_second": 0}, "option `writes_per_second` must be 1 or more"),
        ({"path": f"{CANARY.decode()}/{{scope}}/{{ref}}"}, "option `path` must begin with a slash"),
        ({"path": "/a b/{scope}/{ref}"}, "option `path` may hold letters"),
        ({"path": "/a//{scope}/{ref}"}, "option `path` may hold letters"),
        ({"path": "/{scope}/{ref}/"}, "option `path` may hold letters"),
        ({"path": "/{scope}-{ref}"}, "with a slash between them"),
        ({"path": "/{scope}"}, "once each"),
        ({"path": "/{scope}/{ref}/{x}"}, "and no other braces"),
        ({"type": "String"}, "unknown option `type`"),
        ({"region": ""}, "option `region` must be the name of a region"),
        ({"endpoint_url": "http://127.0.0.1:65536"}, "option `endpoint_url` must be a URL"),
    ],
)
def test_options(client: SsmClient, tmp_path: Path, options: Mapping[str, object], why: str) -> None:
    """A wrong one is named, also to who only validates, and what stood there is not repeated; the hint would do."""
    for refusing in (lambda: client.open(tmp_path, **options), lambda: parse_options(ParameterStoreOptions, options)):
        with pytest.raises(InvalidConfiguration) as caught:
            refusing()
        assert why in caught.value.message
        assert_no_leak(CANARY, caught.value)
        if "path" in options:
            assert caught.value.hint == "for instance /{project}/{scope}/{ref}"


def test_marks_are_told_from_tags() -> None:
    """What begins with our prefix is never shown as a tag, also what a later version may add."""
    found = tags.read([{"Key": "syncer:later", "Value": "1"}, {"Key": "team", "Value": "a"}])
    assert tags.unmarked(found) == {"team": "a"}
