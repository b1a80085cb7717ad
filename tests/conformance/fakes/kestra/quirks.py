"""What is set up differently from server to server, what nobody knows of the real one, and its faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Denials(StrEnum):
    """What the body of a 401 or 403 is."""

    DOCUMENT = "document"
    """What every other error has."""
    EMPTY = "empty"
    HTML = "html"
    """The page where people log in."""


class Blanks(StrEnum):
    """How a list tells of a secret whose description is empty or was never given."""

    KEPT = "kept"
    """Empty as empty; what was never given is left out, or null in releases that always describe."""
    NULL = "null"
    ABSENT = "absent"


@dataclass(slots=True, kw_only=True)
class Quirks:
    """Switches; a test may set them at any time."""

    read_only: bool = False
    """Whether the store behind the server is for reading only; lists say so and writes are refused."""
    read_only_namespaces: set[str] = field(default_factory=set)
    """Namespaces of which the same is true, with all below them."""
    read_only_status: int = 403
    """What writes to such a store get: 403 or 409."""
    unknown_namespaces: int | None = None
    """What a write to a namespace gets that nobody has made: 404, 422 or 403; None: it is carried out."""
    unknown_lists: int | None = None
    """What a list of such a namespace gets; None: it is empty."""
    missing_deletes: int = 404
    """What the deletion of a missing key gets: 404, 200 or 500."""
    deny_lists: bool = False
    """Whether a list is denied to those who may not list; it is empty otherwise."""
    denials: Denials = Denials.DOCUMENT
    system_tags: bool = False
    """Whether lists tell of the server's own tags, as secrets: namespace, key, prefix, tenant."""
    blank_descriptions: Blanks = Blanks.KEPT
    patch_keeps_description: bool = False
    """Whether a PATCH without a description leaves it; it is cleared otherwise."""
    whole_answers: bool = False
    """Whether writes are answered with all of the namespace; with what was written otherwise."""
    echo_bodies: bool = False
    """Whether errors quote the body of the request, value and all."""
    lose_concurrent: bool = False
    """Whether of writes that overlap in one namespace only the one remains that is carried out last."""
    linger: float = 0.0
    """Seconds that a write waits for another one to the same namespace to overlap with."""
