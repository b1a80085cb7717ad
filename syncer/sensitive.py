"""The only carrier of a plaintext value."""

from __future__ import annotations

from typing import NoReturn, final

MASK = "(sensitive)"


@final
class Sensitive:
    """A secret value: bytes, verbatim, that cannot be printed, compared, pickled or serialised by accident.

    `reveal()` is the one way to the bytes. Call it on the last line before the wire or the cipher, and never
    keep what it returns.
    """

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]  # a value must not become a dictionary key

    def __init__(self, value: bytes) -> None:
        if not isinstance(value, bytes):
            # The type's name and not the value: this message may reach a log.
            message = f"a value is bytes, not {type(value).__name__}"
            raise TypeError(message)
        self.__value = value

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self.__value

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it; the one fact about a value that may be asked."""
        return not self.__value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> NoReturn:
        message = "values are compared by fingerprint only"
        raise TypeError(message)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = "a value is never pickled or copied"
        raise TypeError(message)

    def __getstate__(self) -> NoReturn:
        # Python's own gives the slots, whatever stands in them.
        message = "a value is never pickled or copied"
        raise TypeError(message)

    def __bool__(self) -> NoReturn:
        message = "ask for .empty"
        raise TypeError(message)
