"""The daemon's own API moves helpers by hand: whoever asks is asked who they are, from wherever it is.

`Door.admit` decides it; before anybody has an account the door is open to the bench's own machine only.
"""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bmsrescue.door.owner import NAME, is_owner
from bmsrescue.errors import HostError
from rescuelink.errors import LinkError

LOCAL = ("127.0.0.1", "::1")
PERSON = "bmsrescue.person"
"""In the scope of a request that was admitted: who it is."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_PAGES_OWN = "/api/fleet/"  # the page asks by itself, route by route
_POLICY_VIOLATION = 1008


class NotAdmittedError(HostError):
    """`kind`: "who" (not known), or "may_not"."""

    def __init__(self, kind: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.kind = kind


class Door(Protocol):
    """Who may move helpers by hand."""

    def admit(self, connection: HTTPConnection) -> str:
        """The name of who asks. Raises HostError with a `kind`, as NotAdmittedError."""

    def may_send_much(self, connection: HTTPConnection) -> bool:
        """Whether it is somebody who may bring a job and its image."""


class NobodysDoor:
    """While nobody has an account: who is at the machine, and nobody else."""

    def admit(self, connection: HTTPConnection) -> str:
        if is_owner(connection.scope):
            return NAME
        if is_here(connection):
            return "bench"
        raise NotAdmittedError(
            "who", "nobody is asked in from elsewhere", "Make accounts with `bmsrescue serve --stations` first."
        )

    def may_send_much(self, connection: HTTPConnection) -> bool:
        return is_owner(connection.scope) or is_here(connection)


def is_here(connection: HTTPConnection) -> bool:
    """Asked on the machine itself, as far as TCP can tell: not what a proxy on it has passed on and says so."""
    client = connection.client
    return client is not None and client.host in LOCAL and not any(name in connection.headers for name in _FORWARDED)


class Guard:
    """ASGI middleware around the whole daemon; `app.state.door` of the application is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not _is_guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        door: Door = scope["app"].state.door
        try:
            name = await asyncio.to_thread(door.admit, HTTPConnection(scope))
        except HostError as refused:
            await _refuse(scope, send, refused)
            return
        await self._app({**scope, PERSON: name}, receive, send)


async def may_go_on(connection: HTTPConnection) -> bool:
    """Whether who was admitted would be admitted again: an account is shut, a token revoked while a stream is open."""
    door: Door = connection.app.state.door
    try:
        await asyncio.to_thread(door.admit, connection)
    except HostError as refused:
        return getattr(refused, "kind", "") not in ("who", "may_not")  # else the store is busy: that says nothing
    return True


def _is_guarded(path: str) -> bool:
    return path.startswith("/api/") and not path.startswith(_PAGES_OWN)


async def _refuse(scope: Scope, send: Send, refused: HostError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    status = 401 if getattr(refused, "kind", "") == "who" else 403
    told = LinkError("access", refused.message, next_step=refused.next_step).to_dict()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": told}).encode()})
