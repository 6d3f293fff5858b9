"""What the helper keeps in lines, fetched window by window: its sealed records, and its log."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from bmsrescue.client.session import Session
from rescuelink.errors import LinkError

_MOST_BYTES = 64 * 1024 * 1024  # of records or log in one go: no card of a dongle has so many
PLACES = ("card", "helper", "helper-old")


def fetch(session: Session, place: str) -> list[str]:
    """Every line of one file of records, as long as it is now. Raises RescueError."""
    size = _size(session.call("records.sizes"), place)
    data = bytearray()
    while len(data) < size and (window := _window(session.call("records.read", place, len(data)))):
        data += window
    return _lines(data)


async def fetch_over(call: Callable[..., Awaitable[Any]], place: str) -> list[str]:
    """`fetch` for the event loop."""
    size = _size(await call("records.sizes"), place)
    data = bytearray()
    while len(data) < size and (window := _window(await call("records.read", place, len(data)))):
        data += window
    return _lines(data)


def fetch_log(session: Session) -> list[tuple[int, str, str]]:
    """The helper's own log, oldest first, as (ms since its start, word, text). Raises RescueError."""
    data = bytearray()
    for older in (True, False):
        begin = len(data)
        while window := _window(session.call("helper.log", older, len(data) - begin)):
            data += window
            if len(data) > _MOST_BYTES:
                raise _malformed("the helper's log has no end")
    found = []
    for line in _lines(data):
        with suppress(ValueError, TypeError, OverflowError):  # a line that a power cut has torn
            at_ms, word, text = json.loads(line)
            found.append((int(at_ms), str(word), str(text)))
    return found


def _size(sizes: Any, place: str) -> int:
    size = sizes.get(place) if isinstance(sizes, dict) else None
    if type(size) is not int or not 0 <= size <= _MOST_BYTES:
        raise _malformed(f"the helper does not say how many records it has on {place}")
    return size


def _window(data: Any) -> bytes:
    if not isinstance(data, bytes):
        raise _malformed("what the helper keeps in lines is no text")
    return data


def _malformed(what: str) -> LinkError:
    return LinkError("malformed", what, next_step="bring its agent up to date with `bmsrescue deploy`")


def _lines(data: bytearray) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()
