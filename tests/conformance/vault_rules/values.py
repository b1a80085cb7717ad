"""Rules of `data/`, `subkeys/`, `delete/`, `undelete/`, `destroy/` and `config`."""

from __future__ import annotations

from conformance.vault_rules.steps import (
    MISMATCH,
    MISSING,
    NOTHING,
    REQUIRED,
    UNSUPPORTED,
    step,
    write,
)

CAS = [
    step("GET data/a", 404, MISSING),
    step("POST data/a", 400, MISMATCH, {"data": {}, "options": {"cas": 1}}),
    step(
        "POST data/a",
        200,
        {
            "data.version": 1,
            "data.destroyed": False,
            "data.deletion_time": "",
            "data.custom_metadata": None,
            "lease_id": "",
            "renewable": False,
            "lease_duration": 0,
            "wrap_info": None,
            "warnings": None,
            "auth": None,
        },
        {"data": {"k": "v"}, "options": {"cas": 0}},
    ),
    step("POST data/a", 400, MISMATCH, {"data": {}, "options": {"cas": 0}}),
    step("PUT data/a", 200, {"data.version": 2}, {"data": {"k": "w"}, "options": {"cas": 1}}),
    step("POST data/a", 200, {"data.version": 3}, {"data": {"k": "x"}, "options": {"cas": "2"}}),
    step("POST data/a", 400, MISMATCH, {"data": {}, "options": {"cas": None}}),
    step("POST data/a", 400, MISMATCH, {"data": {}, "options": {"cas": -1}}),
    step("POST data/a", 400, "error parsing check-and-set parameter", {"data": {}, "options": {"cas": "x"}}),
    step("POST data/a", 400, "error parsing check-and-set parameter", {"data": {}, "options": {"cas": 3.0}}),
    step("POST data/a", 400, "no data provided", {"k": "v"}),
    step("POST data/a", 400, "no data provided"),
    step("GET data/a", 200, {"data.data": {"k": "x"}, "data.metadata.version": 3, "data.metadata.destroyed": False}),
    step("GET data/a?version=1", 200, {"data.data": {"k": "v"}, "data.metadata.version": 1}),
    step("GET data/a?version=0", 200, {"data.metadata.version": 3}),
    step("GET data/a?version=-1", 200, {"data.metadata.version": 3}),
    step("GET data/a?version=9", 404, MISSING),
    step(
        "GET data/a?version=x",
        400,
        "Field validation failed: error converting input for field \"version\": cannot parse '' as int: "
        'strconv.ParseInt: parsing "x": invalid syntax',
        openbao=(
            400,
            "Field validation failed: error converting input for field \"version\": '' cannot parse value as ...",
        ),
    ),
]


CAS_REQUIRED = [
    step("POST config", 204, NOTHING, {"cas_required": True}),
    step("GET config", 200, {"data.cas_required": True, "data.max_versions": 0, "data.delete_version_after": "0s"}),
    step("POST data/a", 400, REQUIRED, {"data": {}}),
    write("a", 1, cas=0),
    step("PATCH data/a", 400, REQUIRED, {"data": {}}),
    step("POST metadata/a", 200, {"data": None}, {"cas_required": False}),
    step("POST config", 204, NOTHING, {"cas_required": False}),
    write("a", 2),
    step("POST metadata/a", 204, NOTHING, {"cas_required": True}),
    step("POST data/a", 400, REQUIRED, {"data": {}}),
    step("GET metadata/a", 200, {"data.cas_required": True}),
]


PATCH = [
    step("PATCH data/p", 404, NOTHING, {"data": {"k": "v"}}),
    step("PATCH data/p", 404, NOTHING, {"data": {"k": "v"}, "options": {"cas": 0}}),
    step("POST data/p", 200, {"data.version": 1}, {"data": {"a": 1, "n": {"x": 1, "y": 2}}}),
    step("PATCH data/p", 400, "mime: no media type", {"data": {}}, headers={}),
    step(
        "PATCH data/p",
        415,
        "PATCH requires Content-Type of application/merge-patch+json, provided application/json",
        {"data": {}},
        headers={"Content-Type": "application/json"},
    ),
    step("PATCH data/p", 400, "no data provided", {}),
    step("PATCH data/p", 400, MISMATCH, {"data": {}, "options": {"cas": 7}}),
    step("PATCH data/p", 200, {"data.version": 2}, {"data": {"a": None, "n": {"x": None, "z": [3]}}}),
    step("GET data/p", 200, {"data.data": {"n": {"y": 2, "z": [3]}}}),
    step("DELETE data/p", 204, NOTHING),
    step("PATCH data/p", 404, {"data.version": 2, "data.destroyed": False, "auth": None}, {"data": {"a": 1}}),
    step("POST undelete/p", 204, NOTHING, {"versions": [2]}),
    step("POST destroy/p", 204, NOTHING, {"versions": [2]}),
    step("PATCH data/p", 404, {"data.version": 2, "data.destroyed": True}, {"data": {"a": 1}}),
    step("POST metadata/only", 204, NOTHING, {"custom_metadata": {"a": "b"}}),
    step("PATCH data/only", 404, NOTHING, {"data": {"a": 1}}),
]


DELETE = [
    step("DELETE data/never", 204, NOTHING),
    *(step(f"POST {area}/never", 204, NOTHING, {"versions": [1]}) for area in ("delete", "undelete", "destroy")),
    step("POST delete/a", 400, "No version number provided", {}),
    step("POST undelete/a", 400, "No version number provided", {"versions": []}),
    step("POST destroy/a", 400, "no version number provided", {"versions": ""}),
    *(write("a", version) for version in (1, 2, 3)),
    step("DELETE data/a", 204, NOTHING),
    step("DELETE data/a", 204, NOTHING),
    step("GET data/a", 404, {"data.data": None, "data.metadata.version": 3, "data.metadata.destroyed": False}),
    step("POST data/a", 400, MISMATCH, {"data": {}, "options": {"cas": 0}}),
    step("GET data/a?version=2", 200, {"data.metadata.deletion_time": ""}),
    step("POST undelete/a", 204, NOTHING, {"versions": [3, 99]}),
    step("GET data/a", 200, {"data.metadata.deletion_time": ""}),
    step("PUT delete/a", 204, NOTHING, {"versions": "1,2"}),
    step("GET data/a?version=2", 404, {"data.data": None, "data.metadata.version": 2}),
    step("POST destroy/a", 204, NOTHING, {"versions": ["1"]}),
    step("POST undelete/a", 204, NOTHING, {"versions": [1]}),
    step("GET data/a?version=1", 404, {"data.data": None, "data.metadata.destroyed": True}),
    step("GET metadata/a", 200, {"data.versions.1.destroyed": True, "data.versions.3.deletion_time": ""}),
    step("GET metadata/a", 200, {"data.current_version": 3, "data.oldest_version": 0}),
    *(step(f"GET {area}/a", 405, UNSUPPORTED) for area in ("delete", "undelete", "destroy")),
    step("DELETE metadata/a", 204, NOTHING),
    step("GET metadata/a", 404, MISSING),
    step("DELETE metadata/a", 204, NOTHING),
    write("a", 1, cas=0),
]


VERSIONS = [
    *(write("ten", version) for version in range(1, 12)),
    step("GET metadata/ten", 200, {"data.oldest_version": 2, "data.current_version": 11}),
    step("GET data/ten?version=1", 404, MISSING),
    step("GET data/ten?version=2", 200),
    step("POST config", 204, NOTHING, {"max_versions": 2}),
    step("POST metadata/few", 204, NOTHING, {"max_versions": 1}),
    *(write("few", version) for version in (1, 2, 3)),
    # A secret's own limit counts only above the mount's.
    step("GET metadata/few", 200, {"data.oldest_version": 2, "data.versions.2.destroyed": False}),
    step("GET data/few?version=1", 404, MISSING),
    step("POST metadata/few", 204, NOTHING, {"max_versions": 3}),
    *(write("few", version) for version in (4, 5)),
    step("GET metadata/few", 200, {"data.oldest_version": 3, "data.max_versions": 3}),
    step("POST undelete/few", 204, NOTHING, {"versions": [1]}),
    step("POST config", 204, NOTHING, {}),
    step("GET config", 200, {"data.max_versions": 2}),
    step("DELETE config", 405, UNSUPPORTED),
]


SUBKEYS = [
    step("GET subkeys/s", 404, MISSING),
    step("POST data/s", 200, None, {"data": {"a": {"b": {"c": 1}, "e": {}}, "l": [{"z": 1}], "s": "t"}}),
    step("GET subkeys/s", 200, {"data.subkeys": {"a": {"b": {"c": None}, "e": None}, "l": None, "s": None}}),
    step("GET subkeys/s?depth=1", 200, {"data.subkeys": {"a": None, "l": None, "s": None}}),
    step("GET subkeys/s?depth=2", 200, {"data.subkeys.a": {"b": None, "e": None}, "data.metadata.version": 1}),
    step("GET subkeys/s?depth=-1", 200, {"data.subkeys": {"a": None, "l": None, "s": None}}),
    step("GET subkeys/s?version=2", 404, MISSING),
    step("POST subkeys/s", 405, UNSUPPORTED, {}),
    step("DELETE data/s", 204, NOTHING),
    step("GET subkeys/s", 404, {"data.subkeys": None, "data.metadata.version": 1}),
]

TABLES = {
    "cas": CAS,
    "cas required": CAS_REQUIRED,
    "patch": PATCH,
    "delete": DELETE,
    "versions": VERSIONS,
    "subkeys": SUBKEYS,
}
