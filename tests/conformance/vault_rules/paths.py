"""Rules of names, of paths that mean nothing, and of bodies."""

from __future__ import annotations

from conformance.vault_rules.steps import (
    MISSING,
    NO_SLASH,
    NOTHING,
    UNSUPPORTED,
    hint,
    ignored,
    step,
    write,
)

ROOT = ["Non-listing operations on the root of a K/V v2 mount are not supported."]
LOST = "1 error occurred:\n\t* could not find version data\n\n"
TOO_MANY = "refused JSON input due to high complexity: exceeded maximum number of strings"
TOO_LONG = "JSON string value exceeds allowed length"
MEBIBYTE = 1024 * 1024

NAMES = [
    *(write(name, 1) for name in ("a%20b", "a+b", "a%25b", "%C3%BC", "a%3Fb", ".hidden", "a..b", "A", "a", "a*b")),
    write("d%2Fe", 1),
    step(
        "LIST metadata",
        200,
        {"data.keys": [".hidden", "A", "a", "a b", "a%b", "a*b", "a+b", "a..b", "a?b", "d/", "ü"]},
    ),
    step("LIST metadata/d", 200, {"data.keys": ["e"]}),
]
STRANGE_NAMES = [
    *(step(f"POST data/a{code}b", 400, NOTHING, {"data": {}}) for code in ("%00", "%0A", "%7F", "%E2%80%8B")),
    step("GET data/a//b", 307),
    step("POST data/a/../b", 307, NOTHING, {"data": {}}),
    step("DELETE metadata//b", 307, NOTHING),
    step("LIST metadata/./", 307, NOTHING),
]

RELATIVE_OPENBAO = [
    step(f"POST data/{name}", 400, "relative paths not supported", {"data": {}})
    for name in ("..%2Fb", "a/%2E%2E/b", "a/%2E/b")
]

SLASHES = [
    *(step(f"POST {area}/a/", 400, NO_SLASH, {}) for area in ("data", "metadata", "delete", "config")),
    step("PATCH data/a/", 400, NO_SLASH, {}),
    step("DELETE metadata/", 204, NOTHING),
    step("GET data/", 404, {"warnings": hint("Vault", "vault kv get")}, openbao=(404, MISSING)),
    step("LIST data/a", 404, {"warnings": hint("Vault", "vault kv list")}, openbao=(405, UNSUPPORTED)),
    step("DELETE data/", 404, {"warnings": hint("Vault", "vault kv delete")}, openbao=(204, NOTHING)),
    # What is read or deleted is named without the slash; a value is not found.
    write("a", 1),
    step("GET data/a/", 404, {"warnings": hint("Vault", "vault kv get")}, openbao=(500, LOST)),
    step("GET subkeys/a/", 500, LOST),
    step("GET metadata/a/", 200, {"data.current_version": 1}),
    step("DELETE data/a/", 404, {"warnings": hint("Vault", "vault kv delete")}, openbao=(204, NOTHING)),
    step("GET data/a", 200, {"data.metadata.version": 1}, openbao=(404, {"data.data": None})),
    step("DELETE metadata/a/", 204, NOTHING),
    step("GET metadata/a", 404, MISSING),
]

MEANINGLESS = [
    *(step(f"GET {area}", 404, {"data": None, "warnings": ROOT}) for area in ("data", "metadata", "destroy")),
    *(
        step(
            f"{method} {path}",
            404,
            {"data": None, "warnings": hint("Vault", f"vault kv {verb}")},
            body,
            openbao=(404, {"data": None, "warnings": hint("OpenBao", f"bao kv {verb}")}),
        )
        for method, path, verb, body in (
            ("GET", "", "get", None),
            ("GET", "foo", "get", None),
            ("LIST", "", "list", None),
            ("POST", "foo", "put", {}),
            ("PATCH", "foo", "patch", {}),
            ("DELETE", "foo/bar", "delete", None),
            ("GET", "config/", "get", None),
            ("GET", "subkeys", "get", None),
        )
    ),
    step("HEAD data/a", 405, NOTHING),
    step("FOO data/a", 405, MISSING),
    write("a", 1),
    step("GET data/a?foo=1", 200, {"warnings": ignored("foo")}),
    step("POST data/a?foo=1", 200, {"warnings": None}, {"data": {}}),
    step("POST data/a", 200, {"warnings": ignored("bar", "foo")}, {"data": {}, "foo": 1, "bar": 2}),
    step("POST metadata/a", 204, NOTHING, {"max_versions": 3, "foo": 1}),
]

NUMBERS = [
    step(
        "POST data/n",
        200,
        None,
        {
            "data": {
                "big": 12345678901234567890,
                "f": 1.10,
                "whole": 2.0,
                "e": 1e30,
                "none": None,
                "list": [1, True, "x"],
            }
        },
    ),
    step(
        "GET data/n",
        200,
        {
            "data.data": {
                "big": 12345678901234567000,
                "f": 1.1,
                "whole": 2,
                "e": 1e30,
                "none": None,
                "list": [1, True, "x"],
            }
        },
    ),
    step("POST data/t", 200, None, raw=b'{"data":{"x":"\xff"}}'),
    step("GET data/t", 200, {"data.data": {"x": "\ufffd"}}),
    step(
        "POST data/half",
        500,
        "malformed JSON, unterminated surrogate pair in string",
        raw=b'{"data":{"x":"\\ud800"}}',
        openbao=(200, {"data.version": 1}),
    ),
    step("GET data/half", 404, MISSING, openbao=(200, {"data.data": {"x": "\ufffd"}})),
    step("POST data/null", 200, None, {"data": None}),
    step("GET data/null", 200, {"data.data": None}),
    step("PATCH data/null", 500, "1 error occurred:\n\t* resource does not exist\n\n", {"data": {"a": 1}}),
]

BODIES = [
    step("POST data/j", 400, "no data provided", raw=b"null"),
    step(
        "POST data/j",
        400,
        "error parsing JSON: failed to parse JSON input: json: cannot unmarshal array ...",
        raw=b"[]",
        openbao=(400, "failed to decode JSON input: json: cannot unmarshal array ..."),
    ),
    step(
        "POST data/j",
        400,
        "error parsing JSON: failed to parse JSON input: invalid character...",
        raw=b"nonsense",
        openbao=(400, "failed to decode JSON input: invalid character..."),
    ),
    step(
        "POST data/j",
        500,
        "malformed JSON, unclosed containers",
        raw=b'{"data":',
        openbao=(400, "failed to decode JSON input: ..."),
    ),
    step(
        "POST data/j",
        500,
        "duplicate key 'a' in object",
        raw=b'{"data":{"a":1,"a":2}}',
        openbao=(200, {"data.version": 1}),
    ),
    step(
        "POST data/j",
        400,
        "error converting input for field \"data\": '' expected a map, got 'string'",
        {"data": "s"},
        openbao=(
            400,
            "error converting input for field \"data\": '' expected type 'map[string]interface {}', got ...",
        ),
    ),
    step("POST data/many", 200, None, {"data": {f"k{number}": "v" for number in range(499)}}),
    step(
        "POST data/many",
        200,
        {"data.version": 2},
        {"data": {f"k{number}": "v" for number in range(500)}},
        openbao=(400, TOO_MANY),
    ),
    step("POST data/list", 200, None, {"data": {"a": ["v"] * 998}}),
    step("POST data/list", 200, {"data.version": 2}, {"data": {"a": ["v"] * 999}}, openbao=(400, TOO_MANY)),
    step("POST data/numbers", 200, None, {"data": {"a": [1] * 10_000}}),
    step(
        "POST data/numbers",
        500,
        "JSON array exceeds allowed element count",
        {"data": {"a": [1] * 10_001}},
        openbao=(200, {"data.version": 2}),
    ),
    step("POST data/long", 200, None, {"data": {"k": "x" * MEBIBYTE}}),
    step("POST data/long", 500, TOO_LONG, {"data": {"k": "x" * (MEBIBYTE + 1)}}, openbao=(200, {"data.version": 2})),
    # An escape counts as it was written: two bytes of UTF-8, but six of ASCII.
    step(
        "POST data/escaped",
        500,
        TOO_LONG,
        raw=b'{"data":{"k":"' + b"\\u00e9" * (MEBIBYTE // 6 + 1) + b'"}}',
        openbao=(200, {"data.version": 1}),
    ),
]

VERSION_ONE = [
    step("GET data/a", 404, MISSING),
    step("POST data/a", 204, NOTHING, {"data": {"k": "v"}, "options": {"cas": 7}}),
    step("GET data/a", 200, {"data": {"data": {"k": "v"}, "options": {"cas": 7}}, "lease_duration": 2764800}),
    step("GET metadata/a", 404, MISSING),
    step("LIST data", 200, {"data.keys": ["a"]}),
    step("LIST metadata", 404, MISSING),
    step("POST data/a", 400, "missing data fields", {}),
    step("PATCH data/a", 405, UNSUPPORTED, {"data": {}}),
    step("POST undelete/a", 204, NOTHING, {"versions": [1], "ttl": "1h"}),
    step("GET undelete/a", 200, {"data.versions": [1], "lease_duration": 3600}),
    step("DELETE data/a", 204, NOTHING),
    step("GET data/a", 404, MISSING),
    step("GET config", 404, MISSING),
]

TABLES = {
    "names": NAMES,
    "strange names": STRANGE_NAMES,
    "relative openbao": RELATIVE_OPENBAO,
    "slashes": SLASHES,
    "meaningless": MEANINGLESS,
    "numbers": NUMBERS,
    "bodies": BODIES,
}
