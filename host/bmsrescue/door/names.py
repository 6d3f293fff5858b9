"""Keeps a web page somewhere on the internet from commanding a helper through the visitor's own browser.

A browser sends `Origin` with what a foreign page asks for, and a rebound name in `Host`: both must be this machine's.
Programs send neither or the right one.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSAL = b'{"error": {"error": "LinkError", "kind": "foreign_page", "message": "a page of another site may not ask"}}'
_POLICY_VIOLATION = 1008


class LocalOnly:
    """ASGI middleware. `allowed_hosts` None: any Host, but an Origin must still be the same host."""

    def __init__(self, app: ASGIApp, allowed_hosts: frozenset[str] | None) -> None:
        self._app = app
        self._allowed = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_ours(dict(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})

    def _is_ours(self, headers: dict[bytes, bytes]) -> bool:
        origin = headers.get(b"origin")
        try:
            host = urlsplit("//" + headers.get(b"host", b"").decode("latin-1"))
            if self._allowed is not None and host.hostname not in self._allowed:
                return False
            return origin is None or urlsplit(origin.decode("latin-1")).netloc == host.netloc
        except ValueError:  # such as an address without its bracket
            return False
