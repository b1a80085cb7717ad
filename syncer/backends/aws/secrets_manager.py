"""What the Secrets Manager backend does: one call for a hundred secrets to observe, one for each write."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, TypeVar

from syncer.backends.aws import secret_rules as rules
from syncer.backends.aws import tags
from syncer.backends.aws.answers import text
from syncer.backends.aws.api import Api, unread
from syncer.backends.aws.paging import page_of, paged
from syncer.backends.aws.secret_entries import CURRENT, NAMED_STAGES, observed, regions
from syncer.backends.aws.secret_listing import chains, listing
from syncer.backends.aws.secret_options import SecretsManagerOptions
from syncer.backends.aws.secret_values import REQUEST_TOKENS, batch_page, given, request_token, written
from syncer.backends.base import Backend, BackendContext, Capability
from syncer.errors import BackendError, NotFound, Refused, Unsupported, VersionConflict
from syncer.model import Observed
from syncer.parallel import run
from syncer.readers import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from syncer.backends.aws.api import Answer, Request
    from syncer.backends.aws.paging import Page
    from syncer.model import Address, Secret
    from syncer.sensitive import Sensitive

T = TypeVar("T")

_OWNED = 2
"""Marks of every secret: project and address."""
_REVERSALS = 20
"""How often somebody may have gone back to the same version without our noticing."""
_ID = re.compile(r"[!-~]{32,64}")
_NOTHING: Request = MappingProxyType({})


class SecretsManager(Backend):
    """Secrets of AWS Secrets Manager, found by the beginning of their names.

    A version is the id of the one that is staged as current; a secret that somebody made without a value has none,
    and so the version "". Disabled is a tag, which a policy can make AWS heed.

    There is no conditional write. What somebody writes between the engine's look and our write becomes the previous
    version. A version's id is derived from the change that makes it, so that a repeated write makes nothing twice.
    """

    type_name: ClassVar[str] = "aws-secrets-manager"
    capabilities = frozenset(
        {
            Capability.DISABLE_ADVISORY,
            Capability.TAGS,
            Capability.DESCRIPTION,
            Capability.READ,
            Capability.READ_DISABLED,
            Capability.READ_VERSION,
            Capability.DELETE,
            Capability.SOFT_DELETE,
            Capability.BINARY,
            Capability.VERSION_IN_LIST,
        }
    )
    concurrency = 8
    batch: ClassVar[int] = 20
    listing_lags: ClassVar[bool] = True
    Options = SecretsManagerOptions

    def __init__(self, options: SecretsManagerOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._binary = options.format == "binary"
        if not self._binary:
            self.capabilities = self.capabilities - {Capability.BINARY}
        self._names = options.names(context.project)
        self._off = options.off
        self.inherits = options.for_kestra
        self._keys = Keys()
        self._wanted: dict[Address, bool] = {}
        """What is declared to be enabled, and what is not, where a reader has a mark of its own."""
        self._api = Api("secretsmanager", options, self.meter, self.concurrency)

    def declare(self, secret: Secret) -> Secret:
        """Add the tags that the reader needs."""
        demanded = self.options.demanded(secret.address)
        if not demanded:
            return secret
        self._wanted[secret.address] = secret.enabled
        return replace(secret, tags={**demanded, **secret.tags})

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for a name, tags or a description that AWS does not take, or the reader cannot do with."""
        address = secret.address
        _refuse(f"{address}: its name in Secrets Manager", rules.name_problem(self._names.name(address)))
        _refuse(f"{address}: its address, which becomes a tag,", tags.value_problem(str(address)))
        _refuse(f"{address}: its description", rules.description_problem(secret.description))
        demanded = self.options.demanded(address)
        if (taken := self.options.taken(secret)) is not None:
            _refuse(f"{address}: tag `{taken}`", f"is set by the option `reader: {self.options.reader}`")
        _refuse(f"{address}:", tags.problem({**demanded, **secret.tags}, marks=_OWNED + len(self._off)))
        if demanded:
            self._keys.check(address, demanded["key"])

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for what is too long, or is not of the declared format."""
        super().check_value(secret, value)
        _refuse(f"{secret.address}:", rules.value_problem(value.reveal()))
        if self.options.format == "json" and not rules.is_object(value.reveal()):
            _refuse(f"{secret.address}:", "`format: json` takes JSON objects only")

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give all in the scopes, a hundred a call; a long list in a few chains at once."""
        wanted = frozenset(scopes)
        groups = chains(self._names, wanted, addresses)
        for found in run(lambda group: self._chain(group, wanted), groups, min(self.context.width, self.concurrency)):
            yield from found

    def look(self, address: Address) -> Observed | None:
        """What is at one address now, in one call."""
        try:
            return self._call("DescribeSecret", address, partial(self._seen, address))
        except NotFound:
            return None

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new, enabled secret with its tags; the same once more is no other. AlreadyExists if present.

        That a copy in another region failed is not told: the secret is there, and AWS shows the copy's state.
        """
        self.check_value(secret, value)  # an error of the decoder would hold what is no text
        address = secret.address
        marked = {**secret.tags, **tags.owned(self.context.project, address)}
        request = {
            "Name": self._names.name(address),
            "ClientRequestToken": next(self._tokens(address, "", value)),
            "Tags": tags.pairs(marked),
            "Description": secret.description,
            "KmsKeyId": self.options.kms_key_id,
            "AddReplicaRegions": _named(self.options.replica_regions),
        }
        sent = {name: told for name, told in request.items() if told}
        whole = {**sent, **written(value, binary=self._binary)}
        version, name = self._api.call("CreateSecret", str(address), whole, _made)
        return Observed(
            address=address,
            version=version,
            tags=dict(secret.tags),
            enabled=True,
            description=secret.description,
            owner=self.context.project,
            remote_id=name,
        )

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version. NotFound if gone or pending deletion; VersionConflict where another one followed it."""
        self.check_value(secret, value)  # as above
        address = secret.address
        # AWS leaves everything as it is where a version has this id already: where somebody went back to the version
        # that we expect, after we had made this very change. Then the change needs another id.
        for reversal, token in enumerate(self._tokens(address, expected.version, value)):
            request = {"ClientRequestToken": token, **written(value, binary=self._binary)}
            version, current = self._call("PutSecretValue", address, _put, request)
            if current or (not reversal and self._is_current(address, version, expected)):
                return replace(expected, address=address, version=version)
        message = f"{address}: AWS does not make the new version the current one"
        raise BackendError(message, hint="somebody went back to the same version again and again")

    def wrote(self, secret: Secret, value: Sensitive, expected: Observed | None, found: Observed) -> bool | None:
        """Whether the current version has an id that this very change gives."""
        tokens = self._tokens(secret.address, expected.version if expected else "", value)
        return found.version in (tokens if expected else islice(tokens, 1))

    def read(self, address: Address) -> Sensitive:
        """Give the current value. NotFound if gone or pending deletion."""
        return self._call("GetSecretValue", address, given, {"VersionStage": CURRENT}, values_read=1)

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of a version, by its id, or by AWSCURRENT, AWSPREVIOUS or AWSPENDING."""
        if version not in NAMED_STAGES and not _ID.fullmatch(version):
            message = f"{address}: not in AWS in a version {version}"
            raise NotFound(
                message, hint=f"a version is an id of 32 to 64 characters, or one of {', '.join(NAMED_STAGES)}"
            )
        asked: Request = {"VersionStage" if version in NAMED_STAGES else "VersionId": version}
        return self._call("GetSecretValue", address, given, asked, values_read=1)

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Give the current values, twenty a call. NotFound if one is gone."""
        for start in range(0, len(addresses), self.batch):
            yield from self._read(addresses[start : start + self.batch])

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags, description and owner mark, in as few calls as it takes.

        What is to go goes first: AWS holds 50 tags and no more, and should the rest never come, it shows.
        """
        how = self.patiently
        for action, request in self._steps(secret, expected, drop):
            how(partial(self._call, action, secret.address, unread, request))
            how = self.then
        kept = {name: said for name, said in expected.tags.items() if name not in drop}
        project = self.context.project
        return replace(expected, tags={**kept, **secret.tags}, description=secret.description, owner=project)

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Take the marks of a disabled secret away, or set them."""
        if enabled:
            self._call("UntagResource", expected.address, unread, {"TagKeys": list(self._off)})
        else:
            self._call("TagResource", expected.address, unread, {"Tags": tags.pairs(self._off)})
        return replace(expected, enabled=enabled)

    def delete(self, expected: Observed) -> None:
        """Schedule it for deletion, after the copies that we keep of it. NotFound if gone or scheduled already."""
        address = expected.address
        copies = sorted(self.patiently(partial(self._copies, address)) & set(self.options.replica_regions))
        if not copies:
            self._schedule_deletion(address)
            return
        request = {"RemoveReplicaRegions": copies}
        self.patiently(lambda: self._call("RemoveRegionsFromReplication", address, unread, request))
        self.then(partial(self._make_sure_of_deletion, address))

    def restore(self, expected: Observed) -> Observed:
        """Cancel its deletion, and copy it again to where copies are kept. NotFound where none is scheduled."""
        address = expected.address
        self._cancel_deletion(address)
        there = self.then(partial(self._copies, address))
        missing = [region for region in self.options.replica_regions if region not in there]
        if missing:
            request = {"AddReplicaRegions": _named(missing)}
            self.then(lambda: self._call("ReplicateSecretToRegions", address, unread, request))
        return replace(expected, deleted=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _chain(self, beginnings: list[str], scopes: Collection[str]) -> Collection[Observed]:
        """Go through a list; what came in between two pages may make it give an entry twice."""
        thing = f"{beginnings[0]}*" + (f" and {len(beginnings) - 1} more" if len(beginnings) > 1 else "")

        def read(answer: Answer) -> Page[Observed]:
            named = ((self._names.address(text(entry, "Name")), entry) for entry in answer["SecretList"])
            ours = (self._seen(address, entry) for address, entry in named if address and address.scope in scopes)
            return page_of(answer, ours)

        def ask(request: Request) -> Page[Observed]:
            return self.patiently(lambda: self._api.call("ListSecrets", thing, request, read))

        found = paged(ask, listing(beginnings), f"secretsmanager:ListSecrets of {thing}")
        return {seen.address: seen for seen in found}.values()

    def _seen(self, address: Address, entry: Answer) -> Observed:
        return observed(address, entry, self._off, wanted=self._wanted.get(address, False))

    def _read(self, addresses: Sequence[Address]) -> Iterator[tuple[Address, Sensitive]]:
        names = {self._names.name(address): address for address in addresses}
        thing = str(addresses[0]) + (f" and {len(addresses) - 1} more" if len(addresses) > 1 else "")

        def ask(request: Request) -> Page[tuple[Address, Sensitive]]:
            values = 0 if "NextToken" in request else len(names)
            read = partial(batch_page, names=names)
            return self._api.call("BatchGetSecretValue", thing, request, read, values_read=values)

        missing = set(addresses)
        action = "secretsmanager:BatchGetSecretValue"
        for address, value in paged(ask, {"SecretIdList": list(names)}, f"{action} of {thing}"):
            missing.discard(address)
            yield address, value
        if missing:
            message = f"{min(missing)}: not in AWS ({action})"
            raise NotFound(message)

    def _steps(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Iterator[tuple[str, Request]]:
        """Give the calls that an update takes, at least one."""
        missing = {name: said for name, said in secret.tags.items() if expected.tags.get(name) != said}
        described = secret.description != (expected.description or "")
        if drop:
            yield "UntagResource", {"TagKeys": sorted(drop)}
        if missing or expected.owner is None or not (drop or described):
            marked = {**missing, **tags.owned(self.context.project, secret.address)}
            yield "TagResource", {"Tags": tags.pairs(marked)}
        if described:
            yield "UpdateSecret", {"Description": secret.description}

    def _copies(self, address: Address) -> set[str]:
        """Give the regions with a copy; nobody is asked where the options name none."""
        return self._call("DescribeSecret", address, regions) if self.options.replica_regions else set()

    def _is_current(self, address: Address, version: str, expected: Observed) -> bool:
        """Whether a version that was there before we wrote it is current. VersionConflict where neither it nor ours is.

        Somebody wrote after a try of ours whose answer was lost, then.
        """
        found = self.then(lambda: self._call("DescribeSecret", address, partial(self._seen, address)))
        if found.version not in (version, expected.version):
            message = f"{address} was changed by somebody else while it was being rotated"
            raise VersionConflict(message, hint="plan again")
        return found.version == version

    def _schedule_deletion(self, address: Address) -> None:
        try:
            self._call("DeleteSecret", address, unread, {"RecoveryWindowInDays": self.options.recovery_window_days})
        except Refused as error:
            error.hint = error.hint or "where it has copies in other regions, name them in `replica_regions`"
            raise

    def _make_sure_of_deletion(self, address: Address) -> None:
        """Schedule it; that it is so already is right, for a try before may have done it."""
        with suppress(NotFound):
            self._schedule_deletion(address)

    def _cancel_deletion(self, address: Address) -> None:
        try:
            self._call("RestoreSecret", address, unread)
        except Refused as error:
            # Of a secret that is not scheduled AWS does not document what it says.
            problem = NotFound(error.message, hint=error.hint)
        else:
            return
        raise problem

    def _tokens(self, address: Address, version: str, value: Sensitive) -> Iterator[str]:
        """Give the ids that this change may give its version, each for when somebody went back from the one before."""
        for reversal in range(_REVERSALS):
            change = (self.context.project, self._names.name(address), version, str(reversal))
            yield request_token(self.context.subkey(REQUEST_TOKENS), change, value)

    def _call(
        self,
        action: str,
        address: Address,
        read: Callable[[Answer], T],
        request: Request = _NOTHING,
        *,
        values_read: int = 0,
    ) -> T:
        named = {"SecretId": self._names.name(address), **request}
        return self._api.call(action, str(address), named, read, values_read=values_read)


def _made(answer: Answer) -> tuple[str, str]:
    return text(answer, "VersionId"), text(answer, "ARN")


def _put(answer: Answer) -> tuple[str, bool]:
    """Read the id of a version that was written, and whether AWS says that it is current."""
    return text(answer, "VersionId"), CURRENT in answer.get("VersionStages", ())


def _named(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"Region": name} for name in names]


def _refuse(what: str, problem: str | None) -> None:
    if problem is not None:
        message = f"{what} {problem}"
        raise Unsupported(message)
