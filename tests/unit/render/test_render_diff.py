"""Differences between two sides, found for all pairs at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from plans_by_hand import snapshot

from syncer.render.diff import Entry, differences, snapshot_fields, tag_fields

TAGS = st.dictionaries(st.text(max_size=3), st.text(max_size=2), max_size=4)


@given(st.lists(st.tuples(TAGS, TAGS), max_size=6))
def test_differences_lead_from_one_side_to_the_other(pairs: list[tuple[dict[str, str], dict[str, str]]]) -> None:
    """Applied to the first side, the entries give the second; each is a real difference, sorted by path."""
    found = differences([(tag_fields(one), tag_fields(other)) for one, other in pairs])
    assert len(found) == len(pairs)
    for (one, other), entries in zip(pairs, found, strict=True):
        result = dict(one)
        for entry in entries:
            assert entry.before == one.get(entry.path[1])
            assert entry.before != entry.after
            result.pop(entry.path[1], None)
            if entry.after is not None:
                result[entry.path[1]] = str(entry.after)
        assert result == other
        assert [entry.path for entry in entries] == sorted(entry.path for entry in entries)


def test_snapshots_differ_in_tags_description_and_enabled_only() -> None:
    """Version and fingerprint are no metadata; no description and an empty one are the same."""
    one = snapshot(version="1", description="", tags={"a": "1"})
    other = snapshot(version="2", description=None, enabled=False, tags={"a": "1"})
    pair = (snapshot_fields(one), snapshot_fields(other))
    assert differences([pair]) == [(Entry(path=("enabled",), before=True, after=False),)]
    described = snapshot_fields(snapshot(description="x", tags={"a": "1"}))
    assert differences([(snapshot_fields(one), described)]) == [(Entry(path=("description",), before=None, after="x"),)]


def test_a_shared_difference_is_told_for_each_pair() -> None:
    """What many secrets share is compared once and told for all of them."""
    pair = ({("tags", "team"): "a"}, {("tags", "team"): "b"})
    entry = Entry(path=("tags", "team"), before="a", after="b")
    assert differences([pair, ({}, {}), pair]) == [(entry,), (), (entry,)]
