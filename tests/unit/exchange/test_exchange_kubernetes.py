"""The Secret of Kubernetes whose keys are refs."""

from __future__ import annotations

import base64

import pytest
import yaml
from exchange_samples import TEXTS, faults, sensitive

from syncer.errors import InvalidConfiguration
from syncer.exchange.kubernetes import data_secret

MIB = 1024 * 1024


def data(document: bytes) -> dict[str, bytes]:
    """Read what each key holds once Kubernetes took the base64 off."""
    found = yaml.safe_load(document)
    assert found | {"data": {}} == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x"},
        "type": "Opaque",
        "data": {},
    }
    return {key: base64.b64decode(text, validate=True) for key, text in found["data"].items()}


def test_every_value_comes_back() -> None:
    """Byte for byte, under its ref with dots for slashes."""
    odd = {"raw": b"\x00\xff", "tls/key.pem": b"key\n", "1e3": b"v", "null": b"v", "a_B-c": b"v", "empty": b""}
    values = {ref: text.encode() for ref, text in TEXTS.items()} | odd
    expected = {ref.replace("/", "."): value for ref, value in values.items()}
    found = data(data_secret(sensitive(values), "x").reveal())
    assert found == expected
    assert list(found) == sorted(expected)
    assert data(data_secret({}, "x").reveal()) == {}


def test_what_cannot_be_a_key() -> None:
    """Two refs with one key, and a key that is too long: at once, by name."""
    values = sensitive({"a/b": "canary", "a.b": "canary", "x" * 254: "canary", "y" * 253: "canary"})
    assert faults(lambda: data_secret(values, "x")) == [
        "a.b, a/b: Kubernetes would call each of them a.b",
        f"{'x' * 254}: a key of a Kubernetes Secret has at most 253 characters",
    ]


def test_size_and_name() -> None:
    """What the server would refuse is refused here."""
    data_secret(sensitive({"a": "x" * MIB}), "x")
    assert faults(lambda: data_secret(sensitive({"a": "x" * MIB, "b": "y"}), "x")) == [
        "the values are 1048577 bytes, and a Kubernetes Secret holds 1048576"
    ]
    with pytest.raises(InvalidConfiguration, match="the name of a Kubernetes Secret"):
        data_secret({}, "X")
