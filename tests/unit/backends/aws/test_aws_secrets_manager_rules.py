"""What Secrets Manager's options, names, tags and values may be; and the tags that Kestra finds a secret by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support import House, actions, secret

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
        ({"tags": TEXT}, "option `tags` must be kestra"),
        ({"tags": "kestra", "format": "json"}, "goes with `format: string`"),
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
        (declared(ONE, tags={f"t{n}": "" for n in range(45)}), {"tags": "kestra"}, "at most 47 tags"),
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


def _kestra(store: Store, namespace: str) -> dict[str, str]:
    """Do as Kestra does in read-only mode: find by tags, show by the tag `key`, read the plain text."""
    filters = [{"Key": "tag-key", "Values": ["namespace"]}, {"Key": "tag-value", "Values": [namespace]}]
    found = {}
    for entry in store.client.list_secrets(Filters=filters)["SecretList"]:
        tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        ours = tags["prefix"] == store.prefix.strip("/") and tags["namespace"] == namespace
        if ours and tags.get("syncer:enabled") != "false":  # `excluded-tags`
            found[tags["key"]] = store.client.get_secret_value(SecretId=entry["ARN"])["SecretString"]
    return found


def test_kestra_finds_exactly_the_manifests_keys(house: House, store: Store) -> None:
    """By namespace, one of which may begin like another; disabled ones bear the tag that hides them."""
    house.wrap = lambda _memory: store.open(tags="kestra")
    names = ("company.team:DB_PASSWORD", "company.team:API_KEY", "company.team.sub:DB_PASSWORD")
    house.declare(*(secret(name, tags={"tier": "gold"}) for name in names))
    house.declare(secret("company.team:OLD", enabled=False))
    assert not house.apply().failed
    assert house.plan().changes == ()
    assert _kestra(store, "company.team") == {"DB_PASSWORD": "v1", "API_KEY": "v1"}
    assert _kestra(store, "company.team.sub") == {"DB_PASSWORD": "v1"}
    assert _kestra(store, "company") == {}


def test_kestra_tags_are_kept_up(house: House, store: Store) -> None:
    """One that somebody changed is drift; where the option comes later, the tags do too; where it goes, they go."""
    house.declare(secret("company.team:KEY"))
    house.apply()
    house.wrap = lambda _memory: store.open(tags="kestra")
    assert actions(house.plan().changes) == ["update(metadata_differs)"]
    house.apply()
    name = store.name("KEY", scope="company.team")
    store.client.tag_resource(SecretId=name, Tags=[{"Key": "namespace", "Value": "theirs"}])
    plan = house.plan()
    assert (actions(plan.changes), [drift.kind for drift in plan.drift]) == (["update(metadata_differs)"], ["tags"])
    house.apply()
    assert _kestra(store, "company.team") == {"KEY": "v1"}
    house.wrap = lambda _memory: store.open()
    house.apply()
    assert _kestra(store, "company.team") == {}


def test_kestra_tags_of_the_manifest(tmp_path: Path) -> None:
    """A tag of the same name may say the same, and nothing else; without a prefix Kestra's own is taken."""
    backend = _open(tmp_path, tags="kestra")
    same = declared(ONE, tags={"key": "prod/db"})
    assert backend.declare(same).tags == {"namespace": "payments", "key": "prod/db", "prefix": "kestra"}
    backend.check(backend.declare(same))
    other = declared(ONE, tags={"namespace": "x"})
    with pytest.raises(Unsupported, match="payments:prod/db: tag `namespace` is set by the option `tags: kestra`"):
        backend.check(backend.declare(other))
    without = _open(tmp_path, prefix="/team/")
    assert without.declare(same) is same
    assert replace(without.options, tags="kestra").demanded(ONE)["prefix"] == "team"
