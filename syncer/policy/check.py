"""Checks a manifest against its policy: pure, without a value, a file or a clock."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol, assert_never

from syncer.plans import POLICY, Diagnostic, Severity
from syncer.policy.age import maximum_age, overdue
from syncer.policy.names import naming
from syncer.policy.removal import forbidden_on_remove, removed
from syncer.policy.sources import allowed_sources, generated_values
from syncer.policy.tags import owners, required_tags
from syncer.rules import (
    AllowedSources,
    ForbiddenOnRemove,
    GeneratedValues,
    MaximumAge,
    Naming,
    Owners,
    RequiredTags,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from syncer.model import Address, Manifest, Origin, Secret
    from syncer.policy.fault import Fault, Judge
    from syncer.rules import Reach, Rule


class Written(Protocol):
    """What state remembers of a secret."""

    @property
    def rotated(self) -> datetime:
        """When its value was last written."""


def findings(manifest: Manifest) -> list[Diagnostic]:
    """Give all that breaks the rules of a manifest's policy, sorted by address."""
    return in_order(_of_declarations(manifest))


def aged(manifest: Manifest, records: Mapping[Address, Written], now: datetime) -> Iterator[Diagnostic]:
    """Give the declared secrets whose value, by its record, is older than `maximum-age` allows."""
    for rule in manifest.policy:
        if isinstance(rule, MaximumAge):
            for address in records.keys() & manifest.secrets.keys():
                yield from _old(rule, manifest.secrets[address], records[address], now)


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort findings by address, those of one address by rule."""
    return sorted(found, key=lambda each: (each.address or ("", ""), each.code, each.message, each.hint or ""))


def _of_declarations(manifest: Manifest) -> Iterator[Diagnostic]:
    scopes: dict[str, list[Secret]] = defaultdict(list)
    for secret in manifest.secrets.values():
        scopes[secret.address.scope].append(secret)
    for rule in manifest.policy:
        judge = _judge(rule)
        for scope, secrets in scopes.items():
            if _about(rule.reach, scope):
                yield from _judged(rule, judge, secrets)
        if isinstance(rule, ForbiddenOnRemove):
            yield from _of_removals(manifest, rule)


def _judged(rule: Rule, judge: Judge, secrets: list[Secret]) -> Iterator[Diagnostic]:
    for secret in secrets:
        for fault in judge(secret):
            yield from _told(rule, fault, secret.address, secret.origin)


def _judge(rule: Rule) -> Judge:
    match rule:
        case RequiredTags():
            judge = required_tags(rule)
        case MaximumAge():
            judge = maximum_age(rule)
        case GeneratedValues():
            judge = generated_values(rule)
        case AllowedSources():
            judge = allowed_sources(rule)
        case ForbiddenOnRemove():
            judge = forbidden_on_remove(rule)
        case Naming():
            judge = naming(rule)
        case Owners():
            judge = owners(rule)
        case _:
            assert_never(rule)
    return judge


def _of_removals(manifest: Manifest, rule: ForbiddenOnRemove) -> Iterator[Diagnostic]:
    for address, wanted in manifest.removed.items():
        for fault in removed(rule, wanted) if _about(rule.reach, address.scope) else ():
            yield from _told(rule, fault, address, manifest.removed_at.get(address))


def _old(rule: MaximumAge, secret: Secret, record: Written, now: datetime) -> Iterator[Diagnostic]:
    for fault in overdue(rule, record.rotated, now) if _about(rule.reach, secret.address.scope) else ():
        yield from _told(rule, fault, secret.address, secret.origin)


def _about(reach: Reach, scope: str) -> bool:
    return any(fnmatchcase(scope, glob) for glob in reach.scopes)


def _told(rule: Rule, fault: Fault, address: Address, origin: Origin | None) -> Iterator[Diagnostic]:
    """Tell a fault, unless the rule has an exception for the address."""
    reach = rule.reach
    if not any(fnmatchcase(str(address), glob) for glob in reach.exceptions):
        yield Diagnostic(
            severity=Severity(reach.severity),
            code=f"{POLICY}{rule.name}",
            message=fault.message,
            address=address,
            hint=f"{fault.advice}; the rule stands at {reach.origin}",
            origin=origin,
        )
