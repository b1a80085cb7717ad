"""Our line in a description: it comes back as it was written, and only where it is this very secret's."""

from __future__ import annotations

import json

import pytest
from dagu_bench import DB, KEY, Bench
from hypothesis import given
from hypothesis import strategies as st
from support import secret

from syncer.backends.dagu.marks import MARK, Mark, apart, collides, together
from syncer.errors import Unsupported
from syncer.model import Address
from syncer.testing.base import declared

OURS = Mark("shop", DB, {"tier": "gold"})
LINE = 'syncer:v1 {"address":"payments:prod/db","project":"shop","tags":{"tier":"gold"}}'

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\r\u2028\x85 s"), max_size=40)
marks = st.builds(
    Mark,
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True),
    st.builds(Address, st.sampled_from(["payments", "profile/_workspaces/a"]), texts.filter(bool)),
    st.dictionaries(texts, texts, max_size=3),
)


@given(text=texts.filter(lambda text: not collides(text)), mark=marks)
def test_what_was_put_together_comes_apart(text: str, mark: Mark) -> None:
    """Whatever people wrote, line breaks at either end too, and whatever tags are called."""
    assert apart(together(text, mark)) == (text, mark)


@given(text=texts)
def test_what_nobody_marked(text: str) -> None:
    """It is people's alone."""
    if not collides(text):
        assert apart(text) == (text, None)


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n", "\n\n", "a\r", "a\r\nb", "\r\n", " \n ", "a\n\nb", "\u2028"])
def test_texts_with_line_breaks(text: str) -> None:
    """Ours is a line of its own, the last one; empty text adds no line."""
    marked = together(text, OURS)
    assert marked.split("\n")[-1] == LINE
    assert marked == (f"{text}\n{LINE}" if text else LINE)
    assert apart(marked) == (text, OURS)


@pytest.mark.parametrize(
    ("description", "text"),
    [
        (f"{LINE}\nbelow", "below"),
        (f"above\n{LINE}\nbelow", "above\nbelow"),
        (f"{LINE}\n", ""),
        (f"above\n{LINE}\n\n", "above\n\n"),
    ],
)
def test_people_write_around_it(description: str, text: str) -> None:
    """It need not be the last line."""
    assert apart(description) == (text, OURS)


def test_two_lines() -> None:
    """The last one counts, also where it cannot be read; neither is people's."""
    other = Mark("other", DB, {})
    assert apart(together(together("a", OURS), other)) == ("a", other)
    assert apart(f"a\n{LINE}\n{MARK}broken") == ("a", None)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "null",
        "[]",
        '"x"',
        "5",
        "{}",
        '{"project":"shop"}',
        '{"address":"payments:prod/db"}',
        '{"project":"shop","address":"payments"}',
        '{"project":"shop","address":":x"}',
        '{"project":"shop","address":null}',
        '{"project":"shop","address":"a:b","tags":null}',
        '{"project":"shop","address":"a:b","tags":[]}',
        '{"project":"shop","address":"a:b"} more',
        "[" * 100_000,
        "9" * 5_000,
    ],
    ids=lambda content: content[:40],
)
def test_a_line_that_cannot_be_read(content: str) -> None:
    """It marks nothing, and is not taken for people's text either."""
    assert apart(f"by hand\n{MARK}{content}") == ("by hand", None)


@pytest.mark.parametrize("line", ["syncer:v1", "syncer:v2 {}", " syncer:v1 {}", "SYNCER:V1 {}", "x syncer:v1 {}"])
def test_lines_that_are_not_ours(line: str) -> None:
    """People may write them."""
    assert apart(line) == (line, None)
    assert not collides(line)


def test_what_another_program_may_add() -> None:
    """Members that we do not know are passed over; tags may be missing, and what is no text becomes one."""
    line = MARK + json.dumps({"address": str(DB), "project": "shop", "more": [1]})
    assert apart(line) == ("", Mark("shop", DB, {}))
    line = MARK + json.dumps({"address": str(DB), "project": "shop", "tags": {"a": 1}})
    assert apart(line) == ("", Mark("shop", DB, {"a": "1"}))


def test_a_huge_description(bench: Bench) -> None:
    """There is no limit to it."""
    text, tags = "long " * 20_000, {f"tag-{number}": "x" * 100 for number in range(100)}
    made = bench.create(bench.open(), description=text, tags=tags)
    assert (made.description, made.tags) == (text, tags)
    assert bench.open().look(DB) == made


@pytest.mark.parametrize("text", [f"{MARK}x", f"a\n{MARK}", LINE])
def test_a_declared_description_like_ours(bench: Bench, text: str) -> None:
    """It is refused while planning: it would be lost with the next write."""
    with pytest.raises(Unsupported) as caught:
        bench.open().check(declared(DB, description=text))
    assert caught.value.message == f"{DB}: a line of its description begins with `syncer:v1`, as our own does"
    bench.open().check(declared(DB, description="syncer:v1"))


@pytest.mark.parametrize("address", [DB, KEY], ids=str)
def test_a_description_copied_from_another_secret(bench: Bench, address: Address) -> None:
    """It marks nothing there: neither an owner nor tags, and the text is people's."""
    bench.raw.ask(f"PUT /profiles/blue/secrets/{KEY.ref}", {"value": "by hand"})
    bench.fake.plant(DB.ref, "by hand", DB.scope)
    backend, copied = bench.open(), Mark("shop", Address("payments", "prod/other"), {"tier": "gold"})
    secret_id = bench.record(address).metadata.id
    bench.raw.ask(f"PATCH /secrets/{secret_id}", {"description": together("words", copied)})
    (found,) = backend.observe([address.scope], [address])
    assert (found.owner, found.tags, found.description) == (None, {}, "words")


def test_a_mark_is_good_in_its_own_scope_only(bench: Bench) -> None:
    """The same ref in Global or in another workspace is another secret."""
    for scope in ("global", "payments", "other"):
        bench.fake.plant(DB.ref, "x", scope, description=together("", OURS))
    backend = bench.open()
    found = backend.observe(["global", "payments", "other"], [])
    assert {entry.address.scope: entry.owner for entry in found} == {"global": None, "payments": "shop", "other": None}


def test_a_mark_lost_by_hand(bench: Bench) -> None:
    """The secret is still the one on record: the next apply marks it again, and keeps what people wrote."""
    house = bench.house()
    house.declare(secret(str(DB), tags={"tier": "gold"}))
    house.apply()
    bench.raw.ask(f"PATCH /secrets/{bench.record().metadata.id}", {"description": "by hand"})
    assert [change.action for change in house.plan().changes] == ["update"]
    house.apply()
    assert bench.record().metadata.description == f"by hand\n{LINE}"
    assert house.plan().changes == ()
