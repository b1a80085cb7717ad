"""The policies beside the Vault example: enough for what each token does, and no more than that."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.folder import Folder
from conformance.fakes.vault.server import VaultServer
from conformance.fakes.vault.tokens import Grant

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parent.parent / "examples/vault"
RULE = re.compile(r'^path "([^"]+)" \{\n  capabilities = \[([^\]]+)\]\n\}', re.MULTILINE)
PARTNER = """      prod/partner-token:
        source: {env: PARTNER_TOKEN}
        enabled: true
        on_remove: delete
"""

Rules = dict[str, set[str]]


def written(*names: str) -> Rules:
    """Give the capabilities by path that some policy files hold together."""
    found: Rules = {}
    for name in names:
        text = (EXAMPLE / "policies" / f"{name}.hcl").read_text()
        assert text.count('path "') == len(RULE.findall(text))
        for path, capabilities in RULE.findall(text):
            found.setdefault(path, set()).update(re.findall(r'"(\w+)"', capabilities))
    return found


@dataclass
class Token:
    """A server, and a token whose policies are those of some files."""

    server: VaultServer
    monkeypatch: pytest.MonkeyPatch
    rules: Rules = field(default_factory=dict)

    def takes(self, *names: str) -> None:
        """Act from now on under these policies alone."""
        self.rules = written(*names)
        self.server.policy("example", self.rules)
        self.monkeypatch.setenv("VAULT_TOKEN", self.server.token(Grant(policies=("example",))))
        self.server.log.clear()

    def spare(self) -> list[str]:
        """Name each capability without which everything went as well: those that no call needed."""
        used: Rules = {}
        for call in self.server.log:
            if call.path.startswith("secret/"):
                path = f"{'/'.join(call.path.split('/')[:2])}/shop/*"
                used.setdefault(path, set()).add(call.capability)
        return sorted(f"{path}: {each}" for path, may in self.rules.items() for each in may - used.get(path, set()))


@pytest.fixture(params=["vault", "openbao"])
def flavour(request: pytest.FixtureRequest) -> str:
    """Each product."""
    return str(request.param)


@pytest.fixture
def token(flavour: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Token]:
    """A server of the product, and no rights yet."""
    with VaultServer(flavour) as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        for name in ("DB_PASSWORD", "PARTNER_TOKEN"):
            monkeypatch.setenv(name, f"value of {name}")
        yield Token(server, monkeypatch)


@pytest.fixture
def syncer(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The example, copied."""
    shutil.copy(EXAMPLE / "syncer.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsysbinary, monkeypatch)
    folder.key()
    return folder


def story(syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that an apply can do: create, rotate, update, disable, enable, delete, restore."""
    syncer.apply()
    monkeypatch.setenv("DB_PASSWORD", "another")
    syncer.edit(("primary database", "the primary database"))
    syncer.edit(("enabled: false # until the partner goes live", "enabled: true"))
    syncer.edit((PARTNER, ""))
    syncer.edit(("    secrets:\n", f"    secrets:\n{PARTNER}"))


def test_the_plan_policy_plans(token: Token, syncer: Folder, flavour: str) -> None:
    """Names and metadata, one by one or at once, and nothing that it does not need."""
    for more in ((), ("openbao-scan",)) if flavour == "openbao" else ((),):
        token.takes("apply", *more)
        syncer.apply()
        token.takes("plan", *more)
        assert "No changes." in syncer.fine("plan")
        assert "No drift." in syncer.fine("drift")
        unused = ["secret/metadata/shop/*: list", "secret/metadata/shop/*: read"] if more else []
        assert token.spare() == unused


def test_the_apply_policy_applies(token: Token, syncer: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that an apply does; no right to read a value, and none that is not needed."""
    token.takes("apply")
    assert "read" not in token.rules["secret/data/shop/*"]
    story(syncer, monkeypatch)
    assert token.spare() == []


def test_the_purge_policy_purges(token: Token, syncer: Folder) -> None:
    """With the option, and without another right."""
    edited = (EXAMPLE / "syncer.yaml").read_text().replace("mount: secret", "mount: secret\n  purge: true")
    (syncer.path / "syncer.yaml").write_text(edited)
    token.takes("apply", "purge")
    syncer.edit(("enabled: false # until the partner goes live", "enabled: true"))
    syncer.edit((PARTNER, ""))
    assert token.server.entry("shop/payments/prod/partner-token") is None
    assert "secret/metadata/shop/*: delete" not in token.spare()


def test_the_verify_policy_reads(token: Token, syncer: Folder) -> None:
    """`--verify-values` and `get`."""
    token.takes("apply")
    syncer.apply()
    token.takes("plan", "verify")
    assert "No changes." in syncer.fine("plan", "--verify-values")
    syncer.fine("get", "payments:prod/db-password")
    assert token.spare() == []
