"""The helper's sealed records as lines, fetched window by window."""

from collections.abc import Awaitable, Callable
from typing import Any

from bmsrescue.bench.session import Session

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


def _lines(data: bytearray) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()
