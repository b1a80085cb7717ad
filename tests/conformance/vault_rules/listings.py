"""Rules of LIST and SCAN."""

from __future__ import annotations

from conformance.vault_rules.steps import (
    MISSING,
    NOTHING,
    UNSUPPORTED,
    hint,
    ignored,
    step,
    write,
)

_NAMES = ["l/B", "l/a", "l/c/d", "l/x", "l/x-1/z", "l/x/q/r", "l/x/y", "top"]
_KEYS = ["B", "a", "c/", "x", "x-1/", "x/"]

LISTS = [
    *(write(name, 1) for name in _NAMES),
    *(
        step(call, 200, {"data.keys": _KEYS})
        for call in ("LIST metadata/l", "LIST metadata/l/", "GET metadata/l?list=true", "GET metadata/l/?list=1")
    ),
    step("LIST metadata", 200, {"data.keys": ["l/", "top"]}),
    step("LIST metadata/never", 404, MISSING),
    step("LIST metadata/l/a", 404, MISSING),
    step("GET metadata/l/", 404, MISSING),
    step("GET metadata/l?list=x", 400, MISSING),
    step("LIST metadata/never?foo=1", 200, {"data": {}, "warnings": ignored("foo")}),
    step("DELETE data/l/a", 204, NOTHING),
    step("LIST metadata/l", 200, {"data.keys": _KEYS}),
    step("DELETE metadata/l/c/d", 204, NOTHING),
    step("LIST metadata/l", 200, {"data.keys": ["B", "a", "x", "x-1/", "x/"]}),
]


PAGES_OPENBAO = [
    *(write(name, 1) for name in _NAMES),
    step("LIST metadata/l?limit=2", 200, {"data.keys": ["B", "a"]}),
    step("LIST metadata/l?after=a&limit=2", 200, {"data.keys": ["c/", "x"]}),
    step("GET metadata/l?list=true&after=x&limit=1", 200, {"data.keys": ["x-1/"]}),
    step("LIST metadata/l?after=x-", 200, {"data.keys": ["x-1/", "x/"]}),
    step("LIST metadata/l?after=x/", 404, MISSING),
    step("LIST metadata/l?limit=0", 200, {"data.keys": _KEYS}),
    step("LIST metadata/l?limit=-1", 200, {"data.keys": _KEYS}),
    step("LIST metadata/l?limit=x", 400, 'Field validation failed: error converting input for field "limit": ...'),
    step("LIST detailed-metadata/l?after=a&limit=1", 200, {"data.keys": ["c/"], "data.key_info": {"c/": {}}}),
    step("LIST detailed-metadata/l?limit=1", 200, {"data.keys": ["B"], "data.key_info.B.current_version": 1}),
    step("LIST detailed-metadata/never", 404, MISSING),
    # The folder `x/` bears the metadata of the secret `x`: OpenBao drops the slash.
    step("LIST detailed-metadata/l?after=x-1/", 200, {"data.keys": ["x/"], "data.key_info.x/.current_version": 1}),
    step("GET detailed-metadata/l", 405, UNSUPPORTED),
]


SCAN_OPENBAO = [
    *(write(name, 1) for name in _NAMES),
    *(
        step(call, 200, {"data.keys": ["B", "a", "x", "x/y", "x/q/r", "x-1/z", "c/d"]})
        for call in (
            "SCAN metadata/l",
            "SCAN metadata/l/",
            "GET metadata/l?scan=true",
            "SCAN metadata/l?limit=1&after=x",
        )
    ),
    step("SCAN metadata/never", 200, {"data": {}}),
    step("GET metadata/l?scan=true&list=true", 400, MISSING),
    step("SCAN data/l", 405, UNSUPPORTED),
    step("SCAN detailed-metadata/l/x", 200, {"data.keys": ["y", "q/r"], "data.key_info.y.current_version": 1}),
    step("GET detailed-metadata/l/x?scan=true&limit=1", 200, {"data.keys": ["y", "q/r"]}),
    step("SCAN detailed-metadata/never", 200, {"data": {}}),
]


SCAN_VAULT = [
    write("l/a", 1),
    *(step(f"SCAN {path}", 405, MISSING) for path in ("metadata/l", "detailed-metadata/l", "data/l")),
    step("GET metadata/l/a?scan=true", 200, {"warnings": ignored("scan")}),
    step("LIST detailed-metadata/l", 404, {"warnings": hint("Vault", "vault kv list")}),
    step("GET detailed-metadata/l?scan=1", 404, {"warnings": hint("Vault", "vault kv get")}),
    step(
        "LIST metadata/l?limit=1&after=a",
        200,
        {"data.keys": ["a"], "warnings": ignored("after", "limit")},
    ),
    step("LIST metadata/l?exclude_deleted=true", 200, {"data.keys": ["a"]}),
    step("DELETE data/l/a", 204, NOTHING),
    step("LIST metadata/l?exclude_deleted=true", 404, MISSING),
]

TABLES = {
    "lists": LISTS,
    "pages openbao": PAGES_OPENBAO,
    "scan openbao": SCAN_OPENBAO,
    "scan vault": SCAN_VAULT,
}
