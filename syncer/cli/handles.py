"""What `datadog-backend`, `doctor` and `resolve` share: where handles may lead, and what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

import click

from syncer.cli.options import Option, PathType, SecondsType
from syncer.consumers.consume import check_scope
from syncer.consumers.deadline import Deadline
from syncer.consumers.handles import Answers, Ground
from syncer.errors import SyncerError
from syncer.exchange.fields import part
from syncer.handles import Handle, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncer.engine.session import Session
    from syncer.model import Manifest
    from syncer.sensitive import Sensitive

F = TypeVar("F", bound="Callable[..., Any]")
K = TypeVar("K")

SCOPE = "global"
"""Where a bare ref is looked up unless somebody says otherwise; not every manifest has it."""
_FOLDER = PathType(path_type=Path, file_okay=False)


class Given(TypedDict):
    """The options of `ground_options`."""

    scope: str | None
    roots: tuple[Path, ...]
    allowed: tuple[str, ...]
    account: Path | None
    timeout: float


_OPTIONS = (
    click.option("--scope", metavar="SCOPE", help=f"Where a bare ref is looked up.  [default: {SCOPE}]"),
    click.option(
        "--allow",
        "allowed",
        cls=Option,
        metavar="SCOPE",
        multiple=True,
        help="Only this scope may be named; repeatable.",
    ),
    click.option(
        "--root",
        "roots",
        cls=Option,
        metavar="DIR",
        type=_FOLDER,
        multiple=True,
        help="Read file@ below it; repeatable.",
    ),
    click.option(
        "--service-account",
        "account",
        cls=Option,
        metavar="DIR",
        type=_FOLDER,
        help="Where a pod's token and ca.crt are, for k8s_secret@, if not where they always are.",
    ),
    click.option(
        "--timeout",
        type=SecondsType(least=1),
        default="30s",
        show_default=True,
        metavar="DURATION",
        help="When to give up waiting.",
    ),
)


def ground_options(command: F) -> F:
    """Add what says where handles may lead."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def named_scopes(given: Given) -> tuple[str, ...]:
    """Give the scopes that a user has named."""
    return (*([] if given["scope"] is None else [given["scope"]]), *given["allowed"])


def check_scopes(manifest: Manifest, scopes: Iterable[str]) -> None:
    """Raise InvalidConfiguration for one that nobody declares."""
    for scope in scopes:
        check_scope(manifest, scope)


def ground(given: Given, deadline: Deadline | None = None) -> Ground:
    """Make of the options what the engine wants to know; its time begins now."""
    account = given["account"]
    return Ground(
        roots=given["roots"],
        account=account and account.absolute(),
        allowed=frozenset(given["allowed"]),
        deadline=deadline or Deadline(given["timeout"]),
    )


def parsed(text: str, scope: str) -> Handle | SyncerError:
    """Read a handle, or give what is wrong with it."""
    try:
        return parse(text, scope)
    except SyncerError as error:
        return error


class Asked(Generic[K]):
    """Handles that are to be answered, by whatever tells them apart; an error in the place of one is its answer."""

    def __init__(self, session: Session, where: Ground, handles: Mapping[K, Handle | SyncerError]) -> None:
        self._sound = {key: handle for key, handle in handles.items() if isinstance(handle, Handle)}
        self._wrong = {key: handle for key, handle in handles.items() if not isinstance(handle, Handle)}
        self._answers = Answers(session, where, (handle.place for handle in self._sound.values()))

    @property
    def broken(self) -> SyncerError | None:
        """Why a whole store could not be asked."""
        return self._answers.broken

    def each(self) -> Iterator[tuple[K, Sensitive | SyncerError]]:
        """Give what is at each handle, in their order, then what is wrong with the others."""
        found = self._answers.each([handle.place for handle in self._sound.values()])
        for (key, handle), answer in zip(self._sound.items(), found, strict=True):
            yield key, _part(answer, handle.field)
        yield from self._wrong.items()


def _part(answer: Sensitive | SyncerError, field: str) -> Sensitive | SyncerError:
    if not field or isinstance(answer, SyncerError):
        return answer
    try:
        return part(answer, field)
    except SyncerError as error:
        return error
