"""The rule `naming`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.policy.fault import FINE, Fault, Judge
from syncer.rules import matcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.model import Secret
    from syncer.rules import Naming


def naming(rule: Naming) -> Judge:
    """Make ready the rule that wants refs of a form."""
    test = matcher(rule.refs)
    misnamed = (Fault(f"the ref does not match `{rule.refs}`", "rename it, with an entry under `moved`"),)

    def judge(secret: Secret) -> Iterable[Fault]:
        return FINE if test(secret.address.ref) else misnamed

    return judge
