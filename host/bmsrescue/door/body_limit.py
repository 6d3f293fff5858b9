"""Refuses a request whose body is larger than anything that is asked of the daemon, before it fills memory or disk.

A body is read before a route looks who is asking: so large ones are taken only of those who may bring a job.
"""

import asyncio
import json

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bmsrescue.door.guard import Door
from bmsrescue.errors import HostError
from rescuelink.errors import LinkError

MOST_BYTES = 20 * 1024 * 1024
"""A release is a job.json and an image of at most 8 MiB each; windows of a flash image are far smaller."""
ANYBODYS_BYTES = 32 * 1024
"""Of whoever is not an engineer: fifteen hundred connections with so much each fit into memory."""
_STATUS = 413


class BodyLimit:
    """ASGI middleware around everything that is served; `app.state.door` of the application is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        most = min(ANYBODYS_BYTES, MOST_BYTES)
        if size > most and await _may_send_much(scope):
            most = MOST_BYTES
        if size > most:
            await _refuse(send, most)
            return
        taken = 0

        async def receive_some() -> Message:
            # For a body whose length nobody has said; the application answers as for any other wrong request.
            nonlocal taken, most
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most and most < MOST_BYTES and await _may_send_much(scope):
                most = MOST_BYTES
            if taken > most:
                raise HTTPException(_STATUS, _refusal(most).message)
            return message

        await self._app(scope, receive_some, send)


async def _may_send_much(scope: Scope) -> bool:
    door: Door = scope["app"].state.door
    try:
        return await asyncio.to_thread(door.may_send_much, HTTPConnection(scope))
    except HostError:
        return False  # the store cannot say who it is


def _refusal(most: int) -> LinkError:
    next_step = "send one job and its image" if most == MOST_BYTES else "log in as an engineer to send more"
    return LinkError("too_large", f"a request has at most {most // 1024} KiB", next_step=next_step)


async def _refuse(send: Send, most: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": _STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": _refusal(most).to_dict()}).encode()})
