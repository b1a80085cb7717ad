"""The policy: rules of the manifest itself, of the file that it names, and of files that a run is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncer.errors import InvalidConfiguration
from syncer.manifest.document import Document, Place, Report, read, spoken
from syncer.manifest.rotation import read_duration
from syncer.manifest.shape import POLICY, check
from syncer.model import Address, OnRemove, Origin
from syncer.registry import SOURCES, source_class
from syncer.rules import (
    AllowedSources,
    ForbiddenOnRemove,
    GeneratedValues,
    MaximumAge,
    Naming,
    Owners,
    Reach,
    RequiredTags,
    Rule,
    matcher,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from syncer.model import Manifest

Given = Mapping[str, Any]
"""A rule as YAML gives it, of the right shape."""

_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule, and where it stands."""

    given: Given
    document: Document
    place: Place
    report: Report

    @property
    def reach(self) -> Reach:
        """What every rule may say."""
        line = self.document.node(self.place).start_mark.line + 1
        return Reach(
            severity=self.given.get("severity", "error"),
            scopes=tuple(self.given.get("scopes", ("*",))),
            exceptions=tuple(self.given.get("except", ())),
            origin=Origin(file=self.document.name, line=line),
        )

    def fault(self, place: Place, message: str) -> None:
        """Note what is wrong with a part of it."""
        self.report.at_value(self.document, (*self.place, *place), message)

    def check_expression(self, text: str, place: Place) -> None:
        """Note a regular expression that is none."""
        try:
            matcher(text)
        except InvalidConfiguration as error:
            self.fault(place, error.message)


def named_policy(main: Document, folder: Path, report: Report) -> list[Document]:
    """Read the file that the manifest names, if it names one."""
    named = main.data.get("policy")
    if not isinstance(named, str):
        return []
    if not os.access(folder / named, os.F_OK):
        report.at_value(main, ("policy",), "no such file")  # its name is not repeated: it may be anything
        return []
    return policy_files([folder / named], report)


def policy_files(paths: Iterable[Path | str], report: Report) -> list[Document]:
    """Read files that hold rules; one that cannot be read is a fault, and hides no other one."""
    lost = report.lost
    documents = [read(Path(path), report) for path in paths]
    checked = [check(document, POLICY, report) for document in documents if document is not None]
    report.lost = lost  # no scope or secret is declared there
    return checked


def declared_rules(manifest: Manifest, main: Document, files: Sequence[Document], report: Report) -> tuple[Rule, ...]:
    """Give every rule, those of the manifest first, and note what is wrong with one."""
    rules = []
    for document in (main, *files):
        for entry in _entries(document, "policy" if document is main else "rules", report):
            if document is main and not report.lost:
                _check_names(entry, manifest)
            rules.append(READERS[entry.given["rule"]](entry))
    return tuple(rules)


def _entries(document: Document, key: str, report: Report) -> Iterator[Entry]:
    given = document.data.get(key)
    for index, rule in enumerate(given if isinstance(given, list) else ()):
        yield Entry(given=rule, document=document, place=(key, index), report=report)


def _check_names(entry: Entry, manifest: Manifest) -> None:
    """Note scopes and addresses that the manifest does not declare: a misspelt one would be about nothing.

    A file of rules is for many manifests, so it may name what only some of them have.
    """
    for index, name in _plain(entry, "scopes"):
        if name not in manifest.scopes:
            close = entry.report.suggest(name, manifest.scopes)
            entry.fault(("scopes", index), f"this scope is not declared{close}")
    for index, name in _plain(entry, "except"):
        address = Address(*name.partition(":")[::2])
        if address not in manifest.secrets and address not in manifest.removed:
            close = entry.report.suggest(name, map(str, manifest.secrets))
            entry.fault(("except", index), f"this address is not declared{close}")


def _plain(entry: Entry, key: str) -> Iterator[tuple[int, str]]:
    """Give the names in a list of globs that are no globs, each with its index."""
    return ((index, name) for index, name in enumerate(entry.given.get(key, ())) if _GLOB.isdisjoint(name))


def _required_tags(entry: Entry) -> Rule:
    given = entry.given["tags"]
    tags: dict[str, str | None] = dict.fromkeys(given) if isinstance(given, list) else dict(given)
    for name, expression in tags.items():
        if expression is not None:
            entry.check_expression(expression, ("tags", name))
    return RequiredTags(reach=entry.reach, tags=tags)


def _maximum_age(entry: Entry) -> Rule:
    age = read_duration(entry.given["age"], entry.document, (*entry.place, "age"), entry.report)
    return MaximumAge(reach=entry.reach, age=age or timedelta.max)


def _generated_values(entry: Entry) -> Rule:
    least, types, alphabets = (entry.given.get(key) for key in ("minimum_length", "types", "alphabets"))
    if least is None and types is None and alphabets is None:
        entry.fault((), "the rule demands nothing; it takes `minimum_length`, `types` and `alphabets`")
    return GeneratedValues(
        reach=entry.reach,
        minimum_length=None if least is None else int(least),
        types=None if types is None else tuple(types),
        alphabets=None if alphabets is None else tuple(alphabets),
    )


def _allowed_sources(entry: Entry) -> Rule:
    for index, name in enumerate(entry.given["sources"]):
        if name not in SOURCES:
            try:
                source_class(name)
            except InvalidConfiguration as error:
                entry.fault(("sources", index), spoken(error))
    return AllowedSources(reach=entry.reach, sources=tuple(entry.given["sources"]))


def _forbidden_on_remove(entry: Entry) -> Rule:
    return ForbiddenOnRemove(reach=entry.reach, on_remove=tuple(map(OnRemove, entry.given["on_remove"])))


def _naming(entry: Entry) -> Rule:
    entry.check_expression(entry.given["refs"], ("refs",))
    return Naming(reach=entry.reach, refs=entry.given["refs"])


def _owners(entry: Entry) -> Rule:
    return Owners(reach=entry.reach, owners=tuple(entry.given["owners"]), tag=entry.given.get("tag", "owner"))


READERS: dict[str, Callable[[Entry], Rule]] = {
    RequiredTags.name: _required_tags,
    MaximumAge.name: _maximum_age,
    GeneratedValues.name: _generated_values,
    AllowedSources.name: _allowed_sources,
    ForbiddenOnRemove.name: _forbidden_on_remove,
    Naming.name: _naming,
    Owners.name: _owners,
}
"""Name of a rule to what reads it."""
