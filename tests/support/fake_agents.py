"""Helpers behind ptys that only greet: enough for a daemon to open them and keep them open."""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import msgpack

from bmsrescue.link.frames import FrameReader, frame
from rescuelink import rpc

ABOUT = {"agent": "0.1.0", "board": "fake", "protocol": rpc.PROTOCOL_VERSION}


@contextmanager
def greeting_helpers(count: int, error: dict[str, object] | None = None) -> Iterator[list[str]]:
    """Their ports. `error`: what each answers to every request instead."""
    ends = [pty.openpty() for _ in range(count)]
    for ours, theirs in ends:
        tty.setraw(theirs)
        threading.Thread(target=_greet, args=(ours, error), daemon=True).start()
    try:
        yield [os.ttyname(theirs) for _ours, theirs in ends]
    finally:
        for ours, theirs in ends:
            os.close(theirs)
            os.close(ours)


def _greet(ours: int, error: dict[str, object] | None) -> None:
    frames = FrameReader()
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:
            return  # the test is over
        while data:
            data = data[frames.feed(data) :]
            while (body := frames.next()) is not None:
                message = msgpack.unpackb(bytes(body))
                if message[0] == rpc.REQUEST:
                    answer = [rpc.RESPONSE, message[1], error, None if error else ABOUT]
                    os.write(ours, frame(msgpack.packb(answer)))
