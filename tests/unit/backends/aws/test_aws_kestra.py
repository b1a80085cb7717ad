"""`reader: kestra`: a Kestra whose secrets manager is AWS, read-only, finds what the manifest says and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cli.folder import Folder
from support import House, actions, secret

from syncer.engine.prepare import Request, make_plan
from syncer.errors import Unsupported
from syncer.model import Address
from syncer.sensitive import Sensitive
from syncer.testing.base import declared

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.aws import Store
    from conformance.fakes.fault_proxy import FaultProxy

    from syncer.backends.aws.secrets_manager import SecretsManager

ONE = Address("company.team", "prod/db")
BOTH = {"syncer:enabled": "false", "syncer-disabled": "true"}


@dataclass
class Kestra:
    """Reads as Kestra does in read-only mode, with what its configuration says.

    https://kestra.io/docs/enterprise/governance/read-only-secrets: three tags, plain text, a name that tells nothing.
    """

    client: Any
    prefix: str
    excluded_tags: dict[str, str] = field(default_factory=lambda: {"syncer-disabled": "true"})
    filter_on_tags: dict[str, str] = field(default_factory=dict)

    def secrets(self, namespace: str) -> dict[str, str]:
        """Give key and value of all that a namespace has of its own."""
        asked = [{"Key": "tag-key", "Values": ["namespace"]}, {"Key": "tag-value", "Values": [namespace]}]
        found: dict[str, str] = {}
        for page in self.client.get_paginator("list_secrets").paginate(Filters=asked):
            for entry in page["SecretList"]:
                tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
                if self._shows(tags, namespace):
                    assert tags["key"] not in found
                    found[tags["key"]] = self.client.get_secret_value(SecretId=entry["ARN"])["SecretString"]
        return found

    def secret(self, key: str, namespace: str) -> str:
        """Do what `secret('KEY')` does in a flow: a namespace, then its parents."""
        while namespace:
            found = self.secrets(namespace)
            if key in found:
                return found[key]
            namespace = namespace.rpartition(".")[0]
        raise LookupError(key)

    def _shows(self, tags: dict[str, str], namespace: str) -> bool:
        wanted = {"namespace": namespace, "prefix": self.prefix, **self.filter_on_tags}
        # AWS's filters ask for beginnings.
        return wanted.items() <= tags.items() and not self.excluded_tags.items() & tags.items()


@pytest.fixture
def kestra(store: Store) -> Kestra:
    """Kestra, with the prefix that only this test has."""
    return Kestra(store.client, store.prefix.strip("/"))


@pytest.fixture
def backend(store: Store) -> SecretsManager:
    """A backend of its own for calls one by one."""
    return store.open(reader="kestra")


@pytest.fixture
def house(house: House, store: Store) -> House:
    """A project whose runs write for Kestra."""
    house.wrap = lambda _memory: store.open(reader="kestra")
    return house


def tags_of(store: Store, ref: str) -> dict[str, str]:
    """Every tag that AWS holds."""
    described = store.client.describe_secret(SecretId=store.name(ref, scope="company.team"))
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def test_1e5_kestra_finds_exactly_the_keys_of_the_manifest(
    store: Store,
    kestra: Kestra,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By namespace, one of which may begin like another; plain text; disabled ones bear what hides them."""
    syncer = Folder(tmp_path, capsysbinary, monkeypatch)
    monkeypatch.chdir(tmp_path)
    syncer.key()
    values = {
        "DB": 'p\u00e4ss "word"\n',
        "API": "00123",
        "SUB": "of the child",
        "OLD": "hidden",
        "TOP": "of the parent",
    }
    for name, text in values.items():
        monkeypatch.setenv(name, text)
    team = {"prod/db-password": "DB", "API_KEY": "API", "old.token": "OLD"}
    declaration: dict[str, Any] = {f"company.team:{ref}": {"source": {"env": name}} for ref, name in team.items()}
    declaration["company.team:old.token"]["enabled"] = False
    declaration["company.team:API_KEY"]["tags"] = {"tier": "gold"}
    declaration["company.team.sub:DB"] = {"source": {"env": "SUB"}}
    declaration["company:prod/db-password"] = {"source": {"env": "TOP"}}
    declaration["company:TOP"] = {"source": {"env": "TOP"}}
    where = {"type": "aws-secrets-manager", "prefix": store.prefix, "reader": "kestra"}
    syncer.declare(declaration, backend=where)
    store.client.create_secret(Name=f"{store.prefix}shop/company.team/THEIRS", SecretString="of somebody else")

    syncer.apply()

    for name in declaration:
        address = Address.parse(name)
        entry = store.client.describe_secret(SecretId=store.name(address.ref, address.scope))
        tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        assert (tags["namespace"], tags["prefix"]) == (address.scope, kestra.prefix)
        assert (tags.items() >= BOTH.items()) is (address.ref == "old.token")
        assert "SecretBinary" not in store.client.get_secret_value(SecretId=entry["ARN"])
    assert kestra.secrets("company.team") == {"PROD_DB_PASSWORD": values["DB"], "API_KEY": values["API"]}
    assert kestra.secrets("company.team.sub") == {"DB": values["SUB"]}
    assert kestra.secrets("company.tea") == {}
    assert Kestra(store.client, kestra.prefix, filter_on_tags={"tier": "gold"}).secrets("company.team") == {
        "API_KEY": values["API"]
    }
    assert Kestra(store.client, kestra.prefix, excluded_tags={}).secrets("company.team")["OLD_TOKEN"] == values["OLD"]
    assert Kestra(store.client, "kestra").secrets("company.team") == {}
    assert kestra.secret("PROD_DB_PASSWORD", "company.team.sub") == values["DB"]
    assert kestra.secret("TOP", "company.team.sub") == values["TOP"]
    assert "No changes." in syncer.fine("plan")

    declaration["company.team:API_KEY"]["enabled"] = False
    declaration["company.team:old.token"]["enabled"] = True
    monkeypatch.setenv("DB", "rotated")
    syncer.declare(declaration, backend=where)
    syncer.apply()
    assert kestra.secrets("company.team") == {"PROD_DB_PASSWORD": "rotated", "OLD_TOKEN": values["OLD"]}
    del declaration["company.team:old.token"]
    syncer.declare(declaration, backend=where)
    syncer.apply()
    assert kestra.secrets("company.team") == {"PROD_DB_PASSWORD": "rotated"}
    assert "No drift." in syncer.fine("drift")


def test_the_tags_are_kept_up(house: House, store: Store, kestra: Kestra) -> None:
    """One that somebody changed is drift; where the option comes later, the tags do too; where it goes, they go."""
    with_reader, house.wrap = house.wrap, lambda _memory: store.open()
    house.declare(secret("company.team:KEY"))
    house.apply()
    house.wrap = with_reader
    assert actions(house.plan().changes) == ["update(metadata_differs)"]
    house.apply()
    name = store.name("KEY", scope="company.team")
    store.client.tag_resource(SecretId=name, Tags=[{"Key": "namespace", "Value": "theirs"}])
    plan = house.plan()
    assert (actions(plan.changes), [drift.kind for drift in plan.drift]) == (["update(metadata_differs)"], ["tags"])
    house.apply()
    assert kestra.secrets("company.team") == {"KEY": "v1"}
    house.wrap = lambda _memory: store.open()
    house.apply()
    assert kestra.secrets("company.team") == {}


def test_one_call_disables_and_one_enables(house: House, store: Store, proxy: FaultProxy) -> None:
    """Both marks together; they are nobody's tags, and a second time changes nothing."""
    house.wrap = lambda _memory: store.open(reader="kestra")
    house.declare(secret("company.team:KEY", tags={"tier": "gold"}))
    house.apply()
    for enabled, action in ((False, "TagResource"), (True, "UntagResource")):
        house.declare(secret("company.team:KEY", tags={"tier": "gold"}, enabled=enabled))
        proxy.log.clear()
        house.apply()
        assert [call.name for call in proxy.log if call.name in ("TagResource", "UntagResource")] == [action]
        assert (tags_of(store, "KEY").items() >= BOTH.items()) is not enabled
        assert not enabled or not BOTH.keys() & tags_of(store, "KEY").keys()
        plan = house.plan()
        assert (plan.changes, plan.drift) == ((), ())
        backend = store.open(reader="kestra")
        found = backend.look(Address("company.team", "KEY"))
        assert found is not None
        assert "syncer-disabled" not in found.tags
        assert backend.set_enabled(found, enabled=enabled) == found
        assert backend.look(Address("company.team", "KEY")) == found


@pytest.mark.parametrize("mark", BOTH)
@pytest.mark.parametrize("enabled", [True, False])
def test_half_a_mark_is_drift(house: House, store: Store, mark: str, *, enabled: bool) -> None:
    """Whether somebody took one of the two away or set one: the next apply makes it whole."""
    house.declare(secret("company.team:KEY", enabled=enabled))
    house.apply()
    name = store.name("KEY", scope="company.team")
    if enabled:
        store.client.tag_resource(SecretId=name, Tags=[{"Key": mark, "Value": BOTH[mark]}])
    else:
        store.client.untag_resource(SecretId=name, TagKeys=[mark])
    plan = house.plan()
    assert actions(plan.changes) == [f"{'enable' if enabled else 'disable'}(enabled_differs)"]
    assert [drift.kind for drift in plan.drift] == ["enabled"]
    house.apply()
    assert house.plan().changes == ()
    there = tags_of(store, "KEY")
    assert {key: there[key] for key in BOTH if key in there} == ({} if enabled else BOTH)


def test_what_is_not_declared_counts_as_disabled_with_both_marks_only(store: Store, backend: SecretsManager) -> None:
    """So that what left the manifest is hidden again."""
    made = backend.create(declared(ONE), Sensitive(b"v"))
    backend.set_enabled(made, enabled=False)
    other = store.open(reader="kestra")
    assert not next(iter(other.observe([ONE.scope], [ONE]))).enabled
    store.client.untag_resource(SecretId=store.name(ONE.ref, ONE.scope), TagKeys=["syncer-disabled"])
    assert next(iter(other.observe([ONE.scope], [ONE]))).enabled


def test_another_tag_to_exclude_by(house: House, store: Store, kestra: Kestra) -> None:
    """As Kestra's configuration has it."""
    house.wrap = lambda _memory: store.open(reader="kestra", excluded_tag={"hidden": "yes"})
    house.declare(secret("company.team:KEY", enabled=False))
    house.apply()
    assert tags_of(store, "KEY").items() >= {"hidden": "yes", "syncer:enabled": "false"}.items()
    assert kestra.secrets("company.team") == {"KEY": "v1"}
    kestra.excluded_tags = {"hidden": "yes"}
    assert kestra.secrets("company.team") == {}
    assert house.plan().changes == ()


def test_two_refs_with_one_key(house: House) -> None:
    """Refused while planning, naming both; in two namespaces it is none."""
    house.declare(secret("company.team:prod/db-password"), secret("company.team:prod-db.password"))
    house.declare(secret("company:prod/db-password"))
    (found,) = house.plan().diagnostics
    assert (str(found.address), found.code) == ("company.team:prod-db.password", "unsupported")
    assert found.message == (
        "company.team:prod-db.password: Kestra would call it `PROD_DB_PASSWORD`, and company.team:prod/db-password too"
    )
    house.withdraw("company.team:prod-db.password")
    assert not house.apply().failed


def test_one_backend_plans_twice(house: House, backend: SecretsManager) -> None:
    """What it saw of the first plan is no collision in the second."""
    house.wrap = lambda _memory: backend
    house.declare(secret("company.team:prod/db-password"), secret("company.team:KEY"))
    with house.session() as session:
        plans = [make_plan(session, Request()) for _ in range(2)]
    assert [plan.diagnostics for plan in plans] == [(), ()]


@pytest.mark.parametrize(
    ("ref", "key"),
    [
        ("prod/db-password", "PROD_DB_PASSWORD"),
        ("DB_PASSWORD", "DB_PASSWORD"),
        ("_a.b", "_A_B"),
        ("1password", None),
    ],
)
def test_keys(backend: SecretsManager, ref: str, key: str | None) -> None:
    """What a flow says in `secret('KEY')`; one that is no name is refused."""
    wanted = backend.declare(declared(Address("company.team", ref)))
    if key is not None:
        backend.check(wanted)
        assert wanted.tags["key"] == key
        return
    with pytest.raises(
        Unsupported, match=r"company.team:1password: Kestra would call it `1PASSWORD`, which is no name"
    ):
        backend.check(wanted)


@pytest.mark.parametrize(
    ("tags", "refused"),
    [
        ({"key": "PROD_DB"}, None),
        ({"key": "DB"}, "key"),
        ({"namespace": "x"}, "namespace"),
        ({"prefix": "x"}, "prefix"),
        ({"syncer-disabled": "true"}, "syncer-disabled"),
        ({"syncer-disabled": ""}, "syncer-disabled"),
    ],
)
def test_tags_of_the_manifest(backend: SecretsManager, tags: dict[str, str], refused: str | None) -> None:
    """A tag of the same name may say the same, and nothing else; the mark of a disabled one is ours alone."""
    wanted = backend.declare(declared(ONE, tags=tags))
    if refused is None:
        backend.check(wanted)
        return
    with pytest.raises(Unsupported, match=f"company.team:prod/db: tag `{refused}` is set by the option `reader: kes"):
        backend.check(wanted)


def test_the_prefix(store: Store) -> None:
    """The option's, without slashes at its ends; without one, what Kestra takes by itself."""
    assert store.open(reader="kestra", prefix="/team/").declare(declared(ONE)).tags["prefix"] == "team"
    demanded = store.open(reader="kestra", prefix="").declare(declared(ONE)).tags
    assert demanded == {"namespace": "company.team", "key": "PROD_DB", "prefix": "kestra"}
    same = declared(ONE)
    assert store.open().declare(same) is same
