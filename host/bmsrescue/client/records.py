"""What the helper keeps in lines, fetched window by window: its sealed records, and its log."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from bmsrescue.client.session import Session

PLACES = ("card", "helper", "helper-old")


def fetch(session: Session, place: str) -> list[str]:
    """Every line of one file of records, as long as it is now. Raises RescueError."""
    size = session.call("records.sizes")[place]
    data = bytearray()
    while len(data) < size and (window := session.call("records.read", place, len(data))):
        data += window
    return _lines(data)


async def fetch_over(call: Callable[..., Awaitable[Any]], place: str) -> list[str]:
    """`fetch` for the event loop."""
    size = (await call("records.sizes"))[place]
    data = bytearray()
    while len(data) < size and (window := await call("records.read", place, len(data))):
        data += window
    return _lines(data)


def fetch_log(session: Session) -> list[tuple[int, str, str]]:
    """The helper's own log, oldest first, as (ms since its start, word, text). Raises RescueError."""
    data = bytearray()
    for older in (True, False):
        begin = len(data)
        while window := session.call("helper.log", older, len(data) - begin):
            data += window
    found = []
    for line in _lines(data):
        with suppress(ValueError):  # a line that a power cut has torn
            at_ms, word, text = json.loads(line)
            found.append((int(at_ms), str(word), str(text)))
    return found


def _lines(data: bytearray) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()
