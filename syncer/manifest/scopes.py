"""The declared scopes, put together from all files: what they pass on to their secrets, and where they fall back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncer.manifest.consumers import readers
from syncer.manifest.rotation import rotation
from syncer.model import NO_ROTATION, OnRemove, Rotation, Scope, bulk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from syncer.manifest.document import Document, Place, Report

_SHOWN = 6
_HERE = "description", "fallback", "backend", "readers"


@bulk
class Inherited:
    """What a secret has where it says nothing itself."""

    tags: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    rotate: Rotation = NO_ROTATION
    on_remove: OnRemove = OnRemove.DISABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenScope:
    """A scope, and what its secrets have from it."""

    scope: Scope
    inherited: Inherited


Options = dict[str, "tuple[Any, Document]"]
"""An option's value, and the file that gives it."""


def declared_scopes(documents: Sequence[Document], backends: Collection[str], report: Report) -> dict[str, GivenScope]:
    """Give every scope by name; one may be spread over files, each of its options in one of them."""
    main = documents[0]
    defaults = inherit(Inherited(), main.data.get("defaults") or {}, main, ("defaults",), report)
    gathered = _gather(documents, report)
    _check_references(gathered, backends, report)
    return {name: _scope(name, options, defaults, report) for name, options in gathered.items()}


def bodies(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give name and body of every scope in a document, empty where nothing stands there."""
    return ((name, body or {}) for name, body in (document.data.get("scopes") or {}).items())


def inherit(base: Inherited, given: Mapping[str, Any], document: Document, place: Place, report: Report) -> Inherited:
    """Put what is given over what is inherited: tags key by key, the rest as a whole."""
    on_remove, rotate = given.get("on_remove"), given.get("rotate")
    return Inherited(
        tags={**base.tags, **(given.get("tags") or {})},
        enabled=given.get("enabled", base.enabled),
        rotate=base.rotate if rotate is None else rotation(rotate, document, (*place, "rotate"), report),
        on_remove=base.on_remove if on_remove is None else OnRemove(on_remove),
    )


def _gather(documents: Sequence[Document], report: Report) -> dict[str, Options]:
    gathered: dict[str, Options] = {}
    for document in documents:
        for name, body in bodies(document):
            options = gathered.setdefault(name, {})
            for key in body.keys() - {"secrets"}:
                if key in options:
                    first = options[key][1].name
                    report.at_key(document, ("scopes", name, key), f"`{key}` of this scope stands in {first} already")
                options.setdefault(key, (body[key], document))
    return gathered


def _scope(name: str, options: Options, defaults: Inherited, report: Report) -> GivenScope:
    inherited = defaults
    for key, (value, document) in options.items():
        if key not in _HERE:
            inherited = inherit(inherited, {key: value}, document, ("scopes", name), report)
    here = {key: options[key][0] for key in _HERE if key in options}
    here["readers"] = readers(here.get("readers"))
    return GivenScope(scope=Scope(name=name, **here), inherited=inherited)


def _check_references(gathered: dict[str, Options], backends: Collection[str], report: Report) -> None:
    for name, options in gathered.items():
        _check_declared(name, options, "backend", backends, report)
        _check_declared(name, options, "fallback", gathered, report)
    fallbacks = {name: options["fallback"][0] for name, options in gathered.items() if "fallback" in options}
    for circle in _circles(fallbacks):
        shown = " -> ".join([*circle, circle[0]][:_SHOWN]) + (" -> ..." if len(circle) >= _SHOWN else "")
        document = gathered[circle[0]]["fallback"][1]
        report.at_value(document, ("scopes", circle[0], "fallback"), f"`fallback` goes round in a circle: {shown}")


def _check_declared(name: str, options: Options, key: str, known: Collection[str], report: Report) -> None:
    value, document = options.get(key, (None, None))
    if value is None or document is None or value in known or report.lost:
        return
    what = "backend" if key == "backend" else "scope"
    report.at_value(document, ("scopes", name, key), f"`{key}` is not a declared {what}{report.suggest(value, known)}")


def _circles(fallbacks: Mapping[str, str]) -> Iterator[list[str]]:
    """Give the names on each circle once, the first by the alphabet in front."""
    done: set[str] = set()
    for start in fallbacks:
        way: dict[str, int] = {}
        name: str | None = start
        while name is not None and name not in done and name not in way:
            way[name] = len(way)
            name = fallbacks.get(name)
        done.update(way)
        if name in way:
            circle = list(way)[way[name] :]
            first = circle.index(min(circle))
            yield circle[first:] + circle[:first]
