"""Downloads from where a platform sends us, to which our token must not go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from syncer.ci.archive import LIMIT, too_large
from syncer.ci.failures import no_answer
from syncer.ci.quiet import keep_quiet
from syncer.errors import BackendError, Transient
from syncer.rest.options import is_private

if TYPE_CHECKING:
    from syncer.ci.failures import Asked, Site
    from syncer.errors import SyncerError

_SECONDS = 30
_REDIRECTS = 3
_CHUNK = 65_536
_OK = 200

keep_quiet()


def download(url: str, name: str, asked: Asked, site: Site) -> bytes:
    """Read what is at a URL, without saying who we are. Raise StalePlan for more than any plan holds.

    Raise Transient for any refusal: the URL is good for a minute, and for the next try there is a new one.
    """
    if not is_private(url):
        message = f"{asked.thing}: {site.name} at {site.url} sends us to where nobody should read a plan"
        raise BackendError(message)
    try:
        with requests.Session() as session:
            session.max_redirects = _REDIRECTS
            session.auth = _nobody  # else the library looks into ~/.netrc
            return _read(session, url, name, asked)
    except OSError as error:
        problem: SyncerError = no_answer(error, asked, site)
    raise problem


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(session: requests.Session, url: str, name: str, asked: Asked) -> bytes:
    data = bytearray()
    with session.get(url, stream=True, timeout=_SECONDS) as response:
        if response.status_code != _OK:
            message = f"{asked.thing}: the storage that holds it refused it ({response.status_code})"
            raise Transient(message)
        for chunk in response.iter_content(_CHUNK):
            data += chunk
            if len(data) > LIMIT:
                raise too_large(name)
    return bytes(data)
