"""What lets a run speak on its platform, and where the platform's API is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration
from syncer.rest.options import check_url, is_private
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, and the variable that it came from."""

    name: str
    value: Sensitive = field(repr=False)


def needed(environ: Mapping[str, str], *names: str, hint: str) -> Token:
    """Give the first of these variables that is set to something. Raise InvalidConfiguration where none is."""
    for name in names:
        if given := environ.get(name):
            return Token(name=name, value=Sensitive(given.encode(errors="surrogateescape")))
    message = f"{' or '.join(names)} must hold a token, and is not set"
    raise InvalidConfiguration(message, hint=hint)


def spelled(token: Token) -> str:
    """Give the token as a header holds it. Raise InvalidConfiguration: an HTTP library would quote it."""
    text = token.value.reveal().decode("ascii", "replace")
    if not text.isprintable() or " " in text or "\ufffd" in text:
        message = f"{token.name}: what it holds is no token"
        raise InvalidConfiguration(message, hint="a line break at its end?")
    return text


def api_url(name: str, url: str) -> str:
    """Give the URL that a variable holds. Raise InvalidConfiguration where a token must not travel there."""
    check_url(name, url)
    if not is_private(url):
        message = f"{name}: a token would travel in the clear"
        raise InvalidConfiguration(message, hint="https:// is wanted")
    return url.rstrip("/")
