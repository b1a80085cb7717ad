"""In what releases of the server differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release does; the defaults are those of the last before 2.0."""

    problems: bool = False
    """Whether errors are problem documents (RFC 9457); they are Micronaut's `JsonError` before."""
    lost: int = 401
    """The status of a path or method that there is not, to those who have logged in."""
    tenant_list: bool = True
    """Whether there is a list of all the tenant's secrets."""
    namespace_list: bool = True
    """Whether a namespace has a list of its own."""
    names_namespaces: bool = True
    """Whether a list says in which namespace a secret is."""
    always_describes: bool = False
    """Whether a list has a description also where there is none: null."""
    whole_puts: bool = False
    """Whether a PUT must bring a description and tags."""
    lists_deleted: bool = False
    """Whether a DELETE is answered with a list of keys; it is answered with nothing otherwise."""


RELEASES = {
    "1.0": Release(
        tenant_list=False, names_namespaces=False, always_describes=True, whole_puts=True, lists_deleted=True
    ),
    "1.2": Release(always_describes=True),
    "1.3": Release(),
    "2.0": Release(problems=True, lost=403, namespace_list=False),
}
