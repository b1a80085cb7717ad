"""The source `env`: an environment variable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration, SourceError
from syncer.sensitive import Sensitive
from syncer.sources.base import KEY_VARIABLE, NoOptions, Source, SourceContext

if TYPE_CHECKING:
    from typing import NoReturn


class EnvSource(Source):
    """Yields the bytes of an environment variable, also where they are not UTF-8."""

    type_name = "env"
    Options = NoOptions

    def check(self) -> None:
        """Refuse an argument that is not the name of a variable, and the one that holds the project key."""
        name = self.argument
        if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
            message = "`env` must be the name of an environment variable: letters, digits and underscores"
            raise InvalidConfiguration(message)
        if name == KEY_VARIABLE:
            message = f"{KEY_VARIABLE} holds the project key, which is never a value"
            raise InvalidConfiguration(message)

    def produce(self, context: SourceContext) -> Sensitive:
        """Yield the variable. Raise SourceError where it is not set."""
        text = context.environ.get(self.argument)
        if text is None:
            self._refuse("is not set")
        raw = _encoded(text)
        if raw is None:
            self._refuse("holds text that cannot be turned into bytes")
        return Sensitive(raw)

    def _refuse(self, cause: str) -> NoReturn:
        message = f"environment variable {self.argument} {cause}"
        raise SourceError(message)


def _encoded(text: str) -> bytes | None:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        # Not raised from here: this error holds the value, and would become the context of ours.
        return None
