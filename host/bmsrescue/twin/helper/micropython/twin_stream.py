# The link to a host, as the twin serves it: real time passes here (see twin_ports.py).

import io
import select
import time

import twin_opcodes as op


class Stream:
    # The link to a host: a descriptor that the twin has opened (a pty's master end, a socket). Waiting is real here,
    # and what really passed from one wait to the next passes on the bench as well, so that a helper that serves calls
    # is on wall time. Up to a limit: a long call has had its own time, and a loaded machine's pauses are not the
    # unit's.
    _WRITE_MS = 1000
    _AT_MOST_US = 20_000
    _PATIENCE = 8  # a long wait is for a host that a loaded machine may hold up: more real time, no more virtual time
    _LONG_MS = 100

    def __init__(self, link, fd):
        self._link = link
        self._accounted_us = time.ticks_us()
        self._file = io.open(fd, "r+b")  # noqa: SIM115 - open as long as the helper lives
        self._readable = select.poll()
        self._readable.register(fd, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(fd, select.POLLOUT)

    def readinto(self, view):
        try:
            return self._file.readinto(view) or 0
        except OSError:
            return 0  # nobody has the other end

    def write(self, view):
        at = 0
        while True:
            at += self._file.write(view[at:] if at else view) or 0
            if at >= len(view):
                return
            if not self._writable.poll(self._WRITE_MS):
                raise OSError(110)  # ETIMEDOUT: nobody reads

    def wait(self, ms):
        found = self._readable.poll(ms * self._PATIENCE if ms >= self._LONG_MS else ms)
        now = time.ticks_us()
        passed = time.ticks_diff(now, self._accounted_us)
        if passed >= 1000:
            self._accounted_us = now
            self._link.call(op.CLOCK_SLEEP_US, 1, 0, min(passed, max(ms * 1000, self._AT_MOST_US)))
        return bool(found)

    def session(self, is_open):
        pass  # no prompt shares this stream

    def ms(self):
        return time.ticks_ms()

    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)
