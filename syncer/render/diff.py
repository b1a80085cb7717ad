"""What differs inside tags, description and enabled, found by one pass of deepdiff over all changes at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.plans import Snapshot

Path: TypeAlias = tuple[str, ...]
Scalar: TypeAlias = "str | bool"
Fields: TypeAlias = Mapping[Path, Scalar]
"""Attribute paths to what stands there: `("tags", "team")` to `"payments"`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One difference. None stands for what is not there."""

    path: Path
    before: Scalar | None
    after: Scalar | None


_Sides: TypeAlias = tuple[Path, "Scalar | None", "Scalar | None"]


def tag_fields(tags: Mapping[str, str]) -> Fields:
    """Give each tag a path of its own."""
    return {("tags", key): value for key, value in tags.items()}


def snapshot_fields(snapshot: Snapshot) -> Fields:
    """Give what can be compared of a snapshot; no description and an empty one are the same."""
    fields: dict[Path, Scalar] = {**tag_fields(snapshot.tags), ("enabled",): snapshot.enabled}
    if snapshot.description:
        fields["description",] = snapshot.description
    return fields


def differences(pairs: Sequence[tuple[Fields, Fields]]) -> list[tuple[Entry, ...]]:
    """Give the differences of each pair, in the order of the pairs, each sorted by path.

    deepdiff costs about 30 us for each difference and 50 ms to import. So all pairs share one call, a difference
    that many secrets share (one new tag for all of a scope) is in it once, and where none is, it is not imported.
    """
    sharing: dict[_Sides, list[int]] = defaultdict(list)
    for index, (before, after) in enumerate(pairs):
        for path in before.keys() | after.keys():
            sides = (path, before.get(path), after.get(path))
            if sides[1] != sides[2]:
                sharing[sides].append(index)
    found: list[list[Entry]] = [[] for _ in pairs]
    for entry, indexes in _compare(sharing) if sharing else ():
        for index in indexes:
            found[index].append(entry)
    return [tuple(sorted(entries, key=lambda entry: entry.path)) for entries in found]


def _compare(sharing: Mapping[_Sides, list[int]]) -> Iterator[tuple[Entry, list[int]]]:
    from deepdiff import DeepDiff  # noqa: PLC0415  # 50 ms that a plan without updates need not pay
    from deepdiff.helper import notpresent  # noqa: PLC0415

    known = list(sharing.items())
    one = {number: before for number, ((_, before, _), _) in enumerate(known) if before is not None}
    other = {number: after for number, ((_, _, after), _) in enumerate(known) if after is not None}
    # Without the threshold, deepdiff calls two mappings that share few keys one wholesale change.
    diff = DeepDiff(one, other, view="tree", threshold_to_diff_deeper=0)
    for level in (level for kind in diff.values() for level in kind):
        (path, _, _), indexes = known[level.path(output_format="list")[0]]
        before, after = (None if side is notpresent else side for side in (level.t1, level.t2))
        yield Entry(path=path, before=before, after=after), indexes
