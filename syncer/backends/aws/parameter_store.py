"""What the Parameter Store backend does: metadata in bulk, tags one by one, each write in its turn."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from syncer.backends.aws import parameter_rules as rules
from syncer.backends.aws import tags
from syncer.backends.aws.answers import number, text
from syncer.backends.aws.api import Api, unread
from syncer.backends.aws.paging import paged
from syncer.backends.aws.parameter_options import ParameterStoreOptions
from syncer.backends.aws.parameters import MOST_PATHS, Parameter, below, described, named
from syncer.backends.base import Backend, BackendContext, Capability
from syncer.errors import NotFound, Unsupported
from syncer.model import Observed
from syncer.parallel import run
from syncer.retry import Pace
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.backends.aws.api import Answer, Request
    from syncer.backends.aws.paging import Page
    from syncer.model import Address, Secret

T = TypeVar("T")

DESCRIPTION = "syncer:description"
BIRTH = "syncer:birth"
"""Random, given when we make a parameter: another one under the same name lacks it or has another."""
_MARKS = 5
"""Project, address, birth, description and enabled, at most."""

_ADVANCED = "Advanced"
_NUMBER = re.compile("[1-9][0-9]{0,17}")


class ParameterStore(Backend):
    """Secrets as parameters of type SecureString.

    The description is a tag, because the parameter's own can only be changed together with its value.

    A version is the parameter's number, which begins again at 1 for another parameter under the same name, and after a
    dash the birth mark of those that we made. PutParameter does not tell the date that DescribeParameters shows. One
    that was taken over has its number only, and so has one that lost its tags: its value tells whether it is the one
    that we made.

    There is no conditional write. What somebody writes between the engine's look and our write is written over; it
    stays in the parameter's history.
    """

    type_name: ClassVar[str] = "aws-ssm"
    capabilities = frozenset(
        {
            Capability.DISABLE_ADVISORY,
            Capability.TAGS,
            Capability.DESCRIPTION,
            Capability.READ,
            Capability.READ_DISABLED,
            Capability.READ_VERSION,
            Capability.DELETE,
            Capability.VERSION_IN_LIST,
        }
    )
    concurrency = 4
    batch: ClassVar[int] = 10
    listing_lags: ClassVar[bool] = True
    version_is_shared: ClassVar[bool] = True
    Options = ParameterStoreOptions

    def __init__(self, options: ParameterStoreOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self._names = options.names(context.project)
        self._api = Api("ssm", options, self.meter, self.concurrency)
        self._pace = Pace(options.writes_per_second)
        self._width = min(context.width, self.concurrency)

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for a name, tags or a description that AWS does not take."""
        address = secret.address
        _refuse(f"{address}: its name in Parameter Store", rules.name_problem(self._names.name(address)))
        _refuse(f"{address}: its address, which becomes a tag,", tags.value_problem(str(address)))
        _refuse(f"{address}: its description, which becomes a tag,", tags.value_problem(secret.description))
        _refuse(f"{address}:", tags.problem(secret.tags, marks=_MARKS))

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for what is no text, is too long for the tier, or looks like a reference."""
        super().check_value(secret, value)
        _refuse(f"{secret.address}:", *rules.value_problem(value.reveal(), self.options.tier))

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give all in the folders of the scopes, of whatever type: 50 a call, and a call for the tags of each."""
        asked = frozenset(scopes)
        prefixes = [self._names.prefix(scope) for scope in sorted(asked)]
        # A filter for what AWS keeps to itself is refused; nothing of ours can be there.
        paths = [prefix.rpartition("/")[0] for prefix in prefixes if rules.name_problem(f"{prefix}x") is None]
        groups = [paths[start : start + MOST_PATHS] for start in range(0, len(paths), MOST_PATHS)]
        there: dict[Address, Parameter] = {}
        for found in run(self._below, groups, self._width):
            there.update((address, each) for address, each in found.items() if address.scope in asked)
        return filter(None, run(lambda entry: self._dressed(*entry), there.items(), self._width))

    def look(self, address: Address) -> Observed | None:
        """What is at one address now, in two calls, as fresh as metadata gets.

        It asks the DescribeParameters that listings ask, by one name: AWS promises of no call but those that read a
        value that it shows what was written a moment ago.
        """
        found = self._find(address)
        return None if found is None else self._dressed(address, found)

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new, enabled parameter with its tags. AlreadyExists if present."""
        marks = self._birth_marks(secret)
        tier = self.options.tier.title()
        made = self._put(secret, value, {"Tier": tier, "Tags": tags.pairs({**secret.tags, **marks})})
        return self._born(secret, made, marks)

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version; key, tier and description of the parameter's own stay. NotFound if gone."""
        found = self._find(secret.address)
        if found is None:
            message = f"{secret.address}: not in Parameter Store"
            raise NotFound(message)
        tier = found.tier if found.tier == _ADVANCED else self.options.tier.title()  # there is no way back
        made = self._put(secret, value, {**found.kept, "Tier": tier, "Overwrite": True})
        expected = replace(expected, address=secret.address, remote_id=found.arn)
        if made <= found.number:
            return self._adopt(secret, made, expected)
        return replace(expected, version=_version(made, _birth(expected)))

    def read(self, address: Address) -> Sensitive:
        """Give the current value, decrypted. NotFound if gone."""
        request = {"Name": self._names.name(address), "WithDecryption": True}
        return self._api.call("GetParameter", str(address), request, _read_one, values_read=1)

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of a version, by its number or as we name it. NotFound also where that is another's by now."""
        made, _, birth = version.partition("-")
        if not _NUMBER.fullmatch(made) or (birth and birth != self._birth_of(address)):
            message = f"{address}: not in Parameter Store in a version {version}"
            raise NotFound(message)
        request = {"Name": f"{self._names.name(address)}:{made}", "WithDecryption": True}
        return self._api.call("GetParameter", str(address), request, _read_one, values_read=1)

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Give the current values, decrypted, in one call. NotFound if one is gone."""
        names = {self._names.name(address): address for address in addresses}
        thing = ", ".join(map(str, addresses))
        request = {"Names": list(names), "WithDecryption": True}

        def read(answer: Answer) -> dict[Address, Sensitive]:
            return {names[found["Name"]]: _value(found) for found in answer["Parameters"]}

        values = self._api.call("GetParameters", thing, request, read, values_read=len(names))
        gone = sorted(str(address) for address in addresses if address not in values)
        if gone:
            message = f"{', '.join(gone)}: not in Parameter Store"
            raise NotFound(message)
        return values.items()

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags, description and owner mark; remove what is to go first, because AWS holds 50 tags and no more.

        The birth mark is set again, lest the version moves where somebody takes all tags away meanwhile. None is given
        to a parameter that has none: another version would make those who may not read the value replace it.
        """
        gone = sorted(drop)
        if expected.description and not secret.description:
            gone.append(DESCRIPTION)
        birth = {BIRTH: _birth(expected)} if _birth(expected) else {}
        tag = partial(self._tag, secret.address, {**secret.tags, **self._marks(secret), **birth})
        if gone:
            self.patiently(lambda: self._untag(secret.address, gone))
            self.then(tag)
        else:
            tag()
        kept = {name: said for name, said in expected.tags.items() if name not in drop}
        return replace(
            expected, tags={**kept, **secret.tags}, description=secret.description, owner=self.context.project
        )

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Take the mark of a disabled secret away, or set it."""
        if enabled:
            self._untag(expected.address, [tags.ENABLED])
        else:
            self._tag(expected.address, {tags.ENABLED: tags.OFF})
        return replace(expected, enabled=enabled)

    def delete(self, expected: Observed) -> None:
        """Delete it for good. NotFound if gone."""
        self._write("DeleteParameter", expected.address, {"Name": self._names.name(expected.address)}, unread)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _below(self, paths: list[str]) -> dict[Address, Parameter]:
        thing = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        found = ((self._names.address(each.name), each) for each in self._described(thing, below(paths)))
        return {address: each for address, each in found if address is not None}

    def _find(self, address: Address) -> Parameter | None:
        return next(self._described(str(address), named(self._names.name(address))), None)

    def _described(self, thing: str, request: Request) -> Iterator[Parameter]:
        def ask(page: Request) -> Page[Parameter]:
            return self.patiently(lambda: self._api.call("DescribeParameters", thing, page, described))

        return paged(ask, request, f"ssm:DescribeParameters of {thing}")

    def _dressed(self, address: Address, parameter: Parameter) -> Observed | None:
        """Add what its tags say; None where it was deleted meanwhile."""
        try:
            found = self._tags_of(address)
        except NotFound:
            return None
        return Observed(
            address=address,
            version=_version(parameter.number, found.get(BIRTH, "")),
            tags=tags.unmarked(found),
            enabled=found.get(tags.ENABLED) != tags.OFF,
            description=found.get(DESCRIPTION, ""),
            owner=found.get(tags.PROJECT),
            remote_id=parameter.arn,
        )

    def _tags_of(self, address: Address) -> dict[str, str]:
        request = self._resource(address)
        return self.patiently(lambda: self._api.call("ListTagsForResource", str(address), request, _tags))

    def _birth_of(self, address: Address) -> str:
        """Give the birth mark of what is there now, which another one under the same name has not."""
        return self._tags_of(address).get(BIRTH, "")

    def _born(self, secret: Secret, made: int, marks: Mapping[str, str], arn: str = "") -> Observed:
        """Give what PutParameter made. It tells the number of its version, and not its ARN."""
        return Observed(
            address=secret.address,
            version=_version(made, marks[BIRTH]),
            tags=dict(secret.tags),
            enabled=tags.ENABLED not in marks,
            description=secret.description,
            owner=self.context.project,
            remote_id=arn,
        )

    def _adopt(self, secret: Secret, made: int, expected: Observed) -> Observed:
        """Mark what our own overwrite made, because somebody deleted the parameter a moment before."""
        disabled = {} if expected.enabled else {tags.ENABLED: tags.OFF}
        marks = {**self._birth_marks(secret), **disabled}
        self.then(lambda: self._tag(secret.address, {**secret.tags, **marks}))
        return self._born(secret, made, marks, expected.remote_id)

    def _marks(self, secret: Secret) -> dict[str, str]:
        described = {DESCRIPTION: secret.description} if secret.description else {}
        return {**tags.owned(self.context.project, secret.address), **described}

    def _birth_marks(self, secret: Secret) -> dict[str, str]:
        return {**self._marks(secret), BIRTH: os.urandom(8).hex()}

    def _put(self, secret: Secret, value: Sensitive, request: Mapping[str, object]) -> int:
        """Write the value and give the number of its version."""
        self.check_value(secret, value)  # an error of the SDK or of the decoder would hold what is no text
        key = {} if self.options.kms_key_id is None else {"KeyId": self.options.kms_key_id}
        fixed = {"Name": self._names.name(secret.address), "Type": "SecureString", **request, **key}
        whole = {**fixed, "Value": value.reveal().decode()}
        return self._write("PutParameter", secret.address, whole, lambda answer: number(answer, "Version"))

    def _tag(self, address: Address, wanted: Mapping[str, str]) -> None:
        self._write("AddTagsToResource", address, {**self._resource(address), "Tags": tags.pairs(wanted)}, unread)

    def _untag(self, address: Address, names: list[str]) -> None:
        self._write("RemoveTagsFromResource", address, {**self._resource(address), "TagKeys": names}, unread)

    def _resource(self, address: Address) -> dict[str, object]:
        return {"ResourceType": "Parameter", "ResourceId": self._names.name(address)}

    def _write(self, action: str, address: Address, request: Request, read: Callable[[Answer], T]) -> T:
        self._pace.wait(self.context.retry)
        return self._api.call(action, str(address), request, read)


def _version(made: int, birth: str) -> str:
    return f"{made}-{birth}" if birth else str(made)


def _birth(seen: Observed) -> str:
    return seen.version.partition("-")[2]


def _tags(answer: Answer) -> dict[str, str]:
    return tags.read(answer["TagList"])


def _read_one(answer: Answer) -> Sensitive:
    return _value(answer["Parameter"])


def _value(parameter: Mapping[str, object]) -> Sensitive:
    # Half a surrogate pair, which JSON can hold, must not become an error that holds the value.
    return Sensitive(text(parameter, "Value").encode("utf-8", "surrogatepass"))


def _refuse(what: str, problem: str | None, hint: str | None = None) -> None:
    if problem is not None:
        message = f"{what} {problem}"
        raise Unsupported(message, hint=hint)
