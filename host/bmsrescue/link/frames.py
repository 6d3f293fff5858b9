"""Frames as the host makes and reads them: `rescuelink.framing` with what a helper's memory is spared."""

from rescuelink import framing
from rescuelink.rpc import HEAD_BYTES, TAIL_BYTES


def frame(body: bytes) -> bytes:
    """`body` as one frame.

    Raises:
        LinkError: kind "too_large".
    """
    buffer = bytearray(HEAD_BYTES + len(body) + TAIL_BYTES)
    buffer[HEAD_BYTES : HEAD_BYTES + len(body)] = body
    return bytes(memoryview(buffer)[: framing.finish(buffer, len(body))])


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
