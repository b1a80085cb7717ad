"""One call after another, as whom we are, their failures told in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.backends.vault.errors import knows_us_not, told
from syncer.backends.vault.messages import REPEATABLE
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Collection

    from syncer.backends.vault.messages import Answer, Request
    from syncer.backends.vault.session import Session
    from syncer.backends.vault.wire import Wire


class Api:
    """Safe to share between threads."""

    def __init__(self, wire: Wire, session: Session) -> None:
        self._wire = wire
        self._session = session

    def call(self, request: Request, *, accept: Collection[int] = ()) -> Answer:
        """Give the answer to a call that was done, or that ended with one of the statuses in `accept`.

        Logs in again, once, where the token is not known (any more). Raise what `errors` makes of any other answer,
        and of one that means that we ask in the wrong place.
        """
        if request.method not in REPEATABLE:
            self._session.freshen()
        token = self._session.token()
        answer = self._wire.send(request, token.reveal().decode())
        if knows_us_not(answer) and self._session.replaced(token):
            answer = self._wire.send(request, self._session.token().reveal().decode())
        if answer.ok:
            return answer
        problem = told(answer)
        if answer.status in accept and not isinstance(problem, InvalidConfiguration):
            return answer
        raise problem

    def close(self) -> None:
        """Let go of the connections."""
        self._wire.close()
