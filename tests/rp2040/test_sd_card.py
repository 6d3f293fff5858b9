"""The agent's SD driver on MicroPython, byte by byte against a card: refusals, limits, and a card that is pulled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.rp2040.pin_helper import PinHelper
from bmsrescue.twin.rp2040.sd_card import BLOCK_BYTES, crc7, crc16
from bmsrescue.twin.scenarios.scenario import build_unit

EIO, ENODEV, ETIMEDOUT = 5, 19, 110
_START = """
import json, sys, os
with open(sys.argv[1]) as file:
    config = json.load(file)
import pin_link
pin_link.connect(config["socket"])
import time
from machine import SPI, Pin
from rescue.hal.sd_blocks import BlocksBySpi
from rescue.hal.sd_spi import SdCard

def attempt(do):
    start = time.ticks_ms()
    try:
        result = do()
    except OSError as error:
        result = error.errno
    return result, time.ticks_ms() - start

def card():
    return over(SPI(0))

def over(spi):
    return SdCard(spi, Pin(17, Pin.OUT, value=1), 12500000, BlocksBySpi(spi))
"""


class Slot:
    """A helper with a card whose driver runs a script; `answers` is what the script printed as its last line."""

    def __init__(self, folder: Path, image: bytearray | None) -> None:
        self._folder = folder
        self.unit = build_unit(scenario_named("healthy"), 0)
        self.helper = PinHelper(self.unit, image)
        self.card = self.helper.wiring.card

    def run(self, script: str) -> Any:
        path = self._folder / "script.py"
        path.write_text(_START + script)
        result = self.helper.run(path)
        assert result.exit_status == 0, result.output
        return json.loads(result.output.splitlines()[-1])


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    return Slot(tmp_path, make_image({"job.json": b"{}", "image.bin": bytes(range(256)) * 40}))


def test_the_checksums_are_those_of_the_specification() -> None:
    assert crc7(bytes.fromhex("4000000000")) == 0x95
    assert crc7(bytes.fromhex("48000001aa")) == 0x87
    assert crc16(b"\xff" * 512) == 0x7FA1


def test_the_agents_checksums_are_the_cards(slot: Slot) -> None:
    answer = slot.run(
        "from rescue.hal.sd_crc import crc7, crc16\n"
        "data = bytes(index * 7 & 255 for index in range(512))\n"
        "print(json.dumps([crc7(data, 5), crc16(data, 512), crc16(b'\\xff' * 512, 512)]))\n"
    )
    data = bytes(index * 7 & 255 for index in range(512))
    assert answer == [crc7(data[:5]), crc16(data), 0x7FA1]


def test_files_on_the_card_are_read_and_written(slot: Slot) -> None:
    length = slot.run(
        "os.mount(os.VfsFat(card()), '/sd')\n"
        "with open('/sd/image.bin', 'rb') as file:\n    data = file.read()\n"
        "with open('/sd/copy.bin', 'wb') as file:\n    file.write(data)\n"
        "os.umount('/sd')\n"
        "print(json.dumps(len(data)))\n"
    )
    files = read_files(slot.card.image)
    assert length == 256 * 40
    assert files["copy.bin"] == bytes(range(256)) * 40


def test_long_transfers_are_multiple_block_commands(slot: Slot) -> None:
    slot.run(
        "sd = card()\ndata = bytearray(8 * 512)\nsd.readblocks(0, data)\nsd.writeblocks(8, data)\n"
        "print(json.dumps(sd.ioctl(4, 0)))\n"
    )
    assert slot.card.commands.count(18) == 1
    assert slot.card.commands.count(25) == 1
    assert 17 not in slot.card.commands
    assert 24 not in slot.card.commands
    assert slot.card.image[8 * BLOCK_BYTES : 16 * BLOCK_BYTES] == slot.card.image[: 8 * BLOCK_BYTES]


def test_a_long_write_stays_open_for_the_blocks_behind_it(slot: Slot) -> None:
    slot.run(
        "sd = card()\n"
        "sd.writeblocks(40, b'A' * 1024)\nsd.writeblocks(42, b'B' * 512)\nsd.writeblocks(43, b'C' * 1024)\n"
        "sd.ioctl(3, 0)\nsd.writeblocks(45, b'D' * 1024)\nprint(json.dumps(sd.ioctl(3, 0)))\n"
    )
    assert slot.card.commands.count(25) == 2
    assert 24 not in slot.card.commands
    written = slot.card.image[40 * BLOCK_BYTES : 47 * BLOCK_BYTES]
    assert written == b"A" * 1024 + b"B" * 512 + b"C" * 1024 + b"D" * 1024


@pytest.mark.parametrize("then", ["writeblocks(50, b'E' * 512)", "readblocks(0, bytearray(512))", "identity()"])
def test_whatever_else_comes_ends_a_long_write(slot: Slot, then: str) -> None:
    data = slot.run(
        f"sd = card()\nsd.writeblocks(40, b'A' * 1024)\nsd.{then}\nsd.writeblocks(42, b'B' * 1024)\n"
        "block = bytearray(2048)\nsd.readblocks(40, block)\nprint(json.dumps(block.decode()))\n"
    )
    assert data == "A" * 1024 + "B" * 1024
    assert slot.card.commands.count(25) == 2
    assert slot.card.image[42 * BLOCK_BYTES : 44 * BLOCK_BYTES] == b"B" * 1024


def test_a_long_read_stays_open_for_the_blocks_behind_it(slot: Slot) -> None:
    slot.card.image[40 * BLOCK_BYTES : 46 * BLOCK_BYTES] = b"A" * 1024 + b"B" * 512 + b"C" * 1024 + b"D" * 512
    found = slot.run(
        "sd = card()\nfound = ''\n"
        "for start, count in ((40, 2), (42, 1), (43, 2), (40, 1), (45, 1)):\n"
        "    block = bytearray(count * 512)\n    sd.readblocks(start, block)\n    found += chr(block[0]) * count\n"
        "print(json.dumps(found))\n"
    )
    assert found == "AABCCAD"
    assert (slot.card.commands.count(18), slot.card.commands.count(12), slot.card.commands.count(17)) == (1, 1, 2)


def test_a_card_that_a_reset_left_in_a_long_write_is_brought_to_its_end(slot: Slot) -> None:
    slot.card.busy_bytes = 500
    found = slot.run(
        "card().writeblocks(40, b'A' * 1024)\n"
        "block = bytearray(1024)\ncard().readblocks(40, block)\n"  # a second driver, which knows nothing of the write
        "print(json.dumps(block.decode()))\n"
    )
    assert found == "A" * 1024


def test_the_size_is_the_cards(slot: Slot) -> None:
    blocks = slot.run("print(json.dumps(card().ioctl(4, 0)))\n")
    assert blocks == -(-len(slot.card.image) // (512 * 1024)) * 1024


def test_nobody_waits_for_what_a_card_programs_but_who_comes_next(slot: Slot) -> None:
    slot.card.busy_bytes = 5000
    write_ms, sync_ms, again_ms = slot.run(
        "sd = card()\nblocks = b'A' * 1024\n"
        "took = [attempt(do)[1] for do in (lambda: sd.writeblocks(40, blocks), lambda: sd.ioctl(3, 0),"
        " lambda: sd.ioctl(3, 0))]\n"
        "print(json.dumps(took))\n"
    )
    assert slot.card.image[40 * BLOCK_BYTES : 42 * BLOCK_BYTES] == b"A" * 1024
    assert sync_ms > 0.9 * 5000 * 8 / 12500
    assert again_ms == 0
    assert write_ms < 3 * sync_ms  # the wait between its two blocks, and before the end


@pytest.mark.parametrize("then", ["ioctl(3, 0)", "readblocks(0, bytearray(512))", "writeblocks(9, bytes(512))"])
def test_what_went_wrong_in_the_card_is_told_by_whatever_comes_next(slot: Slot, then: str) -> None:
    slot.card.fail_programming = True
    first, second, third = slot.run(
        "sd = card()\nfirst = attempt(lambda: sd.writeblocks(40, bytes(1024)))\n"
        f"second = attempt(lambda: sd.{then})\nthird = attempt(lambda: sd.{then})\n"
        "print(json.dumps([first[0], second[0], third[0]]))\n"
    )
    assert first is None
    assert second == EIO
    assert third in (None, 0)


def test_a_transfer_within_a_transfer_is_refused_and_spoils_nothing(slot: Slot) -> None:
    """The garbage collector flushes a file that could not be closed whenever it runs, also between two blocks."""
    errno, data = slot.run(
        "nested = []\n"
        "class Collecting(SPI):\n"
        "    def write(self, data):\n"
        "        super().write(data)\n"
        "        if len(data) == 512 and not nested:\n"
        "            nested.append(attempt(lambda: sd.writeblocks(9, bytes(512)))[0])\n"
        "sd = over(Collecting(0))\n"
        "sd.writeblocks(40, b'A' * 1024)\n"
        "block = bytearray(1024)\nsd.readblocks(40, block)\n"
        "print(json.dumps([nested[0], block.decode()]))\n"
    )
    assert errno == EIO
    assert data == "A" * 1024


def test_what_was_meant_for_a_pulled_card_lands_on_no_other(slot: Slot) -> None:
    """A file that could not be closed is flushed by the garbage collector later, through the driver of its card."""
    before = bytes(slot.card.image)

    def swap(_number: int, _data: bytes) -> None:
        slot.card.on_write = None
        slot.card.pull()
        slot.card.identity = slot.card.identity[:9] + b"OTHR" + slot.card.identity[13:]
        slot.card.image[:] = before
        slot.unit.clock.after(2_000_000_000, slot.card.put_back)

    slot.card.on_write = swap
    late, again, own = slot.run(
        "sd = card()\nfirst = sd.identity()\nattempt(lambda: sd.writeblocks(40, b'A' * 1024))\ntime.sleep_ms(3000)\n"
        "late = attempt(lambda: sd.writeblocks(40, b'A' * 1024))[0]\n"
        "again = attempt(lambda: sd.writeblocks(40, b'A' * 1024))[0]\n"
        "print(json.dumps([late, again, card().identity() != first]))\n"
    )
    assert (late, again, own) == (ENODEV, ENODEV, True)
    assert slot.card.image[41 * BLOCK_BYTES : 42 * BLOCK_BYTES] == before[41 * BLOCK_BYTES : 42 * BLOCK_BYTES]


def test_a_driver_whose_volume_is_unmounted_writes_nothing(slot: Slot) -> None:
    before = bytes(slot.card.image)
    errno = slot.run(
        "sd = card()\nsd.retire()\nprint(json.dumps(attempt(lambda: sd.writeblocks(40, b'A' * 1024))[0]))\n"
    )
    assert errno == ENODEV
    assert slot.card.image == before


def test_a_card_that_a_reset_left_in_a_write_is_waited_for(slot: Slot) -> None:
    slot.card.busy_bytes = 5000
    found = slot.run(
        "card().writeblocks(40, b'A' * 512)\n"
        "again, ms = attempt(lambda: card().ioctl(4, 0))\n"  # a second driver, which knows nothing of the write
        "print(json.dumps(again))\n"
    )
    assert found == -(-len(slot.card.image) // (512 * 1024)) * 1024


@pytest.mark.parametrize("blocks", [1, 4])
def test_a_refused_write_raises(slot: Slot, blocks: int) -> None:
    slot.card.refuse_writes = True
    errno, _ms = slot.run(
        f"sd = card()\nprint(json.dumps(attempt(lambda: sd.writeblocks(4, bytearray({blocks * 512})))))\n"
    )
    assert errno == EIO


def test_a_damaged_block_raises_and_the_next_read_is_in_order(slot: Slot) -> None:
    slot.card.damage_next_read = False
    first, second = slot.run(
        "sd = card()\nblock = bytearray(512)\nimport pin_calls\n"
        "first = attempt(lambda: sd.readblocks(3, block))\nsecond = attempt(lambda: sd.readblocks(3, block))\n"
        "print(json.dumps([first[0], second[0]]))\n"
    )
    assert (first, second) == (None, None)
    slot.card.damage_next_read = True
    errno, again = slot.run(
        "try:\n    sd = card()\nexcept OSError as error:\n    found = error.errno\n"
        "sd = card()\nprint(json.dumps([found, attempt(lambda: sd.readblocks(3, bytearray(512)))[0]]))\n"
    )
    assert errno == EIO
    assert again is None


def test_no_card_is_told_at_once(tmp_path: Path) -> None:
    errno, ms = Slot(tmp_path, None).run("print(json.dumps(attempt(card)))\n")
    assert errno == ENODEV
    assert ms < 100


def test_a_card_that_stays_busy_is_given_up(slot: Slot) -> None:
    def stuck(_number: int, _data: bytes) -> None:
        slot.card.stuck_busy = True

    slot.card.on_write = stuck
    errno, ms = slot.run("sd = card()\nprint(json.dumps(attempt(lambda: sd.writeblocks(4, bytearray(512)))))\n")
    assert errno in (EIO, ETIMEDOUT)
    assert ms < 1000


def test_a_card_that_never_ends_programming_is_given_up(slot: Slot) -> None:
    slot.card.busy_bytes = 10_000_000 // 8
    errno, ms = slot.run(
        "sd = card()\nsd.writeblocks(4, bytearray(512))\nprint(json.dumps(attempt(lambda: sd.ioctl(3, 0))))\n"
    )
    assert errno == ETIMEDOUT
    assert ms < 1000


def test_a_pulled_card_raises_and_works_again_once_it_is_back(slot: Slot) -> None:
    def pull(_number: int, _data: bytes) -> None:
        slot.card.pull()
        slot.card.on_write = None
        slot.unit.clock.after(5_000_000_000, slot.card.put_back)

    slot.card.on_write = pull
    first, gone, back, data = slot.run(
        "sd = card()\n"
        "first = attempt(lambda: sd.writeblocks(40, b'A' * 1024))\n"
        "gone = attempt(lambda: sd.readblocks(0, bytearray(512)))\n"
        "time.sleep_ms(6000)\n"
        "back = attempt(lambda: sd.writeblocks(40, b'B' * 1024))\n"
        "block = bytearray(512)\nsd.readblocks(41, block)\n"
        "print(json.dumps([first, gone, back, block.decode()]))\n"
    )
    assert first[0] in (EIO, ETIMEDOUT)
    assert first[1] < 1500
    assert gone[0] == ENODEV
    assert back[0] is None
    assert data == "B" * 512
