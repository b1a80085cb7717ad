"""What the backend does with secrets, out of the calls of Kestra's REST API."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from syncer.backends.base import Backend, BackendContext, Capability
from syncer.backends.kestra import rows
from syncer.backends.kestra.api import Api
from syncer.backends.kestra.namespaces import Namespaces
from syncer.backends.kestra.options import DELETE, KestraOptions
from syncer.backends.kestra.rows import Row
from syncer.errors import Refused, Unsupported, VersionConflict
from syncer.naming import upper_snake
from syncer.parallel import run
from syncer.readers import Keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from syncer.model import Address, Observed, Secret
    from syncer.sensitive import Sensitive

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Kestra(Backend):
    """The secrets of Kestra Enterprise, where it manages them: a scope is a namespace, a key is the ref in upper snake.

    Whose a secret is stands in its tags. Neither values nor versions ever come back, so rotation goes by the
    fingerprint of what was written. There is no disabled state, and no conditional write.
    """

    type_name: ClassVar[str] = "kestra"
    capabilities = frozenset({Capability.TAGS, Capability.DESCRIPTION, Capability.DELETE})
    concurrency = 8
    inherits = True
    Options: ClassVar[type[Any]] = KestraOptions

    def __init__(self, options: KestraOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        if options.disable == DELETE:
            self.capabilities = self.capabilities | {Capability.DISABLE_REMOVES}
        self._keys = Keys()
        self.place = "" if options.url_at_run_time else options.root(options.at(context))

    def connect(self) -> None:
        """Find the server."""
        self._api = Api(self, self.options.root(self.options.at(self.context)))
        self._namespaces = Namespaces(self._api, self)
        self.place = self._api.where

    def declare(self, secret: Secret) -> Secret:
        """Add the tags that the options give every secret."""
        return replace(secret, tags={**self.options.tags, **secret.tags}) if self.options.tags else secret

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for what is no namespace, no key or another secret's key, and for tags of Kestra's own."""
        address = secret.address
        if not _NAMESPACE.fullmatch(address.scope):
            message = f"{address}: a namespace of kestra is small letters, digits, `.`, `_` and `-`"
            raise Unsupported(message)
        self._keys.check(address, upper_snake(address.ref))
        for name, text in secret.tags.items():
            if name in rows.RESERVED or not text:
                rule = "is kept for kestra and for us" if name in rows.RESERVED else "is empty"
                message = f"{address}: tag `{name}` {rule}"
                raise Unsupported(message)

    def check_scope(self, scope: str) -> None:
        """Raise Unsupported for a namespace whose secrets Kestra itself only reads."""
        if self._namespaces.is_read_only(scope):
            message = f"kestra at {self.place} only reads the secrets of namespace {scope}"
            hint = "write to the store that it reads: a backend with `reader: kestra`"
            raise Unsupported(message, hint=hint)

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give everything in the namespaces, page by page; those below them are scopes of their own."""
        asked: defaultdict[tuple[str, str], set[Address]] = defaultdict(set)
        for address in addresses:
            asked[address.scope, upper_snake(address.ref)].add(address)
        names = sorted(filter(_NAMESPACE.fullmatch, scopes))  # what can be no namespace holds nothing
        width = min(self.context.width, self.concurrency)
        for found in run(self._namespaces.rows, names, width):
            # A key in small letters is one that no ref gives: as a ref it would pass for another key.
            ours = [row for row in found.values() if row.key == upper_snake(row.key)]
            yield from (self._observed(row, row.address(asked[row.namespace, row.key])) for row in ours)

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new secret. AlreadyExists if its key is there."""
        self.check_value(secret, value)  # an error of the decoder would hold what is no text
        address = secret.address
        tags = rows.marked(secret.tags, self.context.project, address)
        row = Row(address.scope, upper_snake(address.ref), secret.description, tags)
        return self._written(self._namespaces.create(address, value, row), address)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write another value; tags and description stay as they are."""
        self.check_value(secret, value)  # as above
        address = secret.address
        return self._written(self._namespaces.rotate(address, value, upper_snake(address.ref)), address)

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags, description and owner mark, and keep other people's tags."""
        address = secret.address

        def changed(row: Row) -> Row:
            self._check_ours(address, row.tags.get(rows.PROJECT))
            kept = {name: text for name, text in row.tags.items() if name not in drop}
            tags = rows.marked({**kept, **secret.tags}, self.context.project, address)
            return row._replace(tags=tags, description=secret.description)

        row = self._namespaces.update(address, upper_snake(address.ref), changed)
        return replace(self._observed(row, address), version=expected.version)

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Take it out, where the options say so and it is ours still. What is to be enabled again is created."""
        if enabled or self.options.disable != DELETE:
            return super().set_enabled(expected, enabled=enabled)
        seen = self.look(expected.address)
        if seen is not None:  # else a try before did it, whose answer was lost, or somebody else
            self._check_ours(expected.address, seen.owner)
            self.delete(expected)
        return replace(expected, enabled=False)

    def delete(self, expected: Observed) -> None:
        """Delete it for good. Refused where its key is another declared ref's by now: one secret, called anew."""
        address, key = expected.address, upper_snake(expected.address.ref)
        holder = self._keys.holder(address.scope, key)
        if holder not in (None, address):
            message = f"{address}: its key {key} in kestra is that of {holder}, too"
            raise Refused(message, hint=f"where only the ref is new: `syncer state mv {address} {holder}`")
        self._namespaces.delete(address, key)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _check_ours(self, address: Address, owner: str | None) -> None:
        if owner not in (None, self.context.project):
            message = f"{address} belongs to project {owner} since it was planned"
            raise VersionConflict(message, hint="plan again")

    def _observed(self, row: Row, address: Address) -> Observed:
        return row.observed(address, f"{self.place}/{address.scope}/{row.key}")

    def _written(self, row: Row, address: Address) -> Observed:
        """Give what is there now; the version is a name of our own for what we have just written."""
        return replace(self._observed(row, address), version=uuid4().hex[:12])
