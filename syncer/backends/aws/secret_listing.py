"""Lists of secrets by the beginnings of their names: page after page, long ones in several chains at once.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html: a name is matched from its beginning,
case counts, and of several values one must match.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from syncer.backends.aws.api import Request
    from syncer.model import Address
    from syncer.naming import Template

PAGE = 100
MOST_VALUES = 10
"""Beginnings in one filter."""
CHAINS = 4
LONG = 2000
"""Secrets from which several chains are worth a page more for each."""


def listing(beginnings: list[str]) -> Request:
    """Ask for every secret whose name begins so, a hundred a call, those that are pending deletion too."""
    named = {"Key": "name", "Values": beginnings}
    return {"Filters": [named], "IncludePlannedDeletion": True, "MaxResults": PAGE}


def chains(names: Template, scopes: Collection[str], addresses: Iterable[Address]) -> list[list[str]]:
    """Split scopes into chains of about equal length; give the beginnings of the names in each.

    No name has two of these beginnings. Some may let in other scopes of the same project, never other projects'.
    """
    sizes = Counter(address.scope for address in addresses)
    most = CHAINS if sizes.total() > LONG else 1
    prefixes = {names.prefix(scope): sizes[scope] for scope in scopes}
    if "{project}/" in names.text.partition("{scope}")[0]:
        prefixes = _shortened(prefixes, most * MOST_VALUES)
    fewest = -(-len(prefixes) // MOST_VALUES)
    return _balanced(prefixes, max(fewest, min(most, len(prefixes))))


def _shortened(prefixes: Mapping[str, int], most: int) -> dict[str, int]:
    """Cut the beginnings, all at the same length, until there are no more than so many."""
    length = max(map(len, prefixes), default=0)
    cut = Counter(prefixes)
    while len(cut) > most:
        length -= 1
        cut = Counter()
        for prefix, size in prefixes.items():
            cut[prefix[:length]] += size
    return dict(cut)


def _balanced(prefixes: Mapping[str, int], number: int) -> list[list[str]]:
    """Deal them out, the largest first, each to the group that has least and room."""
    groups: list[tuple[int, int, list[str]]] = [(0, index, []) for index in range(number)]
    full = []
    for prefix in sorted(prefixes, key=lambda name: (-prefixes[name], name)):
        total, index, group = heapq.heappop(groups)
        group.append(prefix)
        if len(group) < MOST_VALUES:
            heapq.heappush(groups, (total + prefixes[prefix], index, group))
        else:
            full.append(group)
    return full + [group for _, _, group in groups if group]
