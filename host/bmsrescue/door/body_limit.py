"""Refuses a request whose body is larger than anything that is asked of the daemon, before it fills memory or disk."""

import json

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rescuelink.errors import LinkError

MOST_BYTES = 20 * 1024 * 1024
"""A release is a job.json and an image of at most 8 MiB each; windows of a flash image are far smaller."""
_STATUS = 413


class BodyLimit:
    """ASGI middleware around everything that is served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MOST_BYTES:
            await _refuse(send)
            return
        taken = 0

        async def receive_some() -> Message:
            # For a body whose length nobody has said; the application answers as for any other wrong request.
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                raise HTTPException(_STATUS, _refusal().message)
            return message

        await self._app(scope, receive_some, send)


def _refusal() -> LinkError:
    most = f"{MOST_BYTES // 1024**2} MiB"
    return LinkError("too_large", f"a request has at most {most}", next_step="send one job and its image")


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": _STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": _refusal().to_dict()}).encode()})
