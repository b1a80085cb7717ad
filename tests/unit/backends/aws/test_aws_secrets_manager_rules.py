"""What Secrets Manager's options, names, tags and values may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from syncer.backends.aws.secrets_manager import SecretsManager
from syncer.backends.base import Capability
from syncer.errors import InvalidConfiguration, Unsupported
from syncer.model import Address
from syncer.options import parse_options
from syncer.sensitive import Sensitive
from syncer.testing.base import CANARY, assert_no_leak, context, declared

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.aws import Store

ONE = Address("payments", "prod/db")
TEXT = CANARY.decode()
ROLE = "arn:aws:iam::111122223333:role/syncer"


def _open(folder: Path, **options: Any) -> SecretsManager:
    return SecretsManager.open(options, context(folder, "shop"))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"name": TEXT}, "must hold {scope} and {ref} once each"),
        ({"name": "{scope}/{ref}:" + TEXT}, "option `name` may hold letters, digits"),
        ({"name": "{scope}-{ref}"}, "with a slash between them"),
        ({"prefix": "{project}/"}, "option `prefix`"),
        ({"prefix": "a b/"}, "option `prefix` may hold"),
        ({"recovery_window_days": 6}, "option `recovery_window_days` must be 7 to 30"),
        ({"recovery_window_days": 31}, "option `recovery_window_days` must be 7 to 30"),
        ({"format": TEXT}, "option `format` must be one of string, json, binary"),
        ({"replica_regions": [7]}, "option `replica_regions` must be a list of regions"),
        ({"replica_regions": [TEXT]}, "option `replica_regions` must be a list of regions"),
        ({"replica_regions": ["eu-west-1", "eu-west-1"]}, "names a region twice"),
        ({"region": "eu-west-1", "replica_regions": ["eu-west-1"]}, "or the one where the secrets are"),
        ({"reader": TEXT}, "option `reader` must be one of kestra"),
        ({"reader": "kestra", "format": "json"}, "goes with `format: string`"),
        ({"excluded_tag": {TEXT: "true"}}, "option `excluded_tag` goes with `reader`, which is missing"),
        ({"reader": "kestra", "excluded_tag": {}}, "option `excluded_tag` must be the name of one tag"),
        ({"reader": "kestra", "excluded_tag": {TEXT: "x", "b": "x"}}, "option `excluded_tag` must be the name of one"),
        ({"reader": "kestra", "excluded_tag": {TEXT: ""}}, "option `excluded_tag` must be the name of one tag"),
        ({"reader": "kestra", "excluded_tag": {TEXT: True}}, "option `excluded_tag` must be the name of one tag"),
        ({"reader": "kestra", "excluded_tag": {"key": TEXT}}, "option `excluded_tag` must be a tag that AWS takes"),
        ({"reader": "kestra", "excluded_tag": {"syncer:off": TEXT}}, "option `excluded_tag` must be a tag that AWS"),
        ({"reader": "kestra", "excluded_tag": {"k": f"{TEXT}*"}}, "option `excluded_tag` must be a tag that AWS"),
        ({"endpoint_url": TEXT}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": f"https://user:{TEXT}@host"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": f"ftp://{TEXT}"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://127.0.0.1:0"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://127.0.0.1:65536"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://127.0.0.1:abc"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://[::1"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://a..b"}, "option `endpoint_url` must be a URL"),
        ({"endpoint_url": "http://-x-"}, "option `endpoint_url` must be a URL"),
        ({"region": ""}, "option `region` must be the name of a region"),
        ({"region": f"{TEXT}/#"}, "option `region` must be the name of a region"),
        ({"profile": ""}, "option `profile` must be the name of a profile"),
        ({"kms_key_id": ""}, "option `kms_key_id` must be the id, the ARN or the alias"),
        ({"kms_key_id": f"{TEXT} "}, "option `kms_key_id` must be the id, the ARN or the alias"),
        ({"role_arn": ROLE, "external_id": ""}, "option `external_id` takes 2 to 1,224"),
        ({"role_arn": ROLE, "external_id": "x"}, "option `external_id` takes 2 to 1,224"),
        ({"role_arn": ROLE, "external_id": f"{TEXT}!"}, "option `external_id` takes 2 to 1,224"),
        ({"role_arn": TEXT}, "option `role_arn` must be the ARN of an IAM role"),
        ({"external_id": "tenant-1"}, "option `external_id` goes with `role_arn`"),
        ({"kms_key": TEXT}, "unknown option `kms_key`, did you mean `kms_key_id`"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: dict[str, Any], rule: str) -> None:
    """Refused before anything is asked, also by who only validates, and never repeated: it may be a value."""
    for refusing in (lambda: _open(tmp_path, **options), lambda: parse_options(SecretsManager.Options, options)):
        with pytest.raises(InvalidConfiguration) as caught:
            refusing()
        assert rule in caught.value.message
        assert_no_leak(CANARY, caught.value)


def test_options_that_can_be_used(tmp_path: Path) -> None:
    """All of them at once."""
    backend = _open(
        tmp_path,
        region="eu-central-1",
        profile="ci",
        role_arn="arn:aws-us-gov:iam::111122223333:role/team/syncer",
        external_id="tenant-1",
        endpoint_url="http://127.0.0.1:5000/base",
        kms_key_id="alias/ours",
        name="{scope}+{project}/{ref}",
        prefix="team=a/",
        recovery_window_days=7,
        format="binary",
        replica_regions=["eu-west-1", "us-gov-east-1"],
    )
    backend.check(declared(ONE))
    backend.close()


def test_capabilities_follow_the_format(tmp_path: Path) -> None:
    """Any bytes with `binary` alone."""
    assert Capability.BINARY in _open(tmp_path, format="binary").capabilities
    for form in ("string", "json"):
        backend = _open(tmp_path, format=form)
        assert backend.capabilities == SecretsManager.capabilities - {Capability.BINARY}
        with pytest.raises(Unsupported):
            backend.check_value(declared(ONE), Sensitive(b"\xff"))
        with pytest.raises(Unsupported):
            backend.create(declared(ONE), Sensitive(b"\xff"))


LONG = Address("payments", "x" * 247)


@pytest.mark.parametrize(
    "host", ["localhost:4566", "[::1]:5000", "127.0.0.1:65535/base", "vpce-1.x.eu-west-1.vpce.amazonaws.com"]
)
def test_endpoints(tmp_path: Path, host: str) -> None:
    """Names and numbers, with and without a port."""
    assert _open(tmp_path, endpoint_url=f"http://{host}").options.endpoint_url.endswith(host)


@pytest.mark.parametrize(
    ("declaration", "options", "rule"),
    [
        (declared(LONG), {}, None),
        (declared(Address("payments", "x" * 248)), {}, "its address, which becomes a tag, is longer than 256"),
        (declared(LONG), {"prefix": "p" * 252}, "its name in Secrets Manager is longer than 512 characters"),
        (declared(LONG), {"prefix": "p" * 251}, None),
        (declared(ONE, description="d" * 2049), {}, "its description is longer than 2,048 characters"),
        (declared(ONE, description="d" * 2048), {}, None),
        (declared(ONE, tags={f"t{n}": "" for n in range(47)}), {}, None),
        (declared(ONE, tags={f"t{n}": "" for n in range(48)}), {}, "at most 47 tags"),
        (declared(ONE, tags={f"t{n}": "" for n in range(43)}), {"reader": "kestra"}, None),
        (declared(ONE, tags={f"t{n}": "" for n in range(44)}), {"reader": "kestra"}, "at most 46 tags"),
        (declared(ONE, tags={"k" * 129: "v"}), {}, "a tag's name is longer than 128 characters"),
        (declared(ONE, tags={"k": "v" * 257}), {}, "tag `k` is longer than 256 characters"),
        (declared(ONE, tags={"k": "a\tb"}), {}, "tag `k` holds something else than letters"),
        (declared(ONE, tags={"k": "é 日本 _.:/=+-@"}), {}, None),
        (declared(ONE, tags={"aws:x": "v"}), {}, "a tag's name begins with `aws:`"),
        (declared(ONE, tags={"AWS:x": "v"}), {}, "a tag's name begins with `aws:`"),
        (declared(ONE, tags={"syncer:x": "v"}), {}, "syncer's own"),
        # Advice of AWS's, not a rule: `-secret` is what many a name ends in.
        (declared(Address("payments", "db-secret")), {}, None),
    ],
)
def test_what_aws_does_not_take(tmp_path: Path, declaration: Any, options: dict[str, Any], rule: str | None) -> None:
    """Told while planning, with the address."""
    backend = _open(tmp_path, **options)
    if rule is None:
        backend.check(declaration)
        return
    with pytest.raises(Unsupported) as caught:
        backend.check(declaration)
    assert caught.value.message.startswith(f"{declaration.address}: ")
    assert rule in caught.value.message


@pytest.mark.parametrize(
    "value", [b"{}", b' {"a": 1}\n', b'{"a": {"b": null}}', '{"p": "\u00e9"}'.encode()], ids=range(4)
)
def test_json_objects(tmp_path: Path, value: bytes) -> None:
    """Any JSON object goes."""
    _open(tmp_path, format="json").check_value(declared(ONE), Sensitive(value))


@pytest.mark.parametrize(
    "value", [CANARY, b'"' + CANARY + b'"', b'["a"]', b"7", b'{"a": "' + CANARY, b"[" * 60_000], ids=range(6)
)
def test_no_json_object(tmp_path: Path, value: bytes) -> None:
    """Nothing else does, and the refusal does not quote it."""
    with pytest.raises(Unsupported, match="payments:prod/db: `format: json` takes JSON objects only") as caught:
        _open(tmp_path, format="json").check_value(declared(ONE), Sensitive(value))
    assert_no_leak(CANARY, caught.value)


def test_names(store: Store) -> None:
    """A template of one's own, behind a prefix; two templates are two stores."""
    backend = store.open(name="{scope}.{project}/secrets/{ref}")
    backend.create(declared(ONE), Sensitive(b"v"))
    described = store.client.describe_secret(SecretId=f"{store.prefix}payments.shop/secrets/prod/db")
    (found,) = backend.observe(["payments"], [ONE])
    assert (found.address, found.remote_id) == (ONE, described["ARN"])
    assert list(store.open().observe(["payments"], [ONE])) == []
