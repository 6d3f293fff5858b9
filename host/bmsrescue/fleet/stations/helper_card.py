"""A station's helper through the daemon: its newest records, and released jobs onto its card."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

from bmsrescue.client.session import CALL_S, SLOW_S
from bmsrescue.daemon.helper_port import Job
from bmsrescue.fleet.records.reading import LineError, read_line
from bmsrescue.keys.records import LINE_BYTES, read_signatures
from rescuelink.errors import CardError, LinkError
from rescuelink.seal import line_hash

CLIENT = "station"
_SIGNED = "-signed"
_MORE_LINES = 8  # torn ones may lie between them
_TAIL_BYTES = 256 * 1024
_DEPLOY = "bring the agent up to date with `bmsrescue deploy`"
_AT_ONCE_BYTES = 1024 * 1024
_MOST_NUMBER = 1_000_000_000
"""A card may say any; from one beyond this no helper counts on (device/rescue/engine/record/records.py)."""
_PIECE_BYTES = 64 * 1024  # of a file: between two of them others have their turn with the helper


class StationPort(Protocol):
    """What a station needs of `bmsrescue.daemon.helper_port.HelperPort`."""

    def status(self) -> dict[str, Any]: ...

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any: ...

    async def write_file(self, path: str, offset: int, data: bytes, timeout_s: float, client: str) -> None: ...

    def start_job(self, method: str, params: list[Any], client: str) -> Job: ...

    async def cancel(self) -> None: ...


class RecordTail:
    """The lines that a helper's file of records has grown by; after a start, those of its last 256 KiB.

    `newest`: the number of the last record that is whole and sealed, 0 where there is none.
    """

    def __init__(self) -> None:
        self._read: dict[str, int] = {}
        self._place = ""
        self._pending = 0
        self.newest = 0

    async def new_lines(self, port: StationPort) -> list[str]:
        """Whole lines only. `confirm` when they are stored. Raises RescueError."""
        sizes = await ask(port, "records.sizes")
        self._place = place = "card" if _size(sizes, "card") else "helper"
        size = _size(sizes, place)
        start = self._read.get(place)
        if start is not None and 0 < start <= size:
            data = await _read(port, place, start - 1, size)
            # Another card may lie there by now: it goes on after a line's end, or it is read anew.
            if data[:1] == b"\n":
                return self._whole(start, data[1:])
        begin = max(0, size - _TAIL_BYTES)
        self.newest = 0
        lines = self._whole(begin, await _read(port, place, begin, size))
        return lines if begin == 0 else lines[1:]

    def _whole(self, begin: int, data: bytes) -> list[str]:
        end = data.rfind(b"\n") + 1
        self._pending = begin + end
        # Not `splitlines`: a line ends at a newline and nowhere else.
        lines = data[:end].decode("utf-8", "backslashreplace").split("\n")[:-1]
        self.newest = next(filter(None, map(_sequence, reversed(lines))), self.newest)
        return lines

    async def signatures(self, port: StationPort, lines: int, place: str = "") -> dict[str, list[bytes]]:
        """What is signed of so many lines that have just been read. Raises RescueError."""
        place = f"{place or self._place}{_SIGNED}"
        sizes = await ask(port, "records.sizes")
        if not isinstance(sizes, dict) or place not in sizes:
            return {}  # an agent of before
        size = _size(sizes, place)
        begin = max(0, size - (lines + _MORE_LINES) * LINE_BYTES)
        return read_signatures(await _read(port, place, begin, size))

    async def from_flash(self, port: StationPort, sha256: str) -> list[str]:
        """The line of that hash in the helper's own flash, where a record goes that the card did not take; or none.

        Raises RescueError.
        """
        size = _size(await ask(port, "records.sizes"), "helper")
        data = await _read(port, "helper", max(0, size - _TAIL_BYTES), size)
        lines = data.decode("utf-8", "backslashreplace").split("\n")
        return [line for line in lines if line_hash(line) == sha256][:1]

    def confirm(self) -> None:
        """What `new_lines` gave is stored."""
        self._read[self._place] = self._pending


def _sequence(line: str) -> int:
    try:
        number = read_line(line).sequence
    except LineError:
        return 0
    return number if number <= _MOST_NUMBER else 0


def _size(sizes: Any, place: str) -> int:
    size = sizes.get(place) if isinstance(sizes, dict) else None
    if type(size) is not int or size < 0:
        raise LinkError("malformed", f"the helper does not say how many records it has on {place}", next_step=_DEPLOY)
    return size


async def _read(port: StationPort, place: str, begin: int, end: int) -> bytes:
    # What a helper says of its size is no reason to read for ever: what is left comes with the next look.
    end = min(end, begin + _AT_ONCE_BYTES)
    data = bytearray()
    while begin + len(data) < end:
        window = await ask(port, "records.read", place, begin + len(data))
        if not isinstance(window, bytes | bytearray | memoryview):
            raise LinkError("malformed", "the helper's records are no bytes", next_step=_DEPLOY)
        if not window:
            break
        data += window
    return bytes(data)


async def put_on_card(port: StationPort, files: dict[str, bytes]) -> None:
    """Bring the card to hold these files; those it has already are left alone. Raises RescueError."""
    for name, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        if await _hash_there(port, name) == digest:
            continue
        for offset in range(0, max(len(data), 1), _PIECE_BYTES):
            await port.write_file(name, offset, data[offset : offset + _PIECE_BYTES], SLOW_S, CLIENT)
        await ask(port, "card.close", timeout_s=SLOW_S)
        if await _hash_there(port, name) != digest:
            raise CardError("verify", f"{name} does not read back from the card", next_step="use another card")


async def ask(port: StationPort, method: str, *params: Any, timeout_s: float = CALL_S) -> Any:
    """One call of the link. Raises RescueError."""
    return await port.call(method, list(params), timeout_s, CLIENT)


async def _hash_there(port: StationPort, path: str) -> str | None:
    try:
        found: str = await ask(port, "card.hash", path, timeout_s=SLOW_S)
    except CardError as error:
        if error.kind == "missing":
            return None
        raise
    return found
