# Messages over a byte stream (the `Stream` port): frames in, frames out. The buffers are made once: 6 KiB.

from micropython import const

from rescuelink import rpc
from rescuelink.codec import pack_into, unpack_from
from rescuelink.errors import LinkError
from rescuelink.framing import HEAD_BYTES, MAX_BODY_BYTES, TAIL_BYTES, FrameReader, finish

_EVENT_BYTES = const(1280)
_TORN_MS = const(100)  # half a frame and then silence: its rest will not come


class Channel:
    """send() and receive() whole messages. `last` is the id of the newest answer, kept for sending it again."""

    def __init__(self, stream):
        self._stream = stream
        self.ms = stream.ms
        self.since_ms = stream.since_ms
        self._frames = FrameReader()
        self._bytes_ms = stream.ms()
        self._answer = bytearray(HEAD_BYTES + MAX_BODY_BYTES + TAIL_BYTES)
        self._answer_bytes = 0
        self._event = bytearray(HEAD_BYTES + _EVENT_BYTES + TAIL_BYTES)
        self.last = None
        self.unsent = 0  # messages that nobody took

    def receive(self):
        """The next message that has wholly arrived, or None. Binary in it is a view, void at the next receive()."""
        while True:
            body = self._frames.next()
            if body is None:
                if not self._fill():
                    return None
                continue
            try:
                return rpc.check(unpack_from(body))
            except LinkError:
                continue  # a frame of somebody else's

    def _fill(self):
        # True when there is something new to look at.
        count = self._stream.readinto(self._frames.space())
        if count:
            self._bytes_ms = self._stream.ms()
            self._frames.added(count)
            return True
        if self._frames.pending() and self._stream.since_ms(self._bytes_ms) > _TORN_MS:
            self._frames.give_up()  # a whole frame may stand in what there is
            return True
        return False

    def wait(self, ms):
        """Until something comes, at most `ms`."""
        return self._stream.wait(ms)

    def session(self, is_open):
        self._stream.session(is_open)

    def answer(self, number, error, result):
        """The response to request `number`. Raises LinkError (too_large, bad_value)."""
        self.last = None
        end = pack_into(_body(self._answer), 0, [rpc.RESPONSE, number, error, result])
        self._answer_bytes = finish(self._answer, end)
        self.last = number
        self.answer_again()

    def answer_again(self):
        self._send(memoryview(self._answer)[: self._answer_bytes])

    def notify(self, method, params):
        """An event; its body has at most 1280 bytes. Raises LinkError as answer() does."""
        end = pack_into(_body(self._event), 0, [rpc.NOTIFICATION, method, params])
        self._send(memoryview(self._event)[: finish(self._event, end)])

    def _send(self, view):
        try:
            self._stream.write(view)
        except OSError:
            self.unsent += 1  # the host has gone: its silence tells the server soon


def _body(buffer):
    return memoryview(buffer)[HEAD_BYTES:-TAIL_BYTES]
