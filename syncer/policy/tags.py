"""The rules over tags: `required-tags` and `owners`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.policy.fault import FINE, Fault, Judge
from syncer.rules import matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.model import Secret
    from syncer.rules import Owners, RequiredTags

_ADVICE = "set it here, in the scope or under `defaults`"


def required_tags(rule: RequiredTags) -> Judge:
    """Make ready the rule that wants tags, some of them of a form."""
    wanted = rule.tags.keys()
    tests = [(name, text, matcher(text)) for name, text in rule.tags.items() if text is not None]

    def judge(secret: Secret) -> Iterable[Fault]:
        tags = secret.tags
        if wanted <= tags.keys() and all(test(tags[name]) for name, _, test in tests):
            return FINE
        return faults(secret)

    def faults(secret: Secret) -> Iterator[Fault]:
        for name in sorted(wanted - secret.tags.keys()):
            yield Fault(f"tag `{name}` is missing", _ADVICE)
        for name, text, test in tests:
            if name in secret.tags and not test(secret.tags[name]):
                yield Fault(f"tag `{name}` does not match `{text}`", _ADVICE)

    return judge


def owners(rule: Owners) -> Judge:
    """Make ready the rule that wants one of some owners."""
    tag, known = rule.tag, frozenset(rule.owners)
    missing = (Fault(f"tag `{tag}` is missing, so nobody owns it", _ADVICE),)
    another = (Fault(f"tag `{tag}` is none of {', '.join(sorted(known))}", _ADVICE),)

    def judge(secret: Secret) -> Iterable[Fault]:
        owner = secret.tags.get(tag)
        if owner in known:
            return FINE
        return missing if owner is None else another

    return judge
