"""Rules of `metadata/` for one secret."""

from __future__ import annotations

from conformance.vault_rules.steps import (
    INVALID,
    MISSING,
    NOTHING,
    step,
    write,
)

METADATA = [
    step("GET metadata/m", 404, MISSING),
    step("POST metadata/m", 204, NOTHING, {}),
    step("GET metadata/m", 404, MISSING),
    step("POST metadata/m", 204, NOTHING, {"custom_metadata": {"a": "1", "b": "2"}}),
    step("GET metadata/m", 200, {"data.custom_metadata": {"a": "1", "b": "2"}, "data.current_version": 0}),
    step("GET metadata/m", 200, {"data.versions": {}, "data.oldest_version": 0, "data.delete_version_after": "0s"}),
    step("GET data/m", 404, MISSING),
    step("DELETE data/m", 204, NOTHING),
    write("m", 1, cas=0),
    step("GET data/m", 200, {"data.metadata.custom_metadata": {"a": "1", "b": "2"}}),
    step("PUT metadata/m", 204, NOTHING, {"custom_metadata": {"c": "3"}}),
    step("POST metadata/m", 204, NOTHING, {"max_versions": 4}),
    step(
        "GET metadata/m", 200, {"data.custom_metadata": {"c": "3"}, "data.max_versions": 4, "data.current_version": 1}
    ),
    step("PATCH metadata/m", 400, "mime: no media type", {"custom_metadata": {}}, headers={}),
    step("PATCH metadata/never", 404, NOTHING, {"custom_metadata": {"a": "b"}}),
    step("PATCH metadata/m", 204, NOTHING, {}),
    step("PATCH metadata/m", 204, NOTHING, {"custom_metadata": {"c": None, "d": "4", "no": None}}),
    step("GET metadata/m", 200, {"data.custom_metadata": {"d": "4"}, "data.max_versions": 4}),
    step("PATCH metadata/m", 204, NOTHING, {"custom_metadata": None, "max_versions": None}),
    step("GET metadata/m", 200, {"data.custom_metadata": None, "data.max_versions": 0}),
    step("POST metadata/m", 204, NOTHING, {"custom_metadata": {"n": 1, "t": True, "f": False}}),
    step("GET metadata/m", 200, {"data.custom_metadata": {"n": "1", "t": "1", "f": "0"}}),
    step("POST metadata/m", 204, NOTHING, {"custom_metadata": None}),
    step("GET metadata/m", 200, {"data.custom_metadata": None}),
]


LIMITS = [
    step("POST metadata/l", 204, NOTHING, {"custom_metadata": {f"k{number}": "v" for number in range(64)}}),
    step(
        "POST metadata/l",
        400,
        INVALID + "payload must contain at most 64 keys, provided 65\n\n",
        {"custom_metadata": {f"k{number}": "v" for number in range(65)}},
    ),
    # The limit holds for the patch, not for what it makes.
    step("PATCH metadata/l", 204, NOTHING, {"custom_metadata": {"one": "more"}}),
    step("POST metadata/l", 204, NOTHING, {"custom_metadata": {"k" * 128: "v" * 512}}),
    step(
        "POST metadata/l",
        400,
        INVALID + 'length of value for key "k" is 514 but must be 0 < len(value) <= 512\n\n',
        {"custom_metadata": {"k": "é" * 257}},
    ),
    step(
        "PATCH metadata/l",
        400,
        INVALID + 'length of value for key "k" is 0 but must be 0 < len(value) <= 512\n\n',
        {"custom_metadata": {"k": ""}},
    ),
    step(
        "POST metadata/l",
        400,
        INVALID + 'length of key "" is 0 but must be 0 < len(key) <= 128\n\n',
        {"custom_metadata": {"": "v"}},
    ),
    step(
        "POST metadata/l",
        400,
        INVALID + f'length of key "{"k" * 129}" is 129 but must be 0 < len(key) <= 128\n\n',
        {"custom_metadata": {"k" * 129: "v"}},
    ),
    step(
        "POST metadata/l",
        400,
        INVALID + 'value for key "k" contains unprintable characters\n\n',
        {"custom_metadata": {"k": "two\nlines"}},
    ),
    step("POST metadata/l", 400, "1 error occurred:\n\t* custom_metadata ...", {"custom_metadata": {"k\t": "v"}}),
    step(
        "POST metadata/l",
        400,
        "custom_metadata validation failed: '' expected type ...",
        {"custom_metadata": {"k": {}}},
    ),
    step("PATCH metadata/l", 500, "1 error occurred:\n\t* json: cannot unmarshal ...", {"custom_metadata": {"k": 1}}),
    step("GET metadata/l", 200, {"data.custom_metadata": {"k" * 128: "v" * 512}}),
]


METADATA_CAS_OPENBAO = [
    step(
        "POST metadata/m",
        400,
        "metadata_cas must be 0 when creating new metadata",
        {"custom_metadata": {}, "metadata_cas": 1},
    ),
    step("POST metadata/m", 204, NOTHING, {"custom_metadata": {"a": "1"}, "metadata_cas": 0}),
    step("GET metadata/m", 200, {"data.current_metadata_version": 1, "data.metadata_cas_required": False}),
    *(
        step(
            f"{method} metadata/m",
            400,
            "metadata check-and-set parameter does not match the current version",
            {"custom_metadata": {"a": "2"}, "metadata_cas": 0},
        )
        for method in ("POST", "PATCH")
    ),
    step("PATCH metadata/m", 204, NOTHING, {"custom_metadata": {"a": "2"}, "metadata_cas": 1}),
    write("m", 1),
    step("GET metadata/m", 200, {"data.current_metadata_version": 2}),
    step("POST metadata/m", 204, NOTHING, {"metadata_cas_required": True}),
    step("POST metadata/m", 400, "metadata check-and-set parameter required for this call", {"max_versions": 3}),
    step("POST metadata/m", 204, NOTHING, {"max_versions": 3, "metadata_cas": 3}),
]

TABLES = {
    "metadata": METADATA,
    "limits": LIMITS,
    "metadata cas openbao": METADATA_CAS_OPENBAO,
}
