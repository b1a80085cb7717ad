"""The grammar of handles."""

from __future__ import annotations

import pytest

from syncer.errors import InvalidConfiguration
from syncer.handles import NAME, ClusterKey, File, Handle, address, parse
from syncer.model import Address
from syncer.schemas import load_schema


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a", Handle(Address("global", "a"))),
        ("prod/db-password", Handle(Address("global", "prod/db-password"))),
        ("payments:prod/db", Handle(Address("payments", "prod/db"))),
        ("company.team:a", Handle(Address("company.team", "a"))),
        ("profile/blue:A", Handle(Address("profile/blue", "A"))),
        ("a;b", Handle(Address("global", "a"), "b")),
        ("s:a;b.c.0", Handle(Address("s", "a"), "b.c.0")),
        ("a;b;c@d:e f", Handle(Address("global", "a"), "b;c@d:e f")),
        ("file@/run/x;y", Handle(File("/run/x;y"))),
        ("file@a@b", Handle(File("a@b"))),
        ("file@", Handle(File(""))),
        ("k8s_secret@ns/some.name/tls.crt", Handle(ClusterKey("ns", "some.name", "tls.crt"))),
        ("k8s_secret@ns/n/A_b-.c", Handle(ClusterKey("ns", "n", "A_b-.c"))),
    ],
)
def test_what_a_handle_means(text: str, wanted: Handle) -> None:
    """The first separator of each kind counts."""
    assert parse(text, "global") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":a",
        "a:",
        "a:b:c",
        "a b",
        " a",
        "a\n",
        "-a",
        "a//b",
        "/a",
        "a/",
        "a/../b",
        "é",
        "a;",
        ";a",
        "vault@a",
        "a@b;c",
        "@",
        "x" * 513,
        "x" * 513 + ":a",
        "a;" + "x" * 4096,
        "k8s_secret@",
        "k8s_secret@a/b",
        "k8s_secret@a/b/c/d",
        "k8s_secret@/b/c",
        "k8s_secret@a/b/",
        "k8s_secret@A/b/c",
        "k8s_secret@a.b/b/c",
        "k8s_secret@a/B/c",
        "k8s_secret@a/../c",
        "k8s_secret@../b/c",
        "k8s_secret@a/b/c d",
        "k8s_secret@a/b/c?d",
        "k8s_secret@a/b/c\n",
        "k8s_secret@a/b\n/c",
        "k8s_secret@" + "a" * 64 + "/b/c",
        "k8s_secret@a/" + "b" * 254 + "/c",
        "k8s_secret@a/b/" + "c" * 254,
    ],
)
def test_what_is_no_handle(text: str) -> None:
    """It is refused, and never repeated: it may be a value that was put into the wrong place."""
    with pytest.raises(InvalidConfiguration) as caught:
        parse(text, "global")
    assert len(text) < 12 or text not in caught.value.message
    assert len(caught.value.message) < 120


def test_names_are_those_of_the_schema() -> None:
    """The manifest and handles agree."""
    parts = load_schema("manifest")["$defs"]
    for rule in (parts["ref"], parts["scopes"]["propertyNames"]):
        assert rule["pattern"] == f"^{NAME.pattern.replace('(?:', '(')}$"
        assert rule["maxLength"] == 512


def test_an_address_by_itself() -> None:
    """The scope of the caller stands for one that is not named."""
    assert address("a", "payments") == Address("payments", "a")
    assert address("s:a", "payments") == Address("s", "a")
