"""A station's helper through the daemon: its newest records, and released jobs onto its card."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

from bmsrescue.bench.session import CALL_S, SLOW_S
from bmsrescue.daemon.helper_port import Job
from rescuelink.errors import CardError

CLIENT = "station"
_TAIL_BYTES = 256 * 1024
_PIECE_BYTES = 64 * 1024  # of a file: between two of them others have their turn with the helper


class StationPort(Protocol):
    """What a station needs of `bmsrescue.daemon.helper_port.HelperPort`."""

    def status(self) -> dict[str, Any]: ...

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any: ...

    async def write_file(self, path: str, offset: int, data: bytes, timeout_s: float, client: str) -> None: ...

    def start_job(self, method: str, params: list[Any], client: str) -> Job: ...

    async def cancel(self) -> None: ...


class RecordTail:
    """The lines that a helper's file of records has grown by; after a start, those of its last 256 KiB."""

    def __init__(self) -> None:
        self._read: dict[str, int] = {}

    async def new_lines(self, port: StationPort) -> list[str]:
        """Whole lines only. `confirm` when they are stored. Raises RescueError."""
        sizes = await ask(port, "records.sizes")
        self._place = place = "card" if sizes["card"] else "helper"
        size = sizes[place]
        start = self._read.get(place)
        whole = start is not None and start <= size
        begin = start if whole and start is not None else max(0, size - _TAIL_BYTES)
        data = bytearray()
        while begin + len(data) < size and (window := await ask(port, "records.read", place, begin + len(data))):
            data += window
        end = data.rfind(b"\n") + 1
        self._pending = begin + end
        lines = data[:end].decode("utf-8", "backslashreplace").splitlines()
        return lines if whole or begin == 0 else lines[1:]

    def confirm(self) -> None:
        """What `new_lines` gave is stored."""
        self._read[self._place] = self._pending


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
