"""Reads what has come, whatever it is that pyserial opened."""

import os
import select
from collections.abc import Callable

import serial


def reader(port: serial.SerialBase, wait_s: float, most: int) -> Callable[[], bytes]:
    """What waits for bytes, at most `wait_s`, and returns those that are there, at most `most`; none if none came.

    pyserial's read() waits for a number of bytes. Who does not know it asks for one, then for the others, which takes
    three times as many calls of the system as asking the system itself, where that is possible.
    """
    if os.name != "posix" or type(port) is not serial.Serial:
        return lambda: port.read(max(1, min(port.in_waiting, most)))

    def read() -> bytes:
        fd = port.fileno()
        if not select.select([fd], [], [], wait_s)[0]:
            return b""
        data = os.read(fd, most)
        if not data:
            raise serial.SerialException("the device has gone")
        return data

    return read
