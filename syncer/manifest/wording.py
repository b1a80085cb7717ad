"""A fault of shape in words for people, never repeating what stood there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from syncer.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema.exceptions import ValidationError

    from syncer.manifest.document import Document, Place, Report

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which data does not fit a schema."""

    keyword: str
    wanted: Any
    """What stands under the keyword."""
    schema: dict[str, Any]
    """What the keyword stands in."""
    instance: Any
    """What does not fit. Never to be shown."""
    place: Place
    of_key: bool
    """Whether `instance` is a key of what stands at `place`, and not the thing itself."""

    @property
    def extra_keys(self) -> list[str]:
        """The keys at `place` that are to blame; none where the value is."""
        if self.of_key:
            return [self.instance]
        if self.keyword != "additionalProperties":
            return []
        patterns = self.schema.get("patternProperties", ())
        known = self.schema["properties"]
        return [key for key in self.instance if key not in known and not any(re.search(p, key) for p in patterns)]


def findings(schema: dict[str, Any], data: Any) -> list[Finding]:
    """Find every fault. What has none must be valid for the fast validator too."""
    return [
        Finding(
            keyword=str(error.validator),
            wanted=error.validator_value,
            schema=cast("dict[str, Any]", error.schema),
            instance=error.instance,
            place=tuple(cast("Iterable[str | int]", error.absolute_path)),
            of_key="propertyNames" in error.absolute_schema_path,
        )
        for error in _validator_class()(schema).iter_errors(data)
    ]


def note(finding: Finding, document: Document, report: Report) -> None:
    """Put a finding into the report, at the key or the value that is wrong."""
    place = finding.place
    if finding.keyword == "additionalProperties":
        known = sorted(finding.schema["properties"])
        for key in finding.extra_keys:
            report.at_key(document, (*place, key), unknown("key", key, known, report))
    elif finding.keyword == "enum" and isinstance(finding.instance, str):
        close = report.suggest(finding.instance, map(str, finding.wanted))
        report.at_value(document, place, f"{_sentence(finding, _subject(place))}{close}")
    elif finding.of_key:
        report.at_key(document, (*place, finding.instance), _sentence(finding, "a name"))
    elif finding.keyword == "required":
        for key in finding.wanted:
            if key not in finding.instance:
                report.at_value(document, place, f"`{key}` is missing")
    else:
        report.at_value(document, place, _sentence(finding, _subject(place)))


def unknown(what: str, word: str, known: Iterable[str], report: Report) -> str:
    """Say that a word is none of those known. It is not repeated: without a space, `tag:value` is a key."""
    known = list(known)
    if len(known) == 1:
        return f"only `{known[0]}` may stand here"
    close = report.suggest(word, known)
    return f"unknown {what}{close}" if close else f"unknown {what}; known: {', '.join(known)}"


def _sentence(finding: Finding, subject: str) -> str:  # noqa: PLR0911  # one line for each keyword
    wanted = finding.wanted
    match finding.keyword:
        case "type":
            return str(finding.schema.get("errorMessage") or f"{subject} must be {_kind(wanted)}{_quotes(finding)}")
        case "pattern":
            return str(finding.schema["patternErrorMessage"])
        case "dependentRequired":
            return "; ".join(f"`{key}` needs {_list(needed)}" for key, needed in wanted.items())
        case "enum":
            return f"{subject} must be one of {', '.join(map(str, wanted))}"
        case "const":
            return f"{subject} must be {wanted}"
        case "maxLength":
            return f"{subject} is longer than {wanted} characters"
        case "minLength" | "minItems" | "minProperties":
            return f"{subject} must not be empty" if wanted == 1 else f"{subject} is shorter than {wanted} characters"
        case "minimum":
            return f"{subject} must be at least {wanted}"
    return f"{subject} must be at most {wanted}"


def _subject(place: tuple[str | int, ...]) -> str:
    """Name what stands at a place, in words of the schema only."""
    if place and isinstance(place[-1], int):
        return f"an entry of {_subject(place[:-1])}"
    return f"`{place[-1]}`" if place and place[-1] in _known_words() else "this"


def _kind(wanted: str | list[str]) -> str:
    # An empty mapping or list may also be written as nothing; that is no advice to give.
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join(_KINDS[kind] for kind in kinds if kind != "null")


def _quotes(finding: Finding) -> str:
    plain = isinstance(finding.instance, int | float)
    return ": put it in quotes" if plain and finding.wanted == "string" else ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


@cache
def _known_words() -> frozenset[str]:
    return frozenset(_properties(load_schema("manifest")))


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for below in schema.values():
            yield from _properties(below)


@cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # slow: only a faulty manifest needs it
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        # ECMA 262, which JSON Schema means, lets `$` match at the very end only; Python also before a newline.
        if isinstance(instance, str) and not re.search(re.sub(r"\$(?=$|\))", r"\\Z", wanted), instance):
            yield ValidationError("does not match")

    return extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]  # its stubs are
