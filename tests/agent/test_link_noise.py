"""What else may be on the line - noise, the prompt's text, halves of frames - costs at most the frame it hits."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator

import msgpack
import pytest

from bmsrescue.link.frames import frame
from link_twin import PATIENCE_S, Host, WatchedTwin, helper_behind
from rescuelink import rpc
from rescuelink.framing import SYNC
from rescuelink.rpc import HEAD_BYTES, MAX_BODY_BYTES

REPL_TEXT = b"\r\nMicroPython v1.28.0 on 2026-01-01; Raspberry Pi Pico with RP2040\r\n>>> raw REPL; CTRL-B to exit\r\n>"


@pytest.fixture(scope="module", params=["pty", "tcp"])
def twin(request: pytest.FixtureRequest) -> Iterator[WatchedTwin]:
    with helper_behind(request.param, "healthy") as twin:
        yield twin


@pytest.fixture
def host(twin: WatchedTwin) -> Iterator[Host]:
    with Host(twin.url) as host:
        yield host


def noises() -> dict[str, bytes]:
    chance = random.Random(4)
    whole = frame(msgpack.packb([rpc.REQUEST, 99, "rails.read", []]))
    damaged = bytearray(whole)
    damaged[HEAD_BYTES + 3] ^= 0x10
    return {
        "random bytes": chance.randbytes(5_000),
        "text of the prompt": REPL_TEXT * 20,
        "half a frame": whole[: len(whole) // 2],
        "only the sync bytes": SYNC,
        "a damaged frame": bytes(damaged),
        "a head that promises the longest body": frame(bytes(MAX_BODY_BYTES))[:HEAD_BYTES],
        "a head that promises too much": SYNC + b"\xff\xff" + bytes([0x5A]),
        "a whole frame that holds no message": frame(b"\xc1\xc1\xc1"),
        "a message of the wrong shape": frame(msgpack.packb({"jsonrpc": "2.0"})),
        "a message nested without end": frame(b"\x91" * 2000),
        "an array that is not there": frame(b"\xdd\xff\xff\xff\xff"),
        "a method that is no text": frame(msgpack.packb([rpc.REQUEST, 1, 7, []])),
        "params that are no array": frame(msgpack.packb([rpc.REQUEST, 1, "rails.read", None])),
        "an id that is no number": frame(msgpack.packb([rpc.REQUEST, {"a": 1}, "rails.read", []])),
        "an answer to nobody": frame(msgpack.packb([rpc.RESPONSE, 1, None, None])),
        "a notification of an unknown kind": frame(msgpack.packb([rpc.NOTIFICATION, "what", [1]])),
    }


@pytest.mark.parametrize("name", noises())
def test_the_next_call_is_answered(twin: WatchedTwin, host: Host, name: str) -> None:
    host.inject(noises()[name])
    assert host.call("helper.echo", b"still there?", timeout_s=PATIENCE_S) == b"still there?"
    assert not twin.runs, "the agent has ended"


def test_noise_in_the_middle_of_many_calls_loses_none(host: Host) -> None:
    """Somebody else writes rubbish between the frames; on a pty through another descriptor, also into them."""
    chance = random.Random(5)
    over = threading.Event()

    def disturb() -> None:
        fd = os.open(host.url, os.O_WRONLY | os.O_NOCTTY) if host.url.startswith("/") else None
        while not over.wait(0.02):
            rubbish = chance.choice([chance.randbytes(40), REPL_TEXT, SYNC, b"\xf5"])
            if fd is None:
                host.inject(rubbish)
            else:
                os.write(fd, rubbish)
        if fd is not None:
            os.close(fd)

    noise = threading.Thread(target=disturb)
    noise.start()
    try:
        for number in range(60):
            data = chance.randbytes(chance.choice([1, 100, 1500]))
            assert host.call("helper.echo", data, timeout_s=PATIENCE_S) == data, number
    finally:
        over.set()
        noise.join()
