"""What every source must do: check itself offline, and yield one value when asked."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from syncer.errors import InvalidConfiguration, SourceError
from syncer.options import parse_options
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.model import Address, SourceSpec


KEY_VARIABLE = "SYNCER_KEY"
"""Holds the project key: never a value, and handed to nobody."""
PRIVATE_VARIABLES = frozenset({KEY_VARIABLE, "SYNCER_GIT_TOKEN"})
"""What a program that we start has no need of: the key, and the right to write the state."""


class SourceContext(NamedTuple):
    """What a source is told about the run and the address that it yields a value for. One is made for each value."""

    project: str
    address: Address
    environ: Mapping[str, str]
    subkey: Callable[[str], bytes]
    """32 bytes derived from the project key for a label; finds or makes the key when first called."""


class Source(ABC):
    """Yields one value. Errors name the source and must never hold what it yields.

    What stands under the source's own key in the manifest comes as `argument`, the keys beside it as options.
    """

    type_name: ClassVar[str]
    Options: ClassVar[type[Any]]
    """A frozen dataclass of the keys that may stand beside the source's own."""
    made_at_apply: ClassVar[bool] = False
    """`produce` makes another value each time, so only an apply may call it, once for each write."""
    blocking: ClassVar[bool] = False
    """`produce` waits for something outside: worth a thread of its own, where it must heed `halt`."""
    opened_by_key: ClassVar[bool] = False
    """What stands in the manifest can be read with the project key only: another key must not be made."""

    def __init__(self, spec: SourceSpec) -> None:
        self.argument = spec.argument
        self.folder = spec.folder
        own = dict(spec.options)
        self._decode = decoder(own.pop("decode", None)) if own else None
        self.options = parse_options(self.Options, own)
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise InvalidConfiguration for an argument or option that can never work; offline, at load."""

    @abstractmethod
    def produce(self, context: SourceContext) -> Sensitive:
        """Yield the value, verbatim and before `decode`. Raise SourceError naming the source and the cause."""

    def resolve(self, context: SourceContext) -> Sensitive:
        """Yield the value, decoded as declared. Raise SourceError, also for an empty value."""
        value = self.produce(context)
        if self._decode is not None:
            value = self._decode(value)
        if value.empty:
            message = f"source `{self.type_name}` yields an empty value"
            raise SourceError(message, hint="an empty secret is nearly always a mistake upstream, so it is refused")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """For sources that take none."""


def decoder(name: object) -> Callable[[Sensitive], Sensitive] | None:
    """Give the function for the option `decode`, or None without one. Raise InvalidConfiguration."""
    if name is None:
        return None
    if name == "base64":
        return _from_base64
    if name == "hex":
        return _from_hex
    message = "option `decode` must be base64 or hex"
    raise InvalidConfiguration(message)


# Nothing is raised from inside `except` here: Python's error may hold the value, and would become the context of ours.


def _from_base64(value: Sensitive) -> Sensitive:
    with suppress(ValueError):
        # Line breaks are part of the format as `base64` prints it (RFC 2045); anything else is a mistake.
        return Sensitive(base64.b64decode(b"".join(value.reveal().split()), validate=True))
    message = "what the source yields is not base64"
    raise SourceError(message)


def _from_hex(value: Sensitive) -> Sensitive:
    with suppress(ValueError):
        return Sensitive(bytes.fromhex(value.reveal().decode("ascii")))
    message = "what the source yields is not hex"
    raise SourceError(message)
