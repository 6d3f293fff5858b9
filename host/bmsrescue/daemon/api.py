"""The local API: JSON over HTTP, and the events over a WebSocket. Its OpenAPI document is at /openapi.json.

A refusal is {"error": {"error", "kind", "message", "address", "phase", "next_step"}}, as the link has it.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Base64Bytes, BaseModel, Field

from bmsrescue import __version__
from bmsrescue.client.plain_json import from_json, to_json
from bmsrescue.client.records import PLACES, fetch_over
from bmsrescue.client.session import CALL_S
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.daemon.refusals import RESPONSES
from bmsrescue.door.api_docs import add_docs, add_start
from bmsrescue.door.body_limit import BodyLimit
from bmsrescue.door.guard import PERSON, Guard, NobodysDoor, may_go_on
from bmsrescue.door.names import LocalOnly
from bmsrescue.errors import HostError
from rescuelink.chain import verify_chain
from rescuelink.errors import LinkError, RescueError

_MAX_WAIT_S = 60.0
_ASKED_AGAIN_S = 1.0  # whether who follows the events still may
_POLICY_VIOLATION = 1008
# HTTP status by the error's kind; a kind that is not here is the unit's, the card's or the job's.
_STATUS = {
    "no_helper": 404,
    "no_job": 404,
    "busy": 409,
    "bad_params": 400,
    "bad_value": 400,
    "unknown_method": 400,
    "host_disk": 507,
}
_UNIT_STATUS, _LINK_STATUS = 422, 503


Beside = Callable[[FastAPI, Helpers], contextlib.AbstractAsyncContextManager[None]]


class Call(BaseModel):
    """A method of the link (docs/protocol.md). Binary parameters and results are {"base64": text}."""

    method: str = Field(examples=["rails.read"])
    params: list[Any] = []
    timeout_s: float = Field(CALL_S, gt=0, le=600)
    client: str = Field("", description="Who calls: only matters together with /hold.")


class FilePiece(BaseModel):
    """A piece of a file for the helper's card: `offset` 0 begins it anew, else the file is that long by now."""

    path: str
    offset: int = Field(ge=0, lt=1 << 32)
    data: Base64Bytes
    timeout_s: float = Field(CALL_S, gt=0, le=600, description="For each answer of the helper.")
    client: str = ""


class JobStart(BaseModel):
    """Long work, e.g. job.run; its events tell how it goes."""

    method: str = Field(examples=["job.run"])
    params: list[Any] = []
    client: str = ""


class Answer(BaseModel):
    """To the question `number` of an event "ask"."""

    number: int = Field(ge=1, lt=1 << 32)
    text: str = Field(max_length=32, examples=["done", "cannot", "3280"])


class Hold(BaseModel):
    """Keep other clients out while several calls belong together: for `seconds`, unless it is said again."""

    client: str = Field(min_length=1)
    seconds: float = Field(ge=0, le=60)


def create_app(connected: Helpers, allowed_hosts: frozenset[str] | None, beside: Beside | None = None) -> FastAPI:
    """`allowed_hosts`: names that a Host header may hold, None for any. `beside`: what else the application serves."""

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(connected.run(), name="helpers")
        async with beside(app, connected) if beside else contextlib.nullcontext():
            yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

    app = FastAPI(
        title="bmsrescue", version=__version__, lifespan=running, responses=RESPONSES, docs_url=None, redoc_url=None
    )
    add_docs(app, "/docs")
    if beside is None:  # else its pages begin there
        add_start(app, "/docs")
    app.state.door = NobodysDoor()
    app.add_middleware(Guard)
    app.add_middleware(BodyLimit)
    app.add_middleware(LocalOnly, allowed_hosts=allowed_hosts)
    app.add_exception_handler(RescueError, _refused)
    app.add_exception_handler(HostError, _host_trouble)
    app.add_exception_handler(RequestValidationError, _malformed)
    _add_helpers(app, connected)
    _add_calls(app, connected)
    _add_events(app, connected)
    return app


def _add_helpers(app: FastAPI, connected: Helpers) -> None:
    began = time.time()

    @app.get("/api/about")
    async def about() -> dict[str, Any]:
        """Which daemon this is; `event` is the number of the newest event."""
        return {"version": __version__, "pid": os.getpid(), "began": began, "event": connected.events.last}

    @app.get("/api/helpers")
    async def helpers() -> list[dict[str, Any]]:
        """Every helper that was found, and whether it is there: `state` is "ready", "busy" or "absent"."""
        return [port.status() for port in connected.ports.values()]

    @app.get("/api/helpers/{name}")
    async def helper(name: str) -> dict[str, Any]:
        """One helper; answered at once, whatever it is doing."""
        return connected.port(name).status()

    @app.delete("/api/helpers/{name}/interrupted")
    async def seen(name: str, request: Request) -> None:
        """Forget that a job of this helper was interrupted by the death of a daemon, or by the helper's loss."""
        await connected.uses.asked(request.scope.get(PERSON, ""), name, "forget interrupted", [])
        connected.notes.forget(name)


def _add_calls(app: FastAPI, connected: Helpers) -> None:
    async def asked(request: Request, helper: str, method: str, params: list[Any]) -> None:
        await connected.uses.asked(request.scope.get(PERSON, ""), helper, method, params)

    @app.post("/api/helpers/{name}/call")
    async def call(name: str, body: Call, request: Request) -> dict[str, Any]:
        """{"result"} of one method. Calls of several clients wait for their turn."""
        port, params = connected.port(name), from_json(body.params)
        await asked(request, name, body.method, params)
        return {"result": to_json(await port.call(body.method, params, body.timeout_s, body.client))}

    @app.post("/api/helpers/{name}/card")
    async def card(name: str, body: FilePiece, request: Request) -> None:
        """Write a piece of a file to the helper's card, in one turn. `card.close` completes the file."""
        port = connected.port(name)
        await asked(request, name, "card.write", [body.path])
        await port.write_file(body.path, body.offset, body.data, body.timeout_s, body.client)

    @app.post("/api/helpers/{name}/hold")
    async def hold(name: str, body: Hold) -> None:
        """Keep other clients out; 0 seconds lets them in again."""
        connected.port(name).hold(body.client, body.seconds)

    @app.post("/api/helpers/{name}/job", status_code=202)
    async def start(name: str, body: JobStart, request: Request) -> dict[str, Any]:
        """Begin long work; others are refused as "busy" until it has ended."""
        port, params = connected.port(name), from_json(body.params)
        await asked(request, name, body.method, params)
        return port.start_job(body.method, params, body.client).status(whole=False)

    @app.get("/api/helpers/{name}/job")
    async def job(name: str, wait_s: Annotated[float, Query(ge=0, le=_MAX_WAIT_S)] = 0.0) -> dict[str, Any]:
        """The newest job, with its result; waits for its end, at most `wait_s`."""
        newest = connected.port(name).job()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(newest.ended.wait(), wait_s)
        told: dict[str, Any] = to_json(newest.status(whole=True))
        return told

    @app.post("/api/helpers/{name}/cancel")
    async def cancel(name: str, request: Request, _body: Annotated[Any, Body()] = None) -> None:
        """Stop what is under way at its next safe point."""
        port = connected.port(name)
        await asked(request, name, "cancel", [])
        await port.cancel()

    @app.post("/api/helpers/{name}/answer")
    async def answer(name: str, body: Answer, request: Request) -> None:
        """What a person says who was asked to do something by hand: "done", "cannot", or a meter's reading in mV."""
        port = connected.port(name)
        await asked(request, name, "answer", [body.number, body.text])
        await port.answer(body.number, body.text)

    @app.get("/api/helpers/{name}/records")
    async def records(name: str, place: str = "card") -> dict[str, Any]:
        """{"lines", "breaks"}: the sealed records of "card", "helper" or "helper-old", and where their chain breaks."""
        if place not in PLACES:
            raise LinkError("bad_params", f"records are kept at {', '.join(PLACES)}")
        port = connected.port(name)
        lines = await fetch_over(lambda method, *params: port.call(method, list(params), CALL_S, ""), place)
        return {"lines": lines, "breaks": verify_chain(lines)}


def _add_events(app: FastAPI, connected: Helpers) -> None:
    @app.get("/api/events")
    async def recent(after: int = 0, helper: str = "") -> list[dict[str, Any]]:
        """What has happened, the newest 4,000 events at most: [{"number", "at", "helper", "name", "data"}]."""
        told: list[dict[str, Any]] = to_json(connected.events.after(after, helper))
        return told

    @app.websocket("/api/events")
    async def follow(socket: WebSocket, after: int = -1, helper: str = "") -> None:
        """Events as they come; from `after` on, or only new ones."""
        number = connected.events.last if after < 0 else after
        await socket.accept()
        gone = asyncio.create_task(_until_gone(socket))
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            while not gone.done() and not connected.events.over:
                if loop.time() - asked >= _ASKED_AGAIN_S:
                    asked = loop.time()
                    if not await may_go_on(socket):
                        await socket.close(_POLICY_VIOLATION)
                        return
                # Both before the first await: what comes while these are being sent is for the next turn.
                events, number = connected.events.after(number, helper), max(number, connected.events.last)
                for event in events:
                    await socket.send_json(to_json(event))
                news = asyncio.create_task(connected.events.wait_beyond(number))
                await asyncio.wait((news, gone), timeout=_ASKED_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        except (WebSocketDisconnect, RuntimeError):
            return  # the client went away while it was being told
        finally:
            gone.cancel()


async def _until_gone(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RescueError):
        raise error
    status = _STATUS.get(error.kind, _LINK_STATUS if isinstance(error, LinkError) else _UNIT_STATUS)
    return JSONResponse({"error": error.to_dict()}, status)


async def _host_trouble(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HostError):
        raise error
    refusal = LinkError("host_disk", error.message, next_step=error.next_step)
    return JSONResponse({"error": refusal.to_dict()}, _STATUS["host_disk"])


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    refusal = LinkError("bad_params", f"{where}: {first['msg']}", next_step="see /docs")
    return JSONResponse({"error": refusal.to_dict()}, _STATUS["bad_params"])
