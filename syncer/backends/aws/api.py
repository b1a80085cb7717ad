"""One service of AWS: a client made when first needed, each call counted, its errors told in our words."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from syncer.backends.aws.client import make_client
from syncer.backends.aws.errors import SDK_ERRORS, translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.backends.aws.options import AwsOptions
    from syncer.backends.base import Meter

T = TypeVar("T")

Request = Mapping[str, object]
"""What a call is made with, as the SDK spells it."""
Answer = dict[str, Any]
"""What comes back."""


def unread(_answer: Answer) -> None:
    """Take an answer for done that says nothing."""


class Api:
    """The calls of one service, safe to share between threads."""

    def __init__(self, service: str, options: AwsOptions, meter: Meter, width: int) -> None:
        self._service = service
        self._options = options
        self._meter = meter
        self._width = width
        self._lock = threading.Lock()
        self._made: Any = None

    def call(
        self, action: str, thing: str, request: Request, read: Callable[[Answer], T], *, values_read: int = 0
    ) -> T:
        """Make one call, such as `ListSecrets`, about `thing`; give what `read` makes of the answer.

        Raise what `errors` makes of the SDK's errors, and of those of `read`: Transient for an answer of another
        shape than AWS documents.
        """
        try:
            return read(self._ask(action, request, values_read))
        except SDK_ERRORS as error:
            problem = translated(error, f"{self._service}:{action}", thing)
        raise problem

    def _ask(self, action: str, request: Request, values_read: int) -> Answer:
        method = getattr(self._client(), _snake(action))
        read = 0
        try:
            answer: Answer = method(**request)
            read = values_read
        finally:
            self._meter.call(values_read=read)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client(self._service, self._options, self._width)
            return self._made


def _snake(action: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
