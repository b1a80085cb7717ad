"""What the backend does with secrets, out of the calls of a KV version 2 mount."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from syncer.backends.base import Backend, BackendContext, Capability
from syncer.backends.vault import marks
from syncer.backends.vault.api import Api
from syncer.backends.vault.auth import parse_auth
from syncer.backends.vault.chains import Chains
from syncer.backends.vault.environment import Server
from syncer.backends.vault.kv import Kv, Place
from syncer.backends.vault.listing import Listing
from syncer.backends.vault.options import VaultOptions
from syncer.backends.vault.session import Session
from syncer.backends.vault.values import JsonFields, OneField
from syncer.backends.vault.wire import Wire
from syncer.errors import NotFound, Unsupported
from syncer.readers import Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from syncer.backends.vault.marks import Entry
    from syncer.backends.vault.values import Layout
    from syncer.model import Address, Observed, Secret
    from syncer.sensitive import Sensitive

MAX_VALUE = 1024 * 1024
"""Bytes: what Vault takes of one string, and its storage of one entry, unless told otherwise."""

_NUMBER = re.compile("[1-9][0-9]{0,17}")

_CAPABILITIES = frozenset(
    {
        Capability.DISABLE_ENFORCED,
        Capability.TAGS,
        Capability.DESCRIPTION,
        Capability.READ,
        Capability.READ_VERSION,
        Capability.DELETE,
        Capability.SOFT_DELETE,
        Capability.CONDITIONAL_WRITE,
        Capability.VERSION_IN_LIST,
    }
)


class Vault(Backend):
    """Secrets in a KV engine, version 2, of HashiCorp Vault or OpenBao.

    A disabled secret is one whose newest version is soft-deleted: the store's own way to refuse readers. Other
    people's fields in a secret, and their custom metadata, are kept. Older versions are the store's history.
    """

    type_name: ClassVar[str] = "vault"
    capabilities = _CAPABILITIES
    concurrency = 16
    version_is_shared: ClassVar[bool] = True
    Options: ClassVar[type[Any]] = VaultOptions

    def __init__(self, options: VaultOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        if options.purge:
            self.capabilities = _CAPABILITIES - {Capability.SOFT_DELETE}
        self._template = options.template(context.project)
        reader = Reader.of(options.reader)
        self._keys = None if reader is None else reader.names()
        self.inherits = reader is Reader.KESTRA
        self._layout: Layout = OneField(options.field)
        if options.format == "json":
            self._layout = JsonFields(reader=options.reader)
        self._auth = parse_auth(options.auth)

    def connect(self) -> None:
        """Find the server, by the options or the environment."""
        context = self.context
        server = Server.find(self.options, context.environ, context.folder)
        wire = Wire(server, self.meter)
        self._api = Api(wire, Session(self._auth, context, wire))
        self._kv = Kv(self._api, self.options.mount, server.place)
        self._chains = Chains(self._kv, self._layout, self)
        self._listing = Listing(self._kv, self._template, self.patiently, min(context.width, self.concurrency))

    def shape(self, secret: Secret, value: Sensitive) -> Sensitive:
        """Give the value as it will be read."""
        return self._layout.shape(value)

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for what the custom metadata cannot hold, and for a ref that the reader cannot ask for."""
        marks.check(secret)
        if self._keys is not None:
            self._keys.check(secret.address, secret.address.ref)

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for what is no text, longer than 1 MiB, or no object where the format is JSON."""
        super().check_value(secret, value)
        if len(value.reveal()) > MAX_VALUE:
            message = f"{secret.address}: a value in vault is at most 1 MiB"
            raise Unsupported(message)
        self._layout.check(secret.address, value)

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give the metadata of everything in the scopes."""
        return self._listing.observe(scopes)

    def look(self, address: Address) -> Observed | None:
        """Give what is at one address, in one call."""
        entry = self._kv.look(self._place(address))
        return None if entry is None or not entry.version else self._observed(address, entry)

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new secret. AlreadyExists also for one that is pending deletion."""
        wanted = marks.declared(secret, self.context.project)
        entry = self._chains.create(self._place(secret.address), wanted, self._layout.fields(value))
        return self._observed(secret.address, entry)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version; other people's fields stay."""
        version = self._chains.rotate(self._place(secret.address), self._layout.fields(value), expected)
        return replace(expected, address=secret.address, version=version)

    def read(self, address: Address) -> Sensitive:
        """Give the current value. NotFound where readers find nothing, and where the secret lacks our field."""
        held = self._kv.read(self._place(address))
        value = self._layout.value(held.fields, held.custom)
        if value is None:
            message = f"{address}: the secret in vault lacks our field"
            raise NotFound(message, hint="somebody wrote it without; plan again")
        return value

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of a version, by its number or as we name it. NotFound where readers find nothing."""
        digits, at, made = version.partition("@")
        if not _NUMBER.fullmatch(digits):
            raise _no_version(address, version)
        held = self._kv.read(self._place(address), int(digits))
        if at and held.made != made:
            raise _no_version(address, version)
        ours = self._layout.held(held.custom)
        if ours and held.fields.keys() - ours:
            message = f"{address}: version {version} has fields of which nobody can tell any more whose they were"
            raise Unsupported(message, hint="read it with the tools of vault")
        value = self._layout.value(held.fields, held.custom)
        if value is None:
            raise _no_version(address, version)
        return value

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags, description and owner mark in one write."""
        wanted = {**dict.fromkeys(drop), **marks.declared(secret, self.context.project)}
        self._chains.update(self._place(secret.address), wanted)
        tags = {**{key: text for key, text in expected.tags.items() if key not in drop}, **secret.tags}
        return replace(
            expected,
            address=secret.address,
            tags=tags,
            description=secret.description,
            owner=self.context.project,
        )

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Undelete the newest version, or delete it softly."""
        change = self._chains.enable if enabled else self._chains.disable
        return self._observed(expected.address, change(self._place(expected.address), expected))

    def delete(self, expected: Observed) -> None:
        """Delete it softly, or, with `purge`, for good."""
        self._chains.delete(self._place(expected.address), expected, purge=self.options.purge)

    def restore(self, expected: Observed) -> Observed:
        """Undo a soft deletion; with `purge`, one from before that was asked for."""
        if self.options.purge and not expected.deleted:
            return super().restore(expected)
        return self._observed(expected.address, self._chains.restore(self._place(expected.address), expected))

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _place(self, address: Address) -> Place:
        return Place(str(address), self._template.name(address))

    def _observed(self, address: Address, entry: Entry) -> Observed:
        return entry.observed(address, self._kv.name(self._template.name(address)))


def _no_version(address: Address, version: str) -> NotFound:
    return NotFound(f"{address}: not in vault in a version {version}")
