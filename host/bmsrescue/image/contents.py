"""Bytes at addresses, gathered from a file's records, and the segments that they make."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from bmsrescue.errors import HostError, UsageError


class ImageFileError(HostError):
    """The file is no firmware image that can be used."""


class NoImageFileError(ImageFileError, UsageError):
    """There is no file of that name, or it may not be read."""


@dataclass(frozen=True)
class Segment:
    """`data` for `address` and up."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.data)


class Contents:
    """What a file wants where. The same bytes may come twice; other bytes for an address may not."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pieces: list[Segment] = []
        self._starts: list[int] = []
        self._open: tuple[int, bytearray] | None = None

    def add(self, address: int, data: bytes) -> None:
        """Records mostly follow each other; such runs become one piece. Raises ImageFileError for an overlap."""
        if self._open is not None and address == self._open[0] + len(self._open[1]):
            self._open[1].extend(data)
            return
        self._close()
        self._open = (address, bytearray(data))

    def segments(self) -> list[Segment]:
        """Sorted, without empty ones; neighbours that touch are one."""
        self._close()
        joined: list[tuple[int, bytearray]] = []
        for piece in self._pieces:
            if joined and joined[-1][0] + len(joined[-1][1]) == piece.address:
                joined[-1][1].extend(piece.data)
            else:
                joined.append((piece.address, bytearray(piece.data)))
        return [Segment(address, bytes(data)) for address, data in joined]

    def _close(self) -> None:
        if self._open is None:
            return
        address, data = self._open[0], bytes(self._open[1])
        self._open = None
        for piece in self._new_parts(Segment(address, data)):
            at = bisect_right(self._starts, piece.address)
            self._starts.insert(at, piece.address)
            self._pieces.insert(at, piece)

    def _new_parts(self, piece: Segment) -> list[Segment]:
        # What of a piece is not there yet; what is there has to be the same.
        parts: list[Segment] = []
        at = piece.address
        first = max(0, bisect_right(self._starts, piece.address) - 1)
        for there in self._pieces[first:]:
            if there.address >= piece.end:
                break
            low, high = max(at, there.address), min(piece.end, there.end)
            if low >= high:
                continue
            ours = piece.data[low - piece.address : high - piece.address]
            if ours != there.data[low - there.address : high - there.address]:
                raise ImageFileError(
                    f"{self._name} wants two different contents at 0x{low:08x}",
                    "Check how the file was merged, or the linker script.",
                )
            if at < low:
                parts.append(Segment(at, piece.data[at - piece.address : low - piece.address]))
            at = high
        if at < piece.end:
            parts.append(Segment(at, piece.data[at - piece.address :]))
        return parts
