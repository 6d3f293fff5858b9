"""The wire over remote_bitbang: blocks sent ahead of their answers do what single transfers do."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bmsrescue.twin.servers.bitbang_client import BitbangPins
from bmsrescue.twin.servers.bitbang_wire import BitbangWire
from bmsrescue.twin.servers.client_socket import ServerLinkError
from bmsrescue.twin.servers.control_client import ControlClient
from rescuelink.errors import WireError
from served_unit import ServedUnit

FOREIGN_SERVER = Path(__file__).parents[2] / "foreign_chip" / "server.py"
DP, AP = 0, 1
ABORT, CTRL_STAT, SELECT = 0x0, 0x4, 0x8
CSW, TAR, DRW = 0x0, 0x4, 0xC
CLEAR_STICKY, POWER_UP, ORUNDETECT = 0x1E, 0x50000000, 1
AHB_WORDS = 0x23000012
AXI_SRAM, NOWHERE, FLASH = 0x24000000, 0x10000000, 0x08000000
FLASH_CR, FLASH_KEYR, FLASH_SR = 0x5200200C, 0x52002004, 0x52002010
BLOCK = 1024


def connected(pins: BitbangPins) -> BitbangWire:
    wire = BitbangWire(pins)
    wire.jtag_to_swd()
    assert wire.read(DP, 0) == 0x6BA02477
    wire.write(DP, ABORT, CLEAR_STICKY)
    wire.write(DP, SELECT, 0)
    wire.write(DP, CTRL_STAT, POWER_UP)
    wire.idle(200)  # powering up takes its time
    assert wire.read(DP, CTRL_STAT) & 0xA0000000 == 0xA0000000
    wire.write(AP, CSW, AHB_WORDS)
    return wire


def write_memory(wire: BitbangWire, address: int, data: bytes) -> None:
    for at in range(0, len(data), BLOCK):
        wire.write(AP, TAR, address + at)
        wire.write_block(AP, DRW, data[at : at + BLOCK])


def read_memory(wire: BitbangWire, address: int, length: int) -> bytes:
    data = bytearray(length)
    for at in range(0, length, BLOCK):
        wire.write(AP, TAR, address + at)
        wire.read_block(AP, DRW, memoryview(data)[at : at + BLOCK])
    return bytes(data)


def write_word(wire: BitbangWire, address: int, value: int) -> None:
    wire.write(AP, TAR, address)
    wire.write(AP, DRW, value)


@pytest.fixture
def wire(unit: ServedUnit) -> BitbangWire:
    return connected(unit.plug_in())


@pytest.fixture
def foreign() -> Iterator[Callable[..., BitbangWire]]:
    """A wire to somebody else's chip, started with the given options."""
    started: list[subprocess.Popen[str]] = []

    def connect(*options: str) -> BitbangWire:
        command = [sys.executable, str(FOREIGN_SERVER), "--state", "blank", "--time", "swclk", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        ControlClient("127.0.0.1", ports["control_port"]).power(True)
        pins = BitbangPins("127.0.0.1", ports["bitbang_port"])
        pins.clock_out(0, 100_000)  # its time goes by SWCLK, and it has to come up
        return connected(pins)

    yield connect
    for process in started:
        process.terminate()
        process.wait(10)


def test_16_kib_come_back_as_they_were_written(unit: ServedUnit, wire: BitbangWire) -> None:
    data = random.Random(1).randbytes(16 * BLOCK)
    write_memory(wire, AXI_SRAM, data)
    assert read_memory(wire, AXI_SRAM, len(data)) == data
    assert unit.unit.chip.counters.violation_counts == {}
    assert not wire.read(DP, CTRL_STAT) & ORUNDETECT


@pytest.mark.parametrize("options", [(), ("--no-orundetect",), ("--wait-rate", "0.02")])
def test_a_foreign_chip_may_lack_overrun_detection_or_answer_wait_at_any_time(
    foreign: Callable[..., BitbangWire], options: tuple[str, ...]
) -> None:
    wire = foreign(*options)
    data = random.Random(2).randbytes(3 * BLOCK)
    write_memory(wire, AXI_SRAM, data)
    assert read_memory(wire, AXI_SRAM, len(data)) == data
    assert not wire.read(DP, CTRL_STAT) & ORUNDETECT


@pytest.mark.parametrize("good_words", [0, 8, 96, 248])
def test_a_fault_in_a_block_is_found_where_single_transfers_find_it(
    unit: ServedUnit, wire: BitbangWire, good_words: int
) -> None:
    unit.unit.chip.flash.tear(FLASH + 4 * good_words)
    wire.write(AP, TAR, FLASH)
    data = bytearray(BLOCK)
    with pytest.raises(WireError) as caught:
        wire.read_block(AP, DRW, data)
    assert (caught.value.kind, caught.value.done) == ("fault", good_words)
    assert data[: 4 * good_words] == b"\xff" * 4 * good_words
    assert not wire.read(DP, CTRL_STAT) & ORUNDETECT
    write_word(wire, AXI_SRAM, 0x12345678)
    wire.write(AP, TAR, AXI_SRAM)
    assert wire.read(AP, DRW) == 0x12345678


def test_a_write_that_the_bus_refuses_is_reported(wire: BitbangWire) -> None:
    wire.write(AP, TAR, NOWHERE)
    with pytest.raises(WireError) as caught:
        wire.write_block(AP, DRW, bytes(BLOCK))
    assert (caught.value.kind, caught.value.done) == ("fault", 0)


def test_flash_that_stays_busy_ends_in_a_wait_and_the_wire_is_usable_again(wire: BitbangWire) -> None:
    write_word(wire, FLASH_KEYR, 0x45670123)
    write_word(wire, FLASH_KEYR, 0xCDEF89AB)
    write_word(wire, FLASH_CR, 0x34)
    write_word(wire, FLASH_CR, 0xB4)  # a sector erase: about a second
    wire.write(AP, TAR, FLASH)
    with pytest.raises(WireError) as caught:
        wire.read_block(AP, DRW, bytearray(BLOCK))
    assert caught.value.kind == "wait"
    wire.write(DP, ABORT, CLEAR_STICKY | 1)
    wire.write(DP, ABORT, CLEAR_STICKY)
    assert not wire.read(DP, CTRL_STAT) & ORUNDETECT
    wire.write(AP, TAR, FLASH_SR)
    assert wire.read(AP, DRW) & 0x4


def test_power_lost_in_the_middle_is_no_answer(unit: ServedUnit, wire: BitbangWire) -> None:
    data = random.Random(3).randbytes(BLOCK)
    write_memory(wire, AXI_SRAM, data)
    unit.control().power(False)
    unit.control().advance(3000)
    with pytest.raises(WireError) as caught:
        read_memory(wire, AXI_SRAM, BLOCK)
    assert caught.value.kind in ("no_ack", "protocol")


class Peer:
    """A server that answers as it is told."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(answer,))
        self._thread.start()

    def _serve(self, answer: Callable[[socket.socket], None]) -> None:
        with self._listener, self._listener.accept()[0] as client:
            answer(client)

    def close(self) -> None:
        self._thread.join(10)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("timeout", lambda client: client.recv(4096) and client.recv(4096)),
        ("closed", lambda client: None),
        ("protocol", lambda client: client.sendall(b"11111111") or client.recv(4096)),
        ("protocol", lambda client: client.sendall(b"Zx") or client.recv(4096)),
    ],
)
def test_a_server_that_misbehaves_is_named_with_what_to_do(kind: str, answer: Callable[[socket.socket], None]) -> None:
    peer = Peer(answer)
    pins = BitbangPins("127.0.0.1", peer.port, timeout_s=0.2)
    with pytest.raises(ServerLinkError) as caught:
        pins.clock_in(2)
    assert caught.value.kind == kind
    assert caught.value.next_step
    pins.close()
    peer.close()


def test_a_megabyte_of_characters_and_their_answers_do_not_block_each_other() -> None:
    def echo(client: socket.socket) -> None:
        # Answers before it reads on, in pieces as small as they come: both buffers fill.
        while data := client.recv(4096):
            client.sendall(b"1" * data.count(b"c"))

    peer = Peer(echo)
    pins = BitbangPins("127.0.0.1", peer.port)
    assert pins.clock_in(700_000) == (1 << 700_000) - 1
    pins.close()
    peer.close()
