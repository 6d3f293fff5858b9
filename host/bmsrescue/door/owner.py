"""The owner's own way in: a Unix socket that nobody else may open. Who comes by it needs no log-in.

It is the socket that says so, not a missing address: a TCP connection that was reset has none, either.
"""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "bmsrescue.owner"
NAME = "owner"


class OwnersSocket:
    """ASGI middleware around the application, of the server that listens on the owner's socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, _KEY: True}, receive, send)


def is_owner(scope: Any) -> bool:
    """Whether a request came by the owner's socket."""
    return scope.get(_KEY) is True
