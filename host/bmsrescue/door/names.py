"""Keeps a web page somewhere on the internet from commanding a helper through the visitor's own browser.

A browser sends `Origin` with what a foreign page asks for, and the name in its address bar as `Host`. A foreign page
can have a name of its own lead to the bench (DNS rebinding): so only names that the bench is known by are taken, and
the very address that a connection came to, which is no name. Programs send neither or the right one.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSAL = (
    b'{"error": {"error": "LinkError", "kind": "foreign_page", "message": "a page of another site may not ask", '
    b'"next_step": "if this is the bench\'s own name, put it into names in [daemon] of its configuration"}}'
)
_POLICY_VIOLATION = 1008


class LocalOnly:
    """ASGI middleware. `allowed_hosts` None: any Host, but an Origin must still be the same host."""

    def __init__(self, app: ASGIApp, allowed_hosts: frozenset[str] | None) -> None:
        self._app = app
        self._allowed = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_ours(dict(scope["headers"]), scope.get("server")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})

    def _is_ours(self, headers: dict[bytes, bytes], server: tuple[str, int | None] | None = None) -> bool:
        origin = headers.get(b"origin")
        try:
            host = urlsplit("//" + headers.get(b"host", b"").decode("latin-1"))
            if self._allowed is not None and not self._is_known(host.hostname, server):
                return False
            return origin is None or urlsplit(origin.decode("latin-1")).netloc == host.netloc
        except ValueError:  # such as an address without its bracket
            return False

    def _is_known(self, name: str | None, server: tuple[str, int | None] | None) -> bool:
        if self._allowed is None or name in self._allowed:
            return True
        return name is not None and server is not None and _is_address(name) and _same(name, server[0])


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    return _is_address(other) and ip_address(one) == ip_address(other.partition("%")[0])
