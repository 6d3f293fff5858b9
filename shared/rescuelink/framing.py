"""Frames on a byte stream that may carry anything else as well: REPL text, noise, halves of frames.

    sync 0xF5 0xB3 | length, 2 bytes, little-endian | check of the length | body | CRC-32 of length..body, little-endian

0xF5 stands in no UTF-8 text. The check of the length (both bytes exclusive-or 0x5A) keeps a damaged length from
swallowing the frames behind it; what a rejected frame held is searched again from behind its sync bytes, so damage
costs the frame it hit and no other. CRC-32 is the common one (`binascii.crc32`).
"""

import struct
from binascii import crc32

from rescuelink.errors import LinkError
from rescuelink.rpc import HEAD_BYTES, MAX_BODY_BYTES, TAIL_BYTES

SYNC = b"\xf5\xb3"


def finish(buffer: bytearray | memoryview, body_bytes: int) -> int:
    """Put head and tail around a body that stands at `HEAD_BYTES`; returns the length of the frame."""
    if body_bytes > MAX_BODY_BYTES:
        raise LinkError("too_large", "too large for a frame")
    low, high = body_bytes & 0xFF, body_bytes >> 8
    buffer[0] = SYNC[0]
    buffer[1] = SYNC[1]
    buffer[2] = low
    buffer[3] = high
    buffer[4] = low ^ high ^ 0x5A
    end = HEAD_BYTES + body_bytes
    struct.pack_into("<I", buffer, end, crc32(memoryview(buffer)[2:end]))
    return end + TAIL_BYTES


class FrameReader:
    """Finds frames in a stream. Give it bytes with `space`/`added`, then take bodies with `next` until it has none."""

    def __init__(self, body_bytes: int = MAX_BODY_BYTES) -> None:
        """A frame with a larger body than `body_bytes` is none."""
        self._buffer = bytearray(HEAD_BYTES + body_bytes + TAIL_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0

    def space(self) -> memoryview:
        """Where the next bytes may be read into; never empty. Views returned by `next` are void from here on."""
        if self._start:
            kept = self._end - self._start
            self._buffer[:kept] = self._buffer[self._start : self._end]
            self._start = 0
            self._end = kept
        return self._view[self._end :]

    def added(self, count: int) -> None:
        """`count` bytes have been read into `space()`."""
        self._end += count

    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._end > self._start

    def rest(self) -> memoryview:
        """What has been added and is no frame yet; void as in `space`."""
        return self._view[self._start : self._end]

    def reject(self) -> None:
        """What began like a frame is none, or will not go on: its rest is looked at again. Call it when pending()."""
        self._start += 1

    def next(self) -> memoryview | None:
        """The next whole frame's body, a view that holds until `space()`; None when more bytes are needed."""
        while self._find_sync():
            have = self._end - self._start
            if have < HEAD_BYTES:
                return None
            _, _, low, high, check = self._view[self._start : self._start + HEAD_BYTES]
            length = low | high << 8
            if low ^ high ^ 0x5A != check or HEAD_BYTES + length + TAIL_BYTES > len(self._buffer):
                self.reject()
                continue
            if have < HEAD_BYTES + length + TAIL_BYTES:
                return None
            body = self._start + HEAD_BYTES
            tail = body + length
            if struct.unpack_from("<I", self._buffer, tail)[0] != crc32(self._view[self._start + 2 : tail]):
                self.reject()
                continue
            self._start = tail + TAIL_BYTES
            return self._view[body:tail]
        return None

    def _find_sync(self) -> bool:
        """Move the start to the next sync bytes (or the first of them at the very end)."""
        at = self._buffer.find(SYNC, self._start, self._end)
        if at < 0:
            at = self._end
            if at > self._start and self._buffer[at - 1] == SYNC[0]:
                at -= 1
        self._start = at
        return self._end - at >= len(SYNC)
