"""What Dapr makes of the files that are written for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from dapr_reader import LocalFile
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration, Unsupported
from syncer.exchange.dapr import bulk, flat, multi_valued, single
from syncer.exchange.formats import FOLDERS, File, Ground
from syncer.model import Access, Scope
from syncer.sensitive import Sensitive

REFS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}(/[A-Za-z0-9_]{1,4})?", fullmatch=True).filter(
    lambda ref: ref != "bulk"
)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=8)


def ground(folder: Path = Path("/srv/dapr"), **readers: Access) -> Ground:
    """Give a place; contents are named by their length."""
    scope = Scope(name="payments", readers=readers)
    return Ground(scope=scope, folder=folder, named=lambda content: f"{len(content.reveal())}")


def sensitive(texts: dict[str, str]) -> dict[str, Sensitive]:
    """Wrap values."""
    return {ref: Sensitive(text.encode()) for ref, text in texts.items()}


def loaded(folder: Path, files: list[File]) -> LocalFile:
    """Write the files and load the component, as a sidecar does."""
    for file in files:
        (folder / file.name).write_bytes(file.content.reveal())
    component = yaml.safe_load(files[-1].content.reveal())
    return LocalFile({item["name"]: item["value"] for item in component["spec"]["metadata"]})


@given(st.dictionaries(REFS, TEXTS, max_size=5))
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> None:
    """Whatever the characters, and whether it looks like JSON or not."""
    folder = tmp_path_factory.mktemp("dapr")
    found = loaded(folder, flat(sensitive(texts), ground(folder))).bulk()
    assert found == {ref: {ref: text} for ref, text in texts.items()}
    assert json.loads(bulk(sensitive(texts)).reveal()) == found
    for ref, text in texts.items():
        assert json.loads(single(ref, Sensitive(text.encode())).reveal()) == {ref: text}


@given(st.dictionaries(REFS, st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4), max_size=4))
def test_every_object_comes_back(tmp_path_factory: pytest.TempPathFactory, objects: dict[str, dict[str, str]]) -> None:
    """Field by field."""
    folder = tmp_path_factory.mktemp("dapr")
    texts = {ref: json.dumps(found) for ref, found in objects.items()}
    assert loaded(folder, multi_valued(sensitive(texts), ground(folder))).bulk() == objects


def test_what_the_reader_loses() -> None:
    """The reason to refuse: numbers are garbled, and after two paths that come to one name nothing is read."""
    store = LocalFile.__new__(LocalFile)
    store._separator = ":"
    assert store._flat({"a": 42}) == {"a": "%!s(int=42)"}
    assert store._flat({"a": {"b": "1"}, "a:b": "2", "c": "3"}) == {"a:b": "1"}


def test_the_order() -> None:
    """The values, applications by name, and the component last."""
    files = flat(sensitive({"a": "b"}), ground(zeta=Access(), alpha=Access()))
    assert [file.name for file in files] == [
        "secrets-15.json",
        "config-alpha.yaml",
        "config-zeta.yaml",
        "component.yaml",
    ]
    assert {file.mode for file in files} == {0o600}


def test_the_documents() -> None:
    """As people read them."""
    access = Access(default_allow=False, allowed=("b", "a"), denied=("c",))
    _, configuration, component = (file.content.reveal().decode() for file in flat({}, ground(checkout=access)))
    assert configuration.splitlines()[-4:] == [
        '      - storeName: "payments"',
        "        defaultAccess: deny",
        '        allowedSecrets: ["a", "b"]',
        '        deniedSecrets: ["c"]',
    ]
    assert '      value: "/srv/dapr/secrets-3.json"\n' in component
    assert '    - name: multiValued\n      value: "false"\n' in component
    assert '    - name: multiValued\n      value: "true"\n' in multi_valued({}, ground())[-1].content.reveal().decode()


@pytest.mark.parametrize("form", ["dapr", "dapr-multi"])
def test_all_faults_at_once(form: str) -> None:
    """By name, and nothing of a value."""
    values = {"b": Sensitive(b""), "a": Sensitive(b"canary\xff"), "bulk": Sensitive(b"canary"), "fine": Sensitive(b"x")}
    with pytest.raises(Unsupported) as caught:
        FOLDERS[form].files(values, ground())
    assert caught.value.message.splitlines() == [
        "bulk: Dapr's API gives all secrets under this name, and so never this one",
        "a: the value is not UTF-8 text, and Dapr knows no other",
        "b: the value is empty",
    ]
    assert caught.value.hint


@pytest.mark.parametrize("path", ["/srv/{uuid}", "/srv/a\x01", "/srv/\udcff"])
def test_paths_that_cannot_be_named(path: str) -> None:
    """Never repeated where they could not be told."""
    with pytest.raises(InvalidConfiguration, match="the path of the folder"):
        flat({}, ground(Path(path)))


def test_answers_that_cannot_be_given() -> None:
    """Every value that is no text, by name."""
    with pytest.raises(Unsupported, match=r"^a: the value is not UTF-8 text, and Dapr knows no other\nb: "):
        bulk({"b": Sensitive(b"\xff"), "a": Sensitive(b"\xfe"), "c": Sensitive(b"c")})
    with pytest.raises(Unsupported):
        single("a", Sensitive(b"\xff"))
