"""A result that a helper parks in its flash: fetched window by window, and never without end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmsrescue.link.client import LinkClient
from rescuelink.errors import LinkError

RESULT = json.dumps({"text": "x" * 1000}).encode()


class Parked(LinkClient):
    """A client whose helper says `size`, and hands out what `window` makes of an offset."""

    def __init__(self, size: Any, window: Any) -> None:
        self.size = size
        self.window = window
        self.calls = 0

    def _call(self, method: str, params: tuple[Any, ...], timeout_s: float, avoid: int | None = None) -> Any:
        if method != "result":
            return {"parked": self.size}
        self.calls += 1
        assert self.calls < 100, "it asks without end"
        return self.window(*params)


def test_a_parked_result_comes_whole() -> None:
    client = Parked(len(RESULT), lambda at: RESULT[at : at + 300])
    assert client.call("records.last") == json.loads(RESULT)


@pytest.mark.parametrize("size", [10**12, 0, -1, True, None, "many", 1.5])
def test_a_size_that_no_flash_has_is_refused_before_anything_is_fetched(size: Any) -> None:
    client = Parked(size, lambda at: RESULT[at : at + 300])
    with pytest.raises(LinkError, match="no possible size"):
        client.call("records.last")
    assert client.calls == 0


@pytest.mark.parametrize("window", [b"", b"x", None, "text", b"x" * 5000])
def test_windows_that_would_never_end_or_hold_too_much_are_refused(window: Any) -> None:
    client = Parked(4_000_000 if window != b"x" * 5000 else 4000, lambda _at: window)
    with pytest.raises(LinkError, match="ends before its end"):
        client.call("records.last")
    assert client.calls == 1
