"""Policies: which path may be read, written, listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.fakes.vault.requests import LISTINGS, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DENY = "deny"
ROOT = "root"
CAPABILITIES = frozenset({*Operation, "sudo", DENY})

Policy = dict[str, frozenset[str]]
"""Capabilities by path; `+` is one segment, `*` at the end is the rest."""


def policy(paths: Mapping[str, Iterable[str]], *, scans: bool = True) -> Policy:
    """Make a policy of what a test writes; what the server would refuse to write is refused."""
    made = {path: frozenset(capabilities) for path, capabilities in paths.items()}
    named = {capability for capabilities in made.values() for capability in capabilities}
    strange = named - CAPABILITIES | (frozenset() if scans else named & {Operation.SCAN})
    if strange:
        message = f"no such capability: {sorted(strange)}"
        raise ValueError(message)
    if any("+*" in path for path in made):
        message = "+* is forbidden in a policy"
        raise ValueError(message)
    return made


DEFAULT = policy(
    {
        "auth/token/lookup-self": ["read"],
        "auth/token/renew-self": ["update"],
        "auth/token/revoke-self": ["update"],
        "sys/capabilities-self": ["update"],
    }
)
"""What every token may do unless it was made without this policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One path of a policy."""

    pattern: str
    capabilities: frozenset[str]

    @property
    def exact(self) -> bool:
        """Whether it names a single path."""
        return not self.pattern.endswith("*") and "+" not in self.pattern.split("/")

    @property
    def priority(self) -> tuple[int, bool, int, int, str]:
        """Order rules that match the same path; the highest decides.

        A later first wildcard wins; then no `*` at the end; then fewer `+`; then the longer; then the last in order.
        """
        segments = self.pattern.split("/")
        plain = self.pattern.removesuffix("*")
        first = len("/".join(segments[: segments.index("+")])) + 1 if "+" in segments else len(plain)
        return first, not self.pattern.endswith("*"), -segments.count("+"), len(self.pattern), self.pattern

    def matches(self, path: str) -> bool:
        """Tell whether a path is meant."""
        return re.fullmatch(self._expression(self.pattern), path) is not None

    def reaches_into(self, mount: str) -> bool:
        """Tell whether it may grant something below a mount, whose path ends in a slash."""
        if DENY in self.capabilities:
            return False
        head = "/".join(self.pattern.split("/")[: mount.count("/")]) + "/"
        inside = self.pattern.count("/") >= mount.count("/") and re.fullmatch(self._expression(head), mount)
        return bool(inside) or self.matches(mount)

    @staticmethod
    def _expression(pattern: str) -> str:
        stem = "/".join(
            "[^/]*" if segment == "+" else re.escape(segment) for segment in pattern.removesuffix("*").split("/")
        )
        return stem + (".*" if pattern.endswith("*") else "")


class Acl:
    """The policies of one token, merged: the same path grants together, and one denial ends all."""

    def __init__(self, policies: Iterable[tuple[str, Policy]], *, bare_first: bool) -> None:
        """Take policies, each with the path of its namespace; say how Vault looks for the rule of a listing."""
        self._bare_first = bare_first
        merged: dict[str, frozenset[str]] = {}
        for namespace, paths in policies:
            for path, capabilities in paths.items():
                pattern = namespace + path
                merged[pattern] = merged.get(pattern, frozenset()) | capabilities
        self._rules = [Rule(pattern=pattern, capabilities=merged[pattern]) for pattern in merged]

    def allows(self, operation: Operation, path: str) -> bool:
        """Tell whether an operation on a path, with its namespace in front, is granted."""
        found = self.capabilities(path, listing=operation in LISTINGS)
        return operation in found and DENY not in found

    def capabilities(self, path: str, *, listing: bool = False) -> frozenset[str]:
        """Give what is granted on a path; a listing also looks at the rules of the path without its slash."""
        exact = [path, path.removesuffix("/")] if listing else [path]
        wild = exact[::-1] if self._bare_first else exact
        tried = [(True, name) for name in exact] + [(False, name) for name in wild]
        for is_exact, name in tried:
            rules = [rule for rule in self._rules if rule.exact is is_exact and rule.matches(name)]
            if rules:
                return max(rules, key=lambda rule: rule.priority).capabilities
        return frozenset()

    def reaches_into(self, mount: str) -> bool:
        """Tell whether anything is granted below a mount, its namespace in front."""
        return any(rule.reaches_into(mount) for rule in self._rules)
