"""Dapr's secrets API over HTTP: who is let in, what is asked, and a line for each request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from syncer.exchange.dapr import BULK
from syncer.serving.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from syncer.serving.dapr import SecretsApi
    from syncer.serving.door import Door
    from syncer.serving.metrics import Metrics

_HEADERS = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that is behind one address."""

    api: SecretsApi
    door: Door
    metrics: Metrics | None = None
    told: Callable[[str], None] = lambda _line: None
    """Takes a line for each request for secrets; there is no value in it."""
    broken: Callable[[Exception], None] = lambda _error: None
    """Takes what nobody expected; its message may hold anything."""

    def app(self) -> Starlette:
        """Give the ASGI application."""
        routes = [
            _route("/v1.0/healthz", _healthy),
            _route("/healthz", _healthy),
            _route("/metrics", self._counted),
            _route("/v1.0/secrets/{path:path}", self._secrets),
        ]
        app = Starlette(routes=routes, exception_handlers={Exception: self._fail})
        app.router.redirect_slashes = False  # it would lead to whatever host the request names
        return app

    async def _secrets(self, request: Request) -> Response:
        started = time.monotonic()
        try:
            asked = self._accepted(request)
        except HTTPException as refused:
            self._tell("-", "-", refused.status_code, started)
            raise
        response = await run_in_threadpool(self._answer, asked)
        store, key = self.api.spoken(asked.store, BULK if asked.key is None else asked.key)
        self._tell(store, key, response.status_code, started)
        return response

    def _accepted(self, request: Request) -> Asked:
        self._let_in(request)
        return Asked.of(request)

    def _tell(self, store: str, key: str, status: int, started: float) -> None:
        self.told(f"GET {store}/{key} {status}")
        if self.metrics is not None:
            self.metrics.count(store, status, time.monotonic() - started)

    def _answer(self, asked: Asked) -> Response:
        """Ask the stores, which may take its time."""
        if asked.key is None:
            reply = self.api.bulk(asked.store)
        else:
            reply = self.api.secret(asked.store, asked.key, asked.version)
        return Response(reply.document.reveal(), reply.status, _HEADERS, media_type="application/json")

    async def _counted(self, request: Request) -> Response:
        self._let_in(request)
        if self.metrics is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(self.metrics.document(), headers={"Content-Type": self.metrics.content_type})

    def _let_in(self, request: Request) -> None:
        """Raise HTTPException for somebody who may not ask."""
        status = self.door.refusal(request.headers)
        if status is not None:
            raise HTTPException(status)

    async def _fail(self, _request: Request, error: Exception) -> Response:
        self.broken(error)
        document = {"errorCode": "ERROR", "message": "internal error"}
        return JSONResponse(document, HTTPStatus.INTERNAL_SERVER_ERROR)


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}  # a HEAD would tell how long a value is
    return route


async def _healthy(_request: Request) -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)
