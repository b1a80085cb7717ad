"""The rule `forbidden-on-remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.policy.fault import FINE, Fault, Judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.model import OnRemove, Secret
    from syncer.rules import ForbiddenOnRemove

_ADVICE = "say another `on_remove` here, in the scope or under `defaults`"


def forbidden_on_remove(rule: ForbiddenOnRemove) -> Judge:
    """Make ready the rule over what becomes of secrets that will leave the manifest."""

    def judge(secret: Secret) -> Iterable[Fault]:
        return removed(rule, secret.on_remove)

    return judge


def removed(rule: ForbiddenOnRemove, wanted: OnRemove) -> Iterable[Fault]:
    """Judge what becomes of one, or has under `removed`."""
    return (Fault(f"`on_remove: {wanted}` is not allowed here", _ADVICE),) if wanted in rule.on_remove else FINE
