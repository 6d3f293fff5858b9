"""The stream that a board's serial port is, on the unix port's own stdin and stdout: frames, then the prompt."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.files import agent_files
from bmsrescue.deploy.repl import Repl
from bmsrescue.link.client import LinkClient
from link_twin import PATIENCE_S, Host
from pty_board import PtyBoard

MAIN = """
import time
from rescue.hal import stream
from rescue.hal.ports import Ports
from rescue.link.channel import Channel
from rescue.link.server import Server

class Fake:
    root = "."
    names = ()
    ms = time.ticks_ms
    us = time.ticks_us
    sleep_ms = time.sleep_ms
    sleep_us = time.sleep_us
    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)
    def feed(self):
        pass
    def release(self):
        pass
    def release_all(self):
        pass

fake = Fake()
ports = Ports(fake, fake, fake, fake, fake, fake, fake)
usb = stream.UsbStream()
server = Server(ports, {"helper": "usb"}, Channel(usb))
usb.session(False)
while server.work.leave is None:
    server.wait(50)
    server.carry_out()
usb.session(False)
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PtyBoard]:
    for place, source in agent_files().items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / place)
    (tmp_path / "main.py").write_text(MAIN)
    with PtyBoard(tmp_path) as board:
        yield board


def test_frames_of_any_bytes_pass_and_then_the_prompt_is_there(board: PtyBoard) -> None:
    chance = random.Random(6)
    with Host(board.url) as host:
        assert host.about["helper"] == "usb"
        for size in (1, 64, 700, 2048):
            data = b"\x03\x04\r\n" + chance.randbytes(size - 4) if size > 4 else b"\x03"
            assert host.call("helper.echo", data, timeout_s=PATIENCE_S) == data
        for _ in range(3):
            sent = [chance.randbytes(1500) for _ in range(10)]
            calls = [host.start("helper.echo", data) for data in sent]
            assert [host.finish(call, PATIENCE_S) for call in calls] == sent
        host.call("helper.repl")
    with Repl(board.url) as prompt:
        assert prompt.run("print(6 * 7)").strip() == "42"
        prompt.restart()
    with LinkClient(board.url) as again:
        assert again.hello("again", timeout_s=PATIENCE_S)["last_end"] is None
