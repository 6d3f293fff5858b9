"""The helper as a CMSIS-DAP probe on real firmware: its endpoints, pyOCD's own layer over them, its rate."""

from __future__ import annotations

import random
import struct
from collections import deque
from pathlib import Path

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.rp2040.rig import PicoRig, agent_for_pico, board_config
from bmsrescue.twin.rp2040.usb_packets import UsbPackets
from bmsrescue.twin.scenarios.scenario import build_unit
from dap_twin import pyocd_over

pytestmark = pytest.mark.timeout(7200)

SCRIPT = Path(__file__).parent / "on_board" / "probe.py"
AXI_SRAM, DHCSR = 0x24000000, 0xE000EDF0
IN_FLIGHT = 4  # what DAP_Info tells the host
KIB_PER_S = 60
OK = 1


def probe_on(uf2: Path, kind: str, unit: Unit) -> tuple[PicoRig, UsbPackets]:
    """A Pico that is a probe, on a unit whose supply it has judged."""
    config = board_config(dap=kind)
    rig = PicoRig(uf2, unit, None, files=agent_for_pico(config, uf2) | {"main.py": SCRIPT.read_bytes()})
    packets = UsbPackets(rig.pico)
    assert rig.pico.run_until(lambda: b"PROBE" in rig.pico.output, 20, 600), rig.pico.output.decode()
    packets.find(rig.pico.usb.configuration)
    return rig, packets


def ask(packets: UsbPackets, asked: list[bytes]) -> list[bytes]:
    """The answers, with as many packets in flight as the probe takes."""
    waiting, answers = deque(asked), []
    for _ in range(min(IN_FLIGHT, len(waiting))):
        packets.send(waiting.popleft())
    for _ in asked:
        answers.append(packets.receive())
        if waiting:
            packets.send(waiting.popleft())
    return answers


def written(data: bytes, address: int) -> list[bytes]:
    """DAP_Transfer of TAR and DAP_TransferBlock of DRW, a KiB at a time as TAR counts."""
    asked = []
    for at in range(0, len(data), 1024):
        asked.append(struct.pack("<4BI", 0x05, 0, 1, 0x05, address + at))
        for start in range(at, at + 1024, 56):
            piece = data[start : min(start + 56, at + 1024)]
            asked.append(struct.pack("<BBHB", 0x06, 0, len(piece) // 4, 0x0D) + piece)
    return asked


CONNECT = [
    b"\x02\x01",
    b"\x11" + struct.pack("<I", 12_500_000),
    b"\x04\x00\x50\x00\x00\x00",
    b"\x12\x38" + b"\xff" * 7,
    b"\x12\x10\x9e\xe7",
    b"\x12\x38" + b"\xff" * 7,
    b"\x12\x08\x00",
    b"\x05\x00\x01\x02",
    b"\x05\x00\x02\x00\x1e\x00\x00\x00\x04\x00\x00\x00\x50",
    b"\x05\x00\x02\x08\x00\x00\x00\x00\x01" + struct.pack("<I", 0x03000052),
    struct.pack("<4BIBI", 0x05, 0, 2, 0x05, DHCSR, 0x0D, 0xA05F0003),
]


def test_a_debuggers_blocks_go_through_at_its_rate(uf2: Path) -> None:
    unit = build_unit(scenario_named("healthy"), 0)
    rig, packets = probe_on(uf2, "v2", unit)
    ask(packets, CONNECT)
    data = random.Random(2).randbytes(16 * 1024)
    asked = written(data, AXI_SRAM)
    began_ns = rig.pico.now_ns
    answers = ask(packets, asked)
    rate = len(data) / 1024 / ((rig.pico.now_ns - began_ns) / 1e9)
    print(f"{rate:.1f} KiB/s written, {(rig.pico.now_ns - began_ns) / 1e6 / len(asked):.2f} ms a packet")
    assert {answer[-1] for answer in answers} == {OK}
    assert bytes(unit.chip.rams["AXISRAM"].data[: len(data)]) == data
    assert rig.pico.wiring.violations == []
    assert unit.chip.counters.violations == []
    assert rate >= KIB_PER_S


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_pyocd_works_over_its_endpoints(uf2: Path, kind: str) -> None:
    unit = build_unit(scenario_named("healthy"), 0)
    rig, packets = probe_on(uf2, kind, unit)
    data = random.Random(3).randbytes(1500)
    with pyocd_over(packets, is_hid=kind == "v1") as session:
        session.target.halt()
        session.target.write_memory_block8(AXI_SRAM, data)
        assert bytes(session.target.read_memory_block8(AXI_SRAM, len(data))) == data
    assert rig.pico.wiring.violations == []
    assert unit.chip.counters.violations == []
