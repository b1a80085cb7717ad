"""The rules over where values come from: `allowed-sources` and `generated-values`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.policy.fault import FINE, Fault, Judge
from syncer.rules import OWN_CHARACTERS
from syncer.sources.generate import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.model import Secret
    from syncer.rules import AllowedSources, GeneratedValues

_GENERATE = "generate"


def allowed_sources(rule: AllowedSources) -> Judge:
    """Make ready the rule that wants certain sources."""
    allowed = frozenset(rule.sources)
    advice = f"let it come from {', '.join(rule.sources)}"

    def judge(secret: Secret) -> Iterable[Fault]:
        kind = secret.source.type
        return FINE if kind in allowed else (Fault(f"source `{kind}` is not allowed here", advice),)

    return judge


def generated_values(rule: GeneratedValues) -> Judge:
    """Make ready the rule that wants strong generated values; others are none of its business."""

    def judge(secret: Secret) -> Iterable[Fault]:
        source = secret.source
        return _weak(rule, source.argument) if source.type == _GENERATE else FINE

    return judge


def _weak(rule: GeneratedValues, given: Mapping[str, object]) -> Iterator[Fault]:
    kind = str(given.get("type", "password"))
    if rule.types is not None and kind not in rule.types:
        yield Fault(f"a generated value of type {kind} is not allowed here", f"allowed: {', '.join(rule.types)}")
    length = given.get("length", getattr(TYPES[kind](), "length", None))
    if rule.minimum_length is not None and isinstance(length, int) and length < rule.minimum_length:
        yield Fault(f"a generated {kind} is {length} long, and must be {rule.minimum_length}", "raise its `length`")
    if rule.alphabets is not None and kind == "password":
        name = OWN_CHARACTERS if "characters" in given else str(given.get("alphabet", "alphanumeric"))
        if name not in rule.alphabets:
            told = f"a password of alphabet `{name}` is not allowed here"
            yield Fault(told, f"allowed: {', '.join(rule.alphabets)}")
