# Messages over a byte stream (the `Stream` port): frames in, frames out. The buffers take 5 KiB, and while a job is
# under way, which needs the heap itself, 0.9.

from micropython import const

from rescuelink import rpc
from rescuelink.codec import as_message, pack_into, unpack_from
from rescuelink.errors import LinkError
from rescuelink.framing import FrameReader, finish

_EVENT_BYTES = const(320)  # of an event there is always room for
_TORN_MS = const(100)  # half a frame and then silence: its rest will not come
_FRAME_BYTES = rpc.HEAD_BYTES + rpc.TAIL_BYTES  # around a body
_OUT_BYTES = rpc.MAX_BODY_BYTES + _EVENT_BYTES + 2 * _FRAME_BYTES
_JOB_BYTES = const(512)  # while a job is under way: an answer like "busy", and an event behind it


class Channel:
    """send() and receive() whole messages. `last` is the id of the newest answer, kept for sending it again."""

    def __init__(self, stream):
        self.stream = stream
        self._frames = FrameReader()
        self._bytes_ms = stream.ms()
        # The newest answer, an event behind it, and from `_end` on the data of the answer to come.
        self._out = memoryview(bytearray(_OUT_BYTES))
        self._answer_bytes = 0
        self._end = _OUT_BYTES
        self.last = None

    def narrow(self):
        """A job begins, which needs the heap itself: events go out in parts, and nothing large comes in."""
        if len(self._frames.rest()) < rpc.JOB_BODY_BYTES:
            self._have(_JOB_BYTES, rpc.JOB_BODY_BYTES)

    def widen(self):
        """All is as it was before the job. Raises MemoryError."""
        if len(self._out) != _OUT_BYTES:
            self._have(_OUT_BYTES, rpc.MAX_BODY_BYTES)

    def _have(self, out_bytes, body_bytes):
        self._forget()
        self._out = memoryview(bytearray(out_bytes))
        self._end = out_bytes
        rest = self._frames.rest()
        self._frames = FrameReader(body_bytes)
        self._frames.space()[: len(rest)] = rest
        self._frames.added(len(rest))

    def receive(self):
        """The next message that has wholly arrived, or None. Binary in it is a view, void at the next receive().

        A request that the heap cannot hold comes without its method.
        """
        while True:
            body = self._frames.next()
            if body is None:
                if not self._fill():
                    return None
                continue
            try:
                return as_message(unpack_from(body))
            except LinkError:
                continue  # a frame of somebody else's
            except MemoryError:
                from rescue.link.refusals import too_much

                return too_much(body)

    def _fill(self):
        # True when there is something new to look at.
        count = self.stream.readinto(self._frames.space())
        if count:
            self._bytes_ms = self.stream.ms()
            self._frames.added(count)
            return True
        if self._frames.pending() and self.stream.since_ms(self._bytes_ms) > _TORN_MS:
            self._frames.reject()  # a whole frame may stand in what there is
            return True
        return False

    def window(self, length):
        """Room for the binary of the answer to come, void with it. The newest answer is not kept any longer.

        It lies at the end: what is packed in front of it never reaches it before it has been moved there itself.
        """
        self._forget()
        self._end = len(self._out) - length
        return self._out[self._end :]

    def answer(self, number, error, result):
        """The response to request `number`. Raises LinkError (too_large, bad_value)."""
        self._forget()
        message = [rpc.RESPONSE, number, error, result]
        try:
            self._answer_bytes = self._pack(message)
        except LinkError as fault:
            if fault.kind != "too_large" or len(self._out) == _OUT_BYTES:
                raise
            self.widen()
            self._answer_bytes = self._pack(message)
        self.last = number
        self.answer_again()

    def answer_again(self):
        self._send(self._out[: self._answer_bytes])

    def close_window(self):
        self._end = len(self._out)

    def room(self):
        """Bytes that the body of an event may have now."""
        if self._end - self._answer_bytes < _EVENT_BYTES + _FRAME_BYTES:
            self._forget()
        return min(rpc.MAX_BODY_BYTES, self._end - self._answer_bytes - _FRAME_BYTES)

    def notify(self, method, params):
        """An event. Raises LinkError (too_large, bad_value)."""
        self.room()
        end = self._answer_bytes + self._pack([rpc.NOTIFICATION, method, params])
        self._send(self._out[self._answer_bytes : end])

    def _forget(self):
        self.last = None
        self._answer_bytes = 0

    def _pack(self, message):
        # The bytes of its frame, which stands behind the newest answer.
        room = self._out[self._answer_bytes : self._end]
        return finish(room, pack_into(room[rpc.HEAD_BYTES : -rpc.TAIL_BYTES], 0, message))

    def _send(self, view):
        try:
            self.stream.write(view)
        except OSError:
            pass  # the host has gone: its silence tells the server soon
