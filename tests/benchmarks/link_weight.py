"""What the link weighs: pyOCD's reads through it against the agent's own, its heap there, the daemon's memory."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from pyocd.core.helpers import ConnectHelper

from bmsrescue.client.daemon_client import running_daemon
from bmsrescue.client.session import DirectSession
from bmsrescue.link.client import LinkClient
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from daemon_process import daemon, wait_until
from fake_agents import greeting_helpers
from rescuelink.rpc import WINDOW_BYTES

SCRIPT = Path(__file__).with_name("scripts") / "link_heap.py"
FLASH, READ_BYTES = 0x08000000, 64 * 1024
SWCLK_HZ = 4_000_000
HELPERS = 8
_CALL_S = 60.0
_SETTLE_S = 0.3


class Reads(NamedTuple):
    """64 KiB of flash, both ways."""

    pyocd_cycles: int
    pyocd_frames: int
    own_cycles: int


def read_both_ways(url: str) -> Reads:
    """pyOCD through the helper on `url`, then the agent by itself."""
    session = ConnectHelper.session_with_chosen_probe(
        unique_id=f"bmsrescue:{url}",
        target_override="stm32h723xx",
        connect_mode="halt",
        blocking=False,
        return_first=True,
        options={"frequency": SWCLK_HZ},
    )
    with session:
        wire = session.probe.link.wire
        cycles, frames = wire.cycles, wire.frames
        session.target.read_memory_block32(FLASH, READ_BYTES // 4)
        frames_used = wire.frames - frames
        cycles_used = wire.cycles - cycles
    with DirectSession("bench", url) as agent:
        agent.call("power.on", timeout_s=_CALL_S)
        agent.call("target.connect", None, SWCLK_HZ, timeout_s=_CALL_S)
        cycles = agent.call("target.cycles")
        for at in range(0, READ_BYTES, WINDOW_BYTES):
            agent.call("memory.read", FLASH + at, WINDOW_BYTES, timeout_s=_CALL_S)
        own = agent.call("target.cycles") - cycles
    return Reads(cycles_used, frames_used, own)


def link_heap_bytes() -> tuple[int, int]:
    """What the link has taken of the agent's heap with a session open, and after a call, whose group of methods stays.

    On the packaged interpreter: 64-bit words. With BMSRESCUE_MICROPYTHON on another one.
    """
    with PtyPort() as port:
        unit = build_unit(find("healthy"), 0)
        helper = VirtualHelper(unit, wire_over(unit.swd), default_card(), presses=())
        said: list[str] = []
        work = threading.Thread(target=lambda: said.append(helper.run(SCRIPT, None, port.fd).output))
        work.start()
        with LinkClient(port.url) as client:
            client.hello("bench", timeout_s=_CALL_S)
            time.sleep(_SETTLE_S)
            client.call("rails.read")
            work.join(_CALL_S)
    found = re.search(r"link heap: (\d+)\s+with a group: (\d+)", said[0])
    if found is None:
        raise SystemExit(f"the agent did not say what the link takes: {said[0]}")
    return int(found[1]), int(found[2])


def daemon_resident_bytes() -> int:
    """Resident memory of `bmsrescue serve` with eight idle helpers."""
    with tempfile.TemporaryDirectory() as name, greeting_helpers(HELPERS) as urls, contextlib.ExitStack() as stack:
        process = stack.enter_context(daemon(urls[0], Path(name), *urls[1:]))
        client = running_daemon(Path(name))
        assert client is not None
        stack.callback(client.close)
        wait_until(lambda: [helper["state"] for helper in client.helpers()] == ["ready"] * HELPERS)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
