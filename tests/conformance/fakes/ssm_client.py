"""Parameter Store in memory, in the place of boto3's client: where moto is laxer than AWS's documentation, this is not.

What is checked stands in PutParameter, DescribeParameters, ParameterStringFilter and Tag of the API reference, except
where a line says otherwise.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.session import get_session
from botocore.validate import ParamValidator

from syncer.backends.aws.parameter_store import ParameterStore
from syncer.retry import Retry
from syncer.testing.base import context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from botocore.model import ServiceModel

    from syncer.backends.base import Backend

HASTE = 1_000_000
"""Writes a second: no test waits for its turn."""
UNHURRIED = Retry(sleep=lambda _: None)
"""Tries as often as a user's run, and does not wait at all."""
LIMITS = {"Standard": 4096, "Advanced": 8192}
DEFAULT_KEY = "alias/aws/ssm"
OVERWRITTEN = ("Description", "AllowedPattern")
"""What an overwrite leaves as it is, if it does not name it. Not the key: the default comes back."""


@dataclass(slots=True, kw_only=True)
class Parameter:
    """One parameter, with the value of its newest version and those before."""

    name: str
    type: str
    value: str = field(repr=False)
    tier: str = "Standard"
    version: int = 1
    key: str | None = None
    other: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    older: tuple[str, ...] = field(default=(), repr=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """What DescribeParameters says of it."""
        key = {"KeyId": self.key} if self.key else {}
        said = {"Name": self.name, "Type": self.type, "Tier": self.tier, "Version": self.version, "DataType": "text"}
        return {**said, **key, **self.other}


@dataclass
class SsmClient:
    """Stands where boto3's client would; safe to share between threads."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list, repr=False)
    """Every call: its action and its request."""
    refusals: dict[str, list[str]] = field(default_factory=dict)
    """By action, or `*`: error codes that the next calls get."""
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    """By action: what somebody does just before the next call."""
    frozen: dict[str, Parameter] | None = None
    """What a listing of folders shows instead of what is there."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def counted(self) -> Counter[str]:
        """How often each action was called."""
        return Counter(action for action, _ in self.calls)

    def open(self, folder: Path, project: str = "shop", retry: Retry = UNHURRIED, **options: Any) -> Backend:
        """Open the backend on this, in no need to wait for its turn."""
        told = replace(context(folder, project), retry=retry)
        backend = ParameterStore.open({"writes_per_second": HASTE, **options}, told)
        backend._api._made = self
        return backend

    def freeze(self) -> None:
        """Let listings of folders show what is there now, whatever happens."""
        self.frozen = deepcopy(self.parameters)

    def close(self) -> None:
        """There is nothing to close."""

    def describe_parameters(self, **request: Any) -> dict[str, Any]:
        """List metadata, sorted by name; the token is an offset."""
        with self._called("DescribeParameters", request):
            (condition,) = request["ParameterFilters"]
            size, start = request.get("MaxResults", 10), int(request.get("NextToken", "0"))
            _demand(size <= 50 and len(condition["Values"]) <= 50, "ValidationException")
            found = [each.metadata for each in self._fitting(condition)]
            more = {"NextToken": str(start + size)} if start + size < len(found) else {}
            return {"Parameters": found[start : start + size], **more}

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        """Create, or overwrite where that is asked for."""
        with self._called("PutParameter", request):
            found = self.parameters.get(request["Name"])
            _demand(not (request.get("Overwrite") and request.get("Tags")), "ValidationException")
            _demand(found is None or request.get("Overwrite", False), "ParameterAlreadyExists")
            _check_name(request["Name"])
            _check_tags(_read(request.get("Tags", [])))
            made = _version(found, request)
            self.parameters[made.name] = made
            return {"Version": made.version, "Tier": made.tier}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        """Read one, in the version that may stand behind a colon."""
        with self._called("GetParameter", request):
            name, _, version = request["Name"].partition(":")
            _demand(name in self.parameters, "ParameterNotFound")
            found = self.parameters[name]
            numbered = dict(enumerate([*found.older, found.value], start=1))
            _demand(not version or int(version) in numbered, "ParameterVersionNotFound")
            older = {"Value": numbered[int(version)], "Version": int(version)} if version else {}
            return {"Parameter": self._read(name, request) | older}

    def get_parameters(self, **request: Any) -> dict[str, Any]:
        """Read ten."""
        with self._called("GetParameters", request):
            names = request["Names"]
            _demand(len(names) <= 10, "ValidationException")
            found = [self._read(name, request) for name in sorted(names) if name in self.parameters]
            return {"Parameters": found, "InvalidParameters": [name for name in names if name not in self.parameters]}

    def delete_parameter(self, **request: Any) -> dict[str, Any]:
        """Delete one."""
        with self._called("DeleteParameter", request):
            _demand(request["Name"] in self.parameters, "ParameterNotFound")
            del self.parameters[request["Name"]]
            return {}

    def list_tags_for_resource(self, **request: Any) -> dict[str, Any]:
        """List the tags of one."""
        with self._called("ListTagsForResource", request):
            tags = self._resource(request).tags
            return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def add_tags_to_resource(self, **request: Any) -> dict[str, Any]:
        """Set tags."""
        with self._called("AddTagsToResource", request):
            found = self._resource(request)
            tags = {**found.tags, **_read(request["Tags"])}
            _check_tags(tags)
            found.tags = tags
            return {}

    def remove_tags_from_resource(self, **request: Any) -> dict[str, Any]:
        """Remove tags."""
        with self._called("RemoveTagsFromResource", request):
            found = self._resource(request)
            found.tags = {key: value for key, value in found.tags.items() if key not in request["TagKeys"]}
            return {}

    def _called(self, action: str, request: Mapping[str, Any]) -> threading.RLock:
        """Note the call, and raise where it is to be refused."""
        report = ParamValidator().validate(request, _model().operation_model(action).input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        self.calls.append((action, dict(request)))
        self.meanwhile.pop(action, lambda: None)()
        for codes in filter(None, (self.refusals.get(action), self.refusals.get("*"))):
            raise _error(codes.pop(0), action)
        return self.lock

    def _fitting(self, condition: Mapping[str, Any]) -> list[Parameter]:
        key, option, values = condition["Key"], condition["Option"], condition["Values"]
        if (key, option) == ("Name", "Equals"):
            return [found for name, found in self.parameters.items() if name in values]
        assert (key, option) == ("Path", "Recursive"), "not among what this fake can"
        for value in values:
            # Its own words, as moto has them too: "Filters for common parameters can't be prefixed".
            _demand(value.startswith("/") and not value.lower().startswith(("/aws", "/ssm")), "ValidationException")
        there = self.parameters if self.frozen is None else self.frozen
        return [there[name] for name in sorted(there) if name.startswith(tuple(f"{value}/" for value in values))]

    def _resource(self, request: Mapping[str, Any]) -> Parameter:
        _demand(request["ResourceType"] == "Parameter", "InvalidResourceType")
        _demand(request["ResourceId"] in self.parameters, "InvalidResourceId")
        return self.parameters[request["ResourceId"]]

    def _read(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self.parameters[name]
        plain = request.get("WithDecryption") or found.type != "SecureString"
        return {"Name": name, "Value": found.value if plain else "ciphertext", "Version": found.version}


@cache
def _model() -> ServiceModel:
    return get_session().get_service_model("ssm")


def _version(found: Parameter | None, request: Mapping[str, Any]) -> Parameter:
    """Make what there is after a PutParameter."""
    value, tier = request["Value"], request.get("Tier", "Standard")
    if tier == "Intelligent-Tiering":
        longer = len(value) > LIMITS["Standard"] or (found is not None and found.tier == "Advanced")
        tier = "Advanced" if longer else "Standard"
    _demand(len(value) <= LIMITS[tier], "ValidationException", value)
    # AWS says so and quotes the value: `Do not use "{{}}" in the value: ...`.
    _demand(not re.search(r"\{\{.*\}\}", value, re.DOTALL), "ValidationException", value)
    _demand(found is None or (found.tier, tier) != ("Advanced", "Standard"), "ValidationException")
    _demand(found is None or found.type == request["Type"], "HierarchyTypeMismatchException")
    named = {name: request[name] for name in OVERWRITTEN if name in request}
    return Parameter(
        name=request["Name"],
        type=request["Type"],
        value=value,
        tier=tier,
        version=1 if found is None else found.version + 1,
        key=request.get("KeyId", DEFAULT_KEY) if request["Type"] == "SecureString" else None,
        other=named if found is None else {**found.other, **named},
        tags=_read(request.get("Tags", [])) if found is None else found.tags,
        older=() if found is None else (*found.older, found.value),
    )


def _read(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _check_name(name: str) -> None:
    _demand(len(f"arn:aws:ssm:us-east-1:111122223333:parameter{name}") <= 1011, "ValidationException")
    _demand(re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", name) is not None, "ValidationException")
    _demand(not name.lower().startswith(("/aws", "/ssm")), "ValidationException")
    _demand(name.count("/") <= 15, "HierarchyLevelLimitExceededException")


def _check_tags(tags: Mapping[str, str]) -> None:
    _demand(len(tags) <= 50, "TooManyTagsError")
    for key, value in tags.items():
        _demand(1 <= len(key) <= 128 and len(value) <= 256, "ValidationException")
        fitting = all(c in "_.:/=+-@" or unicodedata.category(c)[0] in "LZN" for c in key + value)
        _demand(fitting and not key.lower().startswith("aws:"), "ValidationException")


def _demand(fulfilled: bool, code: str, quoted: str = "") -> None:  # noqa: FBT001  # what an assert takes, too
    if not fulfilled:
        raise _error(code, "the call", quoted)


def _error(code: str, action: str, quoted: str = "") -> ClientError:
    status = 500 if code == "InternalServerError" else 400
    said = {"Error": {"Code": code, "Message": quoted}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, action)
