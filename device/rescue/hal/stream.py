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

    def readinto(self, view):
        """Bytes that are there now, at most len(view). The port hands them over one by one without blocking."""
        count = 0
        while count < len(view) and self._ready(0):
            self._in.readinto(view[count : count + 1])
            count += 1
        return count

    def write(self, view):
        """All of it; the USB driver gives up by itself when nobody reads."""
        self._out.write(view)

    def wait(self, ms):
        """Until there is something to read, at most `ms`. True when there is."""
        return self._ready(ms)

    def session(self, is_open):
        """Ctrl-C is data while a session is open."""
        micropython.kbd_intr(-1 if is_open else _CTRL_C)

    def ms(self):
        return time.ticks_ms()

    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)

    def _ready(self, ms):
        for _ in self._poll.ipoll(ms):
            return True
        return False
