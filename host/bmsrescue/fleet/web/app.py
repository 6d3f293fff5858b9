"""The application that the daemon carries beside its own API: /fleet/docs tells all of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bmsrescue import __version__
from bmsrescue.daemon.events import EventLog
from bmsrescue.door.api_docs import add_docs
from bmsrescue.errors import HostError
from bmsrescue.fleet.accounts import AccessError
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import StoreError
from bmsrescue.fleet.web import (
    api_consents,
    api_decisions,
    api_records,
    api_stations,
    api_units,
    events,
    metrics,
    pages,
    pages_decisions,
    pages_health,
    pages_line,
)
from bmsrescue.fleet.web.access import Access
from bmsrescue.fleet.web.helper_words import in_language
from bmsrescue.fleet.web.languages import language_of
from bmsrescue.fleet.web.refusals import RESPONSES
from bmsrescue.fleet.web.rendering import refusal_page, wants_page
from rescuelink.errors import RescueError

_STATIC = Path(__file__).parent / "static"
_STATUS = {"busy": 409, "no_helper": 404, "no_job": 409, "bad_value": 400}
# Nothing is loaded from elsewhere, nothing in a page may run but our own files.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)


def create_page(fleet: Fleet, hall: Hall, log: EventLog) -> FastAPI:
    """The page, its API under /api/fleet, the events and the metrics."""
    app = FastAPI(
        title="bmsrescue, mass recovery",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/fleet/openapi.json",
        responses=RESPONSES,
    )
    add_docs(app, "/fleet/docs")
    app.state.access = Access(fleet.accounts, fleet.folder, fleet.only_looks)
    app.state.fleet = fleet
    app.state.hall = hall
    app.state.log = log
    app.state.streams = Counter()
    for kind in (AccessError, HostError, RescueError):
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_middleware(Harden)
    app.include_router(api_stations.router)
    app.include_router(api_records.router)
    app.include_router(api_decisions.router)
    app.include_router(api_consents.router)
    app.include_router(api_units.router)
    app.include_router(events.router)
    app.include_router(metrics.router)
    app.include_router(pages_line.api)
    app.include_router(pages_line.router)
    app.include_router(pages_health.api)
    app.include_router(pages_health.router)
    app.include_router(pages.router)
    app.include_router(pages_decisions.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return app


class Harden:
    """ASGI middleware: headers that tell a browser to run and load nothing but what comes from here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"  # without one a form of ours would come from nowhere
                headers.setdefault("Content-Security-Policy", _POLICY)
            await send(message)

        await self._app(scope, receive, send_hardened)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, AccessError):
        if error.kind == "who" and request.method == "GET" and wants_page(request):
            return RedirectResponse("/login", 303)
        status = {"who": 401, "may_not": 403, "slow": 429}.get(error.kind, 400)
        return _answer(request, status, error.kind, error.message, error.next_step)
    if isinstance(error, RescueError):
        return _answer(request, _STATUS.get(error.kind, 422), error.kind, error.message, error.next_step or "")
    if isinstance(error, HostError):
        kind = "store" if isinstance(error, StoreError) else "host"
        return _answer(request, 503 if kind == "store" else 422, kind, error.message, error.next_step)
    raise error


async def _not_found(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if not wants_page(request):
        kind = "not_found" if error.status_code == 404 else "bad_request"
        return _json(error.status_code, kind, str(error.detail), "see /fleet/docs")
    next_step = "Go back, or search for the unit by its label." if error.status_code == 404 else "Go back."
    return refusal_page(request, error.status_code, str(error.detail), next_step)


async def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if wants_page(request):
        return refusal_page(request, 400, f"{where}: {first['msg']}", "Go back and correct it.")
    return _json(400, "bad_params", f"{where}: {first['msg']}", "see /fleet/docs")


def _answer(request: Request, status: int, kind: str, message: str, next_step: str) -> Response:
    language = language_of(request)
    message, next_step = in_language(language, message), in_language(language, next_step)
    if wants_page(request):
        return refusal_page(request, status, message, next_step)
    return _json(status, kind, message, next_step)


def _json(status: int, kind: str, message: str, next_step: str) -> JSONResponse:
    return JSONResponse({"error": {"kind": kind, "message": message, "next_step": next_step}}, status)
