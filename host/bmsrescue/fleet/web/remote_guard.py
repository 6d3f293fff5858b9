"""The daemon's own API moves helpers by hand: from another machine it takes an engineer's token.

On the bench's own machine it stays open, as the command line needs it: whoever has a shell there has the helpers.
"""

from __future__ import annotations

import asyncio
import json

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bmsrescue.errors import HostError
from bmsrescue.fleet.accounts import ENGINEER, AccessError
from bmsrescue.fleet.web.access import LOCAL, Access

_OPEN = ("/api/fleet/", "/api/about")
_POLICY_VIOLATION = 1008


class RemoteGuard:
    """ASGI middleware around the whole daemon."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = None
        if scope["type"] in ("http", "websocket") and self._is_guarded(scope):
            refused = await asyncio.to_thread(self._refusal, HTTPConnection(scope))
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            status = 401 if isinstance(refused, AccessError) and refused.kind == "who" else 403
            body = {"error": {"kind": "access", "message": refused.message, "next_step": refused.next_step}}
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _is_guarded(self, scope: Scope) -> bool:
        path, client = scope["path"], scope.get("client")
        if not path.startswith("/api/") or path.startswith(_OPEN):
            return False
        return client is not None and client[0] not in LOCAL  # a Unix socket has no address, and is the owner's

    def _refusal(self, connection: HTTPConnection) -> HostError | None:
        try:
            self._access.person(connection).require(ENGINEER)
        except HostError as error:
            return error
        return None
