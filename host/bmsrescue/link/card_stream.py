"""A file's way to the card of a helper: windows one behind the other, without an answer to each.

After some windows (`data`, a notification) comes the question how long the file is by now (`card.written`). The agent
takes a window only where the file ends; so what is missing after a lost frame begins at the length that it names.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bmsrescue.link.client import LinkClient, Started
from bmsrescue.link.frames import notification
from rescuelink.errors import LinkError
from rescuelink.rpc import DATA, WINDOW_BYTES

_ROUNDS_LOST = 20  # that bring nothing further
_UNDER_WAY = 2  # questions: while the windows before one are being written, others are on their way


class _Row:
    """How many windows go out in one write, with a question behind them.

    Each question costs as much as a window, so many; but a board whose port takes 30 KiB a second must not be busy for
    seconds with what is on its way to it, or "cancel" would have to wait behind it.
    """

    _FEWEST, _FIRST, _MOST = 2, 8, 32
    _QUICK_S, _SLOW_S = 0.1, 0.5

    def __init__(self) -> None:
        self.windows = self._FIRST

    def took(self, seconds: float) -> None:
        """From the write to the answer."""
        if seconds < self._QUICK_S:
            self.windows = min(2 * self.windows, self._MOST)
        elif seconds > self._SLOW_S:
            self.windows = max(self.windows // 2, self._FEWEST)


def write_file(
    link: LinkClient,
    path: str,
    offset: int,
    data: bytes,
    timeout_s: float,
    progress: Callable[[int], None] = lambda _arrived: None,
) -> None:
    """Write `data` into a file of the card from `offset` on; 0 begins it anew, else it must be that long.

    Args:
        timeout_s: for each answer.
        progress: told how many bytes of `data` have arrived, again and again.

    Raises:
        CardError, LinkError.
    """
    arrived = most = rounds_lost = 0
    row = _Row()
    while True:
        window = data[arrived : arrived + WINDOW_BYTES]
        arrived = _arrived(link.call("card.write", path, offset + arrived, window, timeout_s=timeout_s), offset, data)
        progress(arrived)
        arrived = _stream(link, offset, data, arrived, row, timeout_s, progress)
        if arrived >= len(data):
            return
        rounds_lost = 0 if arrived > most else rounds_lost + 1
        most = max(most, arrived)
        if rounds_lost >= _ROUNDS_LOST:
            raise LinkError("lost", f"{path} does not arrive on the card", next_step="check cable and card")


def _stream(
    link: LinkClient,
    offset: int,
    data: bytes,
    sent: int,
    row: _Row,
    timeout_s: float,
    progress: Callable[[int], None],
) -> int:
    """Send what is behind `sent`; returns how many bytes of `data` have arrived: not all when a frame was lost."""
    under_way: deque[tuple[Started, int, float]] = deque()
    arrived = sent
    try:
        while sent < len(data) or under_way:
            if sent < len(data) and len(under_way) < _UNDER_WAY:
                end = min(sent + row.windows * WINDOW_BYTES, len(data))
                windows = b"".join(
                    notification(DATA, offset + at, data[at : min(at + WINDOW_BYTES, end)])
                    for at in range(sent, end, WINDOW_BYTES)
                )
                began = time.monotonic()
                under_way.append((link.start("card.written", ahead=windows), end, began))
                sent = end
                continue
            question, end, began = under_way.popleft()
            arrived = _arrived(_length(link, question, timeout_s), offset, data)
            row.took(time.monotonic() - began)
            progress(arrived)
            if arrived < end:
                sent = len(data)  # what is under way is not taken, either
    finally:
        for question, _end, _began in under_way:
            link.forget(question)
    return arrived


def _arrived(length: Any, offset: int, data: bytes) -> int:
    """Of `data`, when the helper says that its file is so long."""
    if type(length) is not int or not offset <= length <= offset + len(data):
        raise LinkError("malformed", "the helper does not say how long its file is", next_step="deploy its agent again")
    return length - offset


def _length(link: LinkClient, question: Started, timeout_s: float) -> Any:
    try:
        length = link.finish(question, timeout_s)
    except LinkError as error:
        if error.kind != "repeated":  # its answer was lost, and another one has been given since
            raise
        length = link.call("card.written", timeout_s=timeout_s)
    return length
