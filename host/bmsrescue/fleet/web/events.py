"""Events for the page: server-sent, each with the daemon's number, so that a browser can tell that it missed none."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from bmsrescue.client.plain_json import to_json
from bmsrescue.daemon.events import EventLog
from bmsrescue.errors import HostError
from bmsrescue.fleet.accounts import AccessError
from bmsrescue.fleet.web.access import Access, Viewing
from bmsrescue.fleet.web.helper_words import Language, said
from bmsrescue.fleet.web.parts import TheLog

router = APIRouter(prefix="/api/fleet", tags=["events"])
_SHOWN = ("station", "step", "step-end", "rails", "progress", "diagnosis", "plan", "error", "outcome", "display")
_ONE_STATION = ("rails", "display", "plan")  # many, or large: with `station`, only that one's come with their data
_LONGEST_NAME = 64
_QUIET_S = 15.0
_ASKED_AGAIN_S = 1.0  # whether the account may still look
_MOST_OF_ONE = 100  # streams of one account: connections that never end must leave room for everybody else's
_TOGETHER_S = 0.02  # what comes so soon after goes out in one piece: nobody sees the difference, and it costs less


@dataclass(frozen=True)
class _Wanted:
    """`station`: whose data come whole."""

    station: str | None
    language: str


@router.get("/events")
async def events(
    request: Request,
    log: TheLog,
    person: Viewing,
    after: Annotated[int | None, Query(ge=0, description="The number of the last event seen.")] = None,
    station: Annotated[
        str | None, Query(max_length=64, description="Rails, displays and plans of this station only; empty: of none.")
    ] = None,
    last_event_id: Annotated[str | None, Header()] = None,
    language: Language = "en",
) -> StreamingResponse:
    """Everything that happens, from `after` (or Last-Event-ID) on; without it from now on.

    Every event comes with its number, also those whose data the page does not show: a gap in the numbers means that the
    reader was away for longer than events are kept.
    """
    open_now: Counter[str] = request.app.state.streams
    if open_now[person.name] >= _MOST_OF_ONE:
        raise AccessError("slow", "too many walls are open with this account", "Close some of them.")
    begin = after
    if last_event_id is not None and last_event_id.isdecimal():
        begin = int(last_event_id[:18])
    if begin is None or begin > log.last:  # a number of before the daemon's restart
        begin = log.last
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = _counted(open_now, person.name, _stream(request, log, begin, _Wanted(station, language)))
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _counted(open_now: Counter[str], name: str, stream: AsyncIterator[str]) -> AsyncIterator[str]:
    open_now[name] += 1
    try:
        async for piece in stream:
            yield piece
    finally:
        open_now[name] -= 1


async def _may_go_on(request: Request) -> bool:
    access: Access = request.app.state.access
    try:
        await asyncio.to_thread(access.person, request)
    except AccessError:
        return False
    except HostError:
        pass  # the store is busy: it says nothing about the account
    return True


async def _stream(request: Request, log: EventLog, number: int, wanted: _Wanted) -> AsyncIterator[str]:
    yield f"id: {number}\nevent: begin\ndata: {number}\n\n"
    try:
        async for told in _following(request, log, number, wanted):
            yield told
    except asyncio.CancelledError:
        return  # the daemon ends: so does the answer, in order; the browser asks again


async def _following(request: Request, log: EventLog, number: int, wanted: _Wanted) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    quiet_since = asked = loop.time()
    while not log.over and not await request.is_disconnected():
        if loop.time() - asked >= _ASKED_AGAIN_S:
            asked = loop.time()
            if not await _may_go_on(request):
                return  # the account was shut, or its session ended
        news = log.after(number)
        if news:
            number = news[-1]["number"]
            yield "".join(_told(event, wanted) for event in news)
            quiet_since = loop.time()
            await asyncio.sleep(_TOGETHER_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ASKED_AGAIN_S):
                await log.wait_beyond(number)
        if log.last <= number and loop.time() - quiet_since >= _QUIET_S:
            quiet_since = loop.time()
            yield f"event: alive\ndata: {number}\n\n"


def _told(event: dict[str, Any], wanted: _Wanted) -> str:
    told = {key: event[key] for key in ("number", "at", "helper")} | {"name": str(event["name"])[:_LONGEST_NAME]}
    elsewhere = wanted.station not in (None, event["helper"]) and event["name"] in _ONE_STATION
    if event["name"] in _SHOWN and not elsewhere:
        told["data"] = said(event["data"], wanted.language)
    try:
        text = json.dumps(to_json(told))
    except (TypeError, ValueError, RecursionError):  # no JSON, or nested without end: its number goes out all the same
        text = json.dumps({**told, "data": None})
    return f"id: {event['number']}\ndata: {text}\n\n"
