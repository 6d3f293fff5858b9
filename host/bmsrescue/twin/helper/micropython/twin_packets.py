# A debugger's packets, as the twin serves them: datagrams on a socket, its length in front of each (see twin_ports.py).

import io
import select
import time

import twin_opcodes as op


class Packets:
    # Real time passes on the bench as well, as for twin_stream.Stream.
    _WRITE_MS = 1000
    _AT_MOST_US = 20_000

    def __init__(self, link, fd):
        self._link = link
        self._accounted_us = time.ticks_us()
        self._file = io.open(fd, "r+b")  # noqa: SIM115 - open as long as the helper lives
        self._readable = select.poll()
        self._readable.register(fd, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(fd, select.POLLOUT)
        self._packet = memoryview(bytearray(65))
        self.reply = memoryview(bytearray(64))
        self.resets = 0
        self._open = False

    def open(self, is_open):
        self._open = is_open
        while not is_open and self._readable.poll(0):
            if not self._file.readinto(self._packet):
                break

    def wait(self, ms):
        found = self._readable.poll(ms)
        now = time.ticks_us()
        passed = time.ticks_diff(now, self._accounted_us)
        if passed >= 1000:
            self._accounted_us = now
            self._link.call(op.CLOCK_SLEEP_US, 1, 0, min(passed, self._AT_MOST_US))
        return bool(found)

    def take(self):
        if not self._file.readinto(self._packet):
            self.resets += 1  # the host has hung up
            raise OSError(19)
        return self._packet[1 : 1 + self._packet[0]]

    def send(self, length):
        if not self._writable.poll(self._WRITE_MS):
            raise OSError(110)
        self._file.write(self.reply[:length])
