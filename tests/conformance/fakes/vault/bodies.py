"""Bodies: what is JSON to the servers, and how much of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance.fakes.vault.replies import Document, Refused, Reply, errors, unknown_here

if TYPE_CHECKING:
    from conformance.fakes.vault.flavours import Flavour

FORM = "application/x-www-form-urlencoded"
BODY_BYTES = 32 * 1024 * 1024
ENTRIES = 10_000
"""How many members Vault bears in one object or array."""
DEPTH = 300
"""How deep Vault bears them to be nested."""
STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')
SURROGATE = re.compile("[\ud800-\udfff]")


def document(body: bytes, media: str, flavour: Flavour) -> Document:
    """Decode a body; an empty one is an empty document."""
    if len(body) > BODY_BYTES:
        raise Refused(errors(413, "http: request body too large"))
    if media == FORM and not body.lstrip().startswith(b"{"):
        raise Refused(unknown_here("forms"))
    refuse_strings(body, flavour)
    return decoded(body, flavour) if body.strip() else {}


def refuse_strings(body: bytes, flavour: Flavour) -> None:
    """Refuse strings that are too long for Vault or too many for OpenBao, names of members included.

    Vault counts a string as it was written: an escape of six characters counts six.
    """
    limit, length = flavour.json_strings, flavour.json_string_bytes
    if limit is not None and len(STRING.findall(body)) > limit:
        raise Refused(errors(400, "refused JSON input due to high complexity: exceeded maximum number of strings"))
    if length is not None and len(body) > length and any(len(text) > length for text in STRING.findall(body)):
        raise Refused(errors(500, "JSON string value exceeds allowed length"))


def decoded(body: bytes, flavour: Flavour) -> Document:
    """Decode JSON; bytes that are no text become U+FFFD, as in Go."""

    def unique(pairs: list[tuple[str, Any]]) -> Document:
        found = dict(pairs)
        if len(found) < len(pairs) and not flavour.lenient_json:
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise Refused(errors(500, f"duplicate key '{twice}' in object"))
        return found

    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text, object_pairs_hook=unique)
    except ValueError:
        raise Refused(bad_json(text, flavour)) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(no_object(value, flavour))
    if not flavour.lenient_json:
        refuse_complex(value, 1)
    return {whole(name): whole(inner) for name, inner in value.items()}


def refuse_complex(value: Any, level: int) -> None:
    """Refuse what Vault does not bear, however deep."""
    if isinstance(value, str) and SURROGATE.search(value):
        raise Refused(errors(500, "malformed JSON, unterminated surrogate pair in string"))
    if not isinstance(value, dict | list):
        return
    if level > DEPTH:
        raise Refused(errors(500, "JSON input exceeds allowed nesting depth"))
    if len(value) > ENTRIES:
        kind = "object exceeds allowed entry" if isinstance(value, dict) else "array exceeds allowed element"
        raise Refused(errors(500, f"JSON {kind} count"))
    for inner in [*value, *value.values()] if isinstance(value, dict) else value:
        refuse_complex(inner, level + 1)


def whole(value: Any) -> Any:
    """Replace lone surrogates by U+FFFD, however deep, as in Go."""
    match value:
        case str():
            return SURROGATE.sub("\ufffd", value)
        case dict():
            return {whole(name): whole(inner) for name, inner in value.items()}
        case list():
            return [whole(inner) for inner in value]
        case _:
            return value


def bad_json(text: str, flavour: Flavour) -> Reply:
    """Reply to what is no JSON; the real ones say more exactly where it went wrong."""
    if flavour.lenient_json:
        return errors(400, f"{flavour.bad_json}: invalid character")
    if text.lstrip()[:1] in {"{", "["}:
        return errors(500, "malformed JSON, unclosed containers")
    return errors(400, f"{flavour.bad_json}: invalid character")


def no_object(value: Any, flavour: Flavour) -> Reply:
    """Reply to JSON that is no object."""
    kinds: dict[type, str] = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    kind = kinds[type(value)]
    return errors(
        400, f"{flavour.bad_json}: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )
