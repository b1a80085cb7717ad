"""The HTTP session that python-gitlab is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from syncer.ci.failures import Answer

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_REDIRECT = 300


class Declined(Exception):
    """GitLab did not do it. Not an error of the library's, which holds no header."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Session(requests.Session):
    """Goes to no other address, for the token would go with it, and leaves it to us to wait."""

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Ask once. Raise Declined for any status but success."""
        kwargs["allow_redirects"] = False
        response = super().send(request, **kwargs)
        if response.status_code < _REDIRECT:
            return response
        with response:
            text = response.content[:10_000].decode("ascii", "replace")
        raise Declined(Answer(status=response.status_code, headers=response.headers, data=text))
