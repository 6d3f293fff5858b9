# One call at a time to the twin, over a stream socket (twin_opcodes.py has its calls and how they are packed).

import io
from array import array
from struct import pack_into

import twin_opcodes as op
from uctypes import addressof, bytearray_at

from rescuelink.errors import RescueError, WireError


class Link:
    # One call at a time over a stream socket; the buffers are made once. A call without trouble allocates nothing: a
    # file that was never closed is flushed by the garbage collector, while the heap is locked.
    def __init__(self, fd, posts=False):
        self._stream = io.open(fd, "r+b")  # noqa: SIM115 - open as long as the helper lives
        self._both = bytearray(2 * op.REQUEST_BYTES)  # a write that is posted, and the request that goes with it
        self._request = memoryview(self._both)[op.REQUEST_BYTES :]
        self._posts = posts
        self._certain = self._posted = self._is_asking = False
        self._answer = array("I", bytes(op.ANSWER_BYTES))
        self._answer_bytes = bytearray_at(addressof(self._answer), op.ANSWER_BYTES)
        self._looks = self._fed = 0

    def look(self):
        # The virtual time in us, without a call as long as there are few looks.
        looks = self._looks + 1
        if looks > op.MOST_LOOKS or self._posted:
            return self.call(op.CLOCK_US)
        self._looks = looks
        answer = self._answer
        return (answer[4] | answer[5] << 32) + op.LOOK_US * looks

    def feed(self):
        if self._fed:
            self.call(op.CLOCK_FEED)
        else:
            self._fed = self._looks + 1

    def post(self, small, number):
        # Keeps a write over the wire until the next request, where it cannot fail; False: it needs a call of its own.
        if not self._certain or self._looks or self._fed:
            return False
        pack_into(op.REQUEST, self._both, 0, op.WIRE_POST, small, 0, 0, 0, number, 0)
        self._certain = False
        self._posted = True
        return True

    def call(self, opcode, small=0, number=0, wide=0):
        # A call without payloads; returns the answer's value.
        self._ask(opcode, small, 0, number, wide)
        return self._finish(None)

    def send(self, opcode, small, number, payload, wide=0):
        # A call that carries `payload` there.
        self._ask(opcode, small, len(payload), number, wide)
        self._write(payload)
        return self._finish(None)

    def fetch(self, opcode, small, number, wide, buffer):
        # A call that fills `buffer` from the answer's payload; returns the bytes it got.
        self._ask(opcode, small, 0, number, wide)
        return self._finish(buffer)

    def _ask(self, opcode, small, length, number, wide):
        if self._is_asking:
            # A file that could not be closed, flushed by the garbage collector in the middle of another call.
            raise OSError(5)
        self._is_asking = True
        pack_into(op.REQUEST, self._request, 0, opcode, small, self._looks, self._fed, length, number, wide)
        self._write(self._both if self._posted else self._request)
        self._posted = False

    def _finish(self, buffer):
        answer = self._answer
        self._read(self._answer_bytes)
        self._is_asking = False
        self._looks = self._fed = 0
        # unpack_from would make a tuple.
        status = answer[0]
        length = answer[1]
        value = answer[2] | answer[3] << 32
        self._certain = status == op.CERTAIN and self._posts
        if status == op.OK or status == op.CERTAIN:
            if length == 0:
                return value
            if buffer is None or length > len(buffer):
                raise RescueError("tool", "the twin answered %d bytes too many" % length)
            self._read(buffer if length == len(buffer) else memoryview(buffer)[:length])
            return length
        if status == op.OS:
            raise OSError(value)
        message = bytearray(length)
        self._read(message)
        raise _error(status, value, message, buffer)

    def _read(self, buffer):
        at = self._stream.readinto(buffer)
        end = len(buffer)
        while at < end:
            count = self._stream.readinto(memoryview(buffer)[at:]) if at else 0
            if not count:
                self._is_asking = False
                raise SystemExit(1)  # the twin has hung up: the helper's power is gone
            at += count

    def _write(self, payload):
        try:
            at = self._stream.write(payload)
            while at < len(payload):
                at += self._stream.write(memoryview(payload)[at:])
        except OSError:
            self._is_asking = False
            raise SystemExit(1) from None  # as in _read


def _error(status, value, text, buffer):
    if status == op.WIRE:
        kind, done, message, good = bytes(text).split(b"\n", 3)
        if buffer is not None:
            buffer[: len(good)] = good  # what came before a block read failed
        return WireError(kind.decode(), message.decode(), None if value == op.NOTHING else value, done=int(done))
    if status == op.CTRL_C:
        return KeyboardInterrupt()
    return RescueError("tool", text.decode())
