"""Frames as the host makes and reads them: `rescuelink.framing` with what a helper's memory is spared."""

from binascii import crc32

import msgpack

from rescuelink import framing, rpc
from rescuelink.errors import LinkError
from rescuelink.rpc import MAX_BODY_BYTES, TAIL_BYTES


def frame(body: bytes) -> bytes:
    """`body` as one frame.

    Raises:
        LinkError: kind "too_large".
    """
    if len(body) > MAX_BODY_BYTES:
        raise LinkError("too_large", f"{len(body)} bytes are too large for a frame")
    low, high = len(body) & 0xFF, len(body) >> 8
    checked = bytes((low, high, low ^ high ^ 0x5A)) + body
    return framing.SYNC + checked + crc32(checked).to_bytes(TAIL_BYTES, "little")


def notification(method: str, *params: object) -> bytes:
    """What needs no answer, as one frame. Raises LinkError (too_large)."""
    return frame(msgpack.packb([rpc.NOTIFICATION, method, list(params)]))


class FrameReader(framing.FrameReader):
    """`bad_frames` counts what began like a frame and failed its check."""

    def __init__(self) -> None:
        super().__init__()
        self.bad_frames = 0

    def feed(self, data: bytes) -> int:
        """Copy as much of `data` as there is room for; returns how many bytes that was."""
        room = self.space()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        self.added(count)
        return count

    def give_up(self) -> None:
        """The line has been silent in the middle of a frame: pass its sync bytes, look at the rest again."""
        if self.pending():
            self.reject()

    def reject(self) -> None:
        self.bad_frames += 1
        super().reject()
