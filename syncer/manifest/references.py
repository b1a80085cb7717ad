"""`moved` and `removed`: addresses that must be declared, and those that must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncer.model import Address, Move, OnRemove, Origin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from syncer.manifest.document import Document, Place, Report


def declared_moves(main: Document, declared: Collection[Address], report: Report) -> tuple[Move, ...]:
    """Give every move: from an address that is free to one that is declared, no address twice."""
    moves = [
        Move(source=Address.parse(given["from"]), target=Address.parse(given["to"]), origin=_origin(main, place))
        for place, given in _entries(main, "moved")
    ]
    targets: set[Address] = set()
    sources: set[Address] = set()
    for index, move in enumerate(moves):
        _check_from(move, main, ("moved", index, "from"), declared, sources, report)
        _check_to(move, main, ("moved", index, "to"), declared, targets, report)
    _check_chains(moves, main, report)
    return tuple(moves)


def declared_removals(
    main: Document, declared: Collection[Address], moves: Sequence[Move], report: Report
) -> dict[Address, OnRemove]:
    """Give what becomes of each address under `removed`: one that is neither declared nor moved."""
    found: dict[Address, OnRemove] = {}
    moved = {move.source for move in moves}
    for place, given in _entries(main, "removed"):
        address = Address.parse(given["address"])
        for taken, message in (
            (declared, "this address is declared; remove it there, or here"),
            (moved, "this address is moved; it cannot be removed as well"),
            (found, "this address stands under `removed` already"),
        ):
            if address in taken:
                report.at_value(main, (*place, "address"), message)
        found[address] = OnRemove(given["on_remove"])
    return found


def removal_origins(main: Document) -> dict[Address, Origin]:
    """Give where each address stands under `removed`."""
    return {Address.parse(given["address"]): _origin(main, place) for place, given in _entries(main, "removed")}


def _check_from(
    move: Move, main: Document, place: Place, declared: Collection[Address], seen: set[Address], report: Report
) -> None:
    if move.source in declared:
        report.at_value(main, place, "this address is still declared, so nothing can be moved from it")
    if move.source in seen:
        report.at_value(main, place, "this address is moved already")
    seen.add(move.source)


def _check_to(
    move: Move, main: Document, place: Place, declared: Collection[Address], seen: set[Address], report: Report
) -> None:
    if move.target not in declared and not report.lost:
        known = map(str, declared)
        report.at_value(main, place, f"this address is not declared{report.suggest(str(move.target), known)}")
    if move.target in seen:
        report.at_value(main, place, "something is moved to this address already")
    seen.add(move.target)


def _check_chains(moves: Sequence[Move], main: Document, report: Report) -> None:
    sources = {move.source for move in moves}
    for index, move in enumerate(moves):
        if move.target in sources:
            report.at_value(main, ("moved", index, "to"), "moves make a chain: name the last address at once")


def _entries(main: Document, key: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    return (((key, index), given) for index, given in enumerate(main.data.get(key) or ()))


def _origin(main: Document, place: Place) -> Origin:
    return Origin(file=main.name, line=main.node(place).start_mark.line + 1)
