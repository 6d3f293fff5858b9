"""Connections that ask for nothing, over raw sockets: they go, and who asks is answered."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from bmsrescue.door import connections
from bmsrescue.door.connections import FewWords, LimitedProtocol, Waiting, limited

HEAD = b"GET / HTTP/1.1\r\nHost: 127"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        text = b"%d" % len(body + message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await send({"type": "http.response.body", "body": text})


@contextlib.contextmanager
def served(places: Waiting) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(answer, http=limited(places), log_level="warning", lifespan="off", backlog=256)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)


def opened(port: int, count: int, first: bytes = HEAD) -> list[socket.socket]:
    made = []
    for _ in range(count):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        made[-1].sendall(first)
    return made


def is_closed(one: socket.socket) -> bool:
    """Waits until it is."""
    try:
        return one.recv(1) == b""
    except ConnectionError:
        return True


def replied(one: socket.socket) -> bytes:
    with http.client.HTTPResponse(one) as response:
        response.begin()
        return response.read()


def test_of_those_that_only_wait_the_oldest_go_and_who_asks_is_answered() -> None:
    places = Waiting(most_waiting=10, most_open=100, grace_s=0.0, pace_s=0.0)
    with served(places) as port:
        held = opened(port, 60)
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=30).text == "0"
        assert all(is_closed(one) for one in held[:49])
        held[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            held[-1].recv(1)
        for one in held:
            one.close()
    assert places._count <= 10


def test_there_are_never_more_than_so_many() -> None:
    places = Waiting(most_waiting=10, most_open=30, grace_s=60.0)
    with served(places) as port:
        held = opened(port, 60)
        assert all(is_closed(one) for one in held[:29])
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=30).text == "0"
        assert len(places._open) <= 30
        for one in held:
            one.close()


@pytest.mark.parametrize(
    "first", [b"", HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1234"], ids=["silent", "head", "body"]
)
def test_who_does_not_go_on_is_let_go(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.05)
    monkeypatch.setattr(connections, "BODY_S", 0.05)
    with served(Waiting()) as port:
        (one,) = opened(port, 1, first)
        assert is_closed(one)
        one.close()


def test_a_request_in_pieces_and_the_next_on_the_same_connection_are_answered() -> None:
    with served(Waiting()) as port:
        (one,) = opened(port, 1, b"POST / HT")
        for piece in (b"TP/1.1\r\nHost: x\r\nContent-", b"Length: 9\r\n\r\n1234", b"56789"):
            one.sendall(piece)
        assert replied(one) == b"9"
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert replied(one) == b"0"
        one.close()


def test_a_thousand_that_wait_do_not_go_in_one_moment() -> None:
    """Else they would be back in one, and an operator's page behind them."""
    with served(Waiting(most_waiting=10, most_open=1000, grace_s=0.0, pace_s=3600.0)) as port:
        held = opened(port, 60)
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=30).text == "0"
        assert is_closed(held[0])
        for one in held[1:]:
            one.setblocking(False)
            with pytest.raises(BlockingIOError):
                one.recv(1)
            one.close()
    assert min(connections._head_s() for _ in range(100)) < 0.9 * connections.HEAD_S


def test_one_address_with_many_costs_another_none() -> None:
    class One(LimitedProtocol):
        def __init__(self, place: str, loop: asyncio.AbstractEventLoop, gone: list[str]) -> None:
            self.place, self.loop, self.gone = place, loop, gone
            self.transport: Any = self

        def has_unread(self) -> bool:
            return False

        def abort(self) -> None:
            self.gone.append(self.place)

    loop = asyncio.new_event_loop()
    gone: list[str] = []
    places = Waiting(most_waiting=20, most_open=100, grace_s=0.0, pace_s=0.0)
    places.opened(One("operator", loop, gone))
    for _ in range(500):
        places.opened(One("attacker", loop, gone))
    loop.close()
    assert set(gone) == {"attacker"}
    assert (len(gone), places._count) == (481, 20)


def test_what_goes_wrong_by_the_thousand_is_few_lines_of_log() -> None:
    now = [0.0]
    few = FewWords(lambda: now[0])

    def passed(text: str) -> str | None:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), None)
        return record.getMessage() if few.filter(record) else None

    told = [line for line in (passed("Exception in ASGI application") for _ in range(5000)) if line]
    assert len(told) == 30
    assert "more are not listed" in told[-1]
    assert passed("Invalid HTTP request received.") is None
    now[0] += 601
    assert passed("Exception in ASGI application")
