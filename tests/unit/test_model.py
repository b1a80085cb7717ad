"""The nouns: addresses, fingerprints, origins and their frozen kin."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import model
from syncer.model import Address, Desired, Fingerprint, Manifest, OnRemove, Origin, Rotation, Scope, StateSpec
from syncer.sensitive import Sensitive

scopes = st.text(min_size=1).filter(lambda text: ":" not in text)


@given(scopes, st.text(min_size=1))
def test_an_address_reads_what_it_writes(scope: str, ref: str) -> None:
    """A scope has no colon; everything after the first one is the ref."""
    address = Address(scope, ref)
    assert str(address) == f"{scope}:{ref}"
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", ":", "global", "global:", ":db"])
def test_half_an_address_is_refused(text: str) -> None:
    """Both halves must be there."""
    with pytest.raises(ValueError, match="scope:ref"):
        Address.parse(text)


def test_addresses_sort_by_scope_then_ref() -> None:
    """The order of every plan; not that of the text, where `-` comes before `:`."""
    addresses = [Address("b", "a"), Address("a-b", "a"), Address("a", "b"), Address("a", "a")]
    assert sorted(addresses) == [Address("a", "a"), Address("a", "b"), Address("a-b", "a"), Address("b", "a")]


def test_an_address_is_a_key() -> None:
    """Two that are equal are one entry."""
    assert len({Address("a", "b"): 1, Address("a", "b"): 2}) == 1


def _digits(number: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=number, max_size=number)


@given(_digits(16), _digits(64))
def test_a_fingerprint_reads_what_it_writes(salt: str, mac: str) -> None:
    """The form that state and plans hold."""
    fingerprint = Fingerprint.of(salt, mac)
    assert str(fingerprint) == f"hmac:{salt}:{mac}"
    assert Fingerprint.parse(str(fingerprint)) == fingerprint


@pytest.mark.parametrize("text", ["", "hmac", "hmac:aa", "hmac:aa:bb:cc", "sha256:aa:bb", ":aa:bb"])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    """Another kind, too few or too many parts."""
    with pytest.raises(ValueError):  # noqa: PT011
        Fingerprint.parse(text)


def test_people_see_eight_digits_of_a_fingerprint() -> None:
    """Enough to see that it moved; the salt, which is the address's, is left out."""
    assert Fingerprint.of("0" * 16, "1a2b3c4d5e6f").short == "hmac:1a2b3c4d"


def test_an_origin_points_into_a_file() -> None:
    """And sorts by file, then line as a number."""
    assert str(Origin(file="syncer.yaml", line=12)) == "syncer.yaml:12"
    assert Origin(file="a", line=9) < Origin(file="a", line=10) < Origin(file="b", line=1)


def test_what_becomes_of_a_removed_secret_is_spelled_as_in_the_manifest() -> None:
    """The words are an interface."""
    assert [str(choice) for choice in OnRemove] == ["disable", "delete", "forget"]


def test_the_folder_of_a_manifest_is_its_file_s() -> None:
    """State, key and relative paths start there."""
    manifest = Manifest(
        path=Path("/srv/secrets/syncer.yaml"),
        project="shop",
        backends={},
        state=StateSpec(),
        scopes={"global": Scope(name="global")},
        secrets={},
        digest="0",
    )
    assert manifest.folder == Path("/srv/secrets")
    assert (manifest.state.type, manifest.state.path) == ("file", ".syncer/state.json")
    assert (manifest.moved, manifest.removed) == ((), {})


NOUNS = sorted(name for name, noun in vars(model).items() if isinstance(noun, type) and dataclasses.is_dataclass(noun))


# Those that are made by the ten thousand are frozen by the type checker alone: `model.bulk` says why.
BULK = {"Desired", "Observed", "Secret", "SourceSpec"}


@pytest.mark.parametrize("name", NOUNS)
def test_every_dataclass_is_frozen_and_by_keyword(name: str) -> None:
    """Data is replaced, never changed, and no two fields can be mixed up."""
    cls = getattr(model, name)
    assert cls.__dataclass_params__.frozen or name in BULK
    assert "__slots__" in vars(cls)
    assert all(field.kw_only for field in dataclasses.fields(cls))


def test_data_cannot_be_changed() -> None:
    """Neither a field nor beside them."""
    rotation = Rotation()
    with pytest.raises(dataclasses.FrozenInstanceError):
        rotation.version = 1  # type: ignore[misc]
    assert dataclasses.replace(rotation, version=1) != rotation


def test_the_values_of_two_desired_are_never_compared() -> None:
    """Comparing values is refused, so whoever compares what holds them is told."""
    one, other = (Desired(secret=None, value=Sensitive(b"v")) for _ in range(2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="fingerprint"):
        assert one != other
