# The byte stream to a host on a real board: the USB serial port that also carries the interpreter's prompt.
#
# While a session is open Ctrl-C is a byte like any other; else it ends the agent and gives the prompt, which is how
# mpremote gets in. So the host's first frame must not contain it (docs/protocol.md).

import select
import sys
import time

import micropython

_CTRL_C = 3


class UsbStream:
    """What rescue.link.channel asks for, over sys.stdin and sys.stdout."""

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)

    def readinto(self, view):
        """Bytes that are there now, at most len(view).

        One by one: readinto() waits until its buffer is full (MicroPython: py/stream.c reads exactly, and
        shared/runtime/sys_stdio_mphal.c waits for each character), and nothing tells how many bytes there are. So
        without any new object, and without a call that could be spared.
        """
        ipoll, readinto, byte = self._poll.ipoll, self._in.readinto, self._byte
        for count in range(len(view)):
            for _ in ipoll(0):
                break
            else:
                return count
            readinto(byte)
            view[count] = byte[0]
        return len(view)

    def write(self, view):
        """All of it; the USB driver gives up by itself when nobody reads."""
        self._out.write(view)

    def wait(self, ms):
        """Until there is something to read, at most `ms`. True when there is."""
        for _ in self._poll.ipoll(ms):
            return True
        return False

    def session(self, is_open):
        """Ctrl-C is data while a session is open."""
        micropython.kbd_intr(-1 if is_open else _CTRL_C)

    def ms(self):
        return time.ticks_ms()

    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)
