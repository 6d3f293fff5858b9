"""The agent's lower half on a real MicroPython with a small board's heap, against the twin's chip."""

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.helper import ENDED, VirtualHelper
from bmsrescue.twin.helper.wire import wire_over

FLASH = 0x08000000
CODE = (0x20020000).to_bytes(4, "little") + (FLASH + 0x201).to_bytes(4, "little") + bytes(0x1F8) + b"\xfe\xe7" * 16
IMAGE = CODE + random.Random(5).randbytes(8192 - len(CODE))
TORN = (FLASH + 0x440, FLASH + 0xC00)


class ChipOnWires:
    """A unit that is nothing but the chip: 3.3 V follows the supply at once."""

    rail_names = ("v3v3",)
    supply_ma = 0
    nrst_falls = 0
    pulled = False

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.chip = Stm32H7(self.clock, seed=3)
        self.chip.flash.load(FLASH, IMAGE)
        for address in TORN:
            self.chip.flash.tear(address)
        self._mv = 0

    @property
    def nrst_level(self) -> bool:
        return not (self.pulled or self.chip.nrst_low)

    def rail_mv(self, _name: str) -> int:
        return self._mv

    def set_power(self, on: bool) -> None:
        self._mv = 3300 if on else 0
        self.chip.set_vdd_mv(self._mv)

    def set_boot0(self, level: bool | None) -> None:
        self.chip.set_boot0(bool(level))

    def set_nrst(self, low: bool) -> None:
        self.pulled = low
        self.chip.set_nrst(low)

    def press_button(self, pressed: bool) -> None:
        pass


@pytest.fixture(scope="module")
def unit() -> ChipOnWires:
    return ChipOnWires()


@pytest.fixture(scope="module")
def seen(unit: ChipOnWires) -> dict[str, Any]:
    helper = VirtualHelper(unit, wire_over(unit.chip.swd), None)
    result = helper.run(Path(__file__).parent / "scripts" / "low_chip_work.py")
    assert (result.how, result.output) == (ENDED, "")
    data = result.events[-1][2]
    assert isinstance(data, dict)
    assert "error" not in data, data["error"]
    return data


def test_the_chip_is_identified_while_its_core_runs(seen: dict[str, Any]) -> None:
    assert seen["identity"]["name"] == "STM32H725"
    assert seen["options"]["rdp"] == 0
    assert seen["state"] == "running"
    assert seen["clock_hz"] == pytest.approx(64_000_000, rel=0.01)
    assert seen["vectors"] == {"sp": 0x20020000, "pc": FLASH + 0x201, "valid": True}


def test_a_backup_survives_torn_words(seen: dict[str, Any]) -> None:
    expected = bytearray(IMAGE[:4096])
    for address in TORN:
        expected[address - FLASH : address - FLASH + 32] = b"\xff" * 32
    assert tuple(seen["torn"]) == TORN
    assert seen["old"] == hashlib.sha256(expected).hexdigest()
    found, reason = seen["digest_torn"]
    assert found is None
    assert "0x08000440" in reason


def test_without_consent_nothing_was_erased(seen: dict[str, Any]) -> None:
    assert seen["refused"]["error"] == "ConsentError"


def test_what_was_programmed_is_there_by_reading_and_by_digest(seen: dict[str, Any], unit: ChipOnWires) -> None:
    assert seen["torn_after"] == []
    assert seen["same"]
    assert seen["digest_right"]
    expected = bytes((index * 7 + (index >> 8)) & 0xFF for index in range(4096))
    assert unit.chip.flash.snapshot()[: 1024 + 4096 + 32] == b"\xff" * 1024 + expected + b"\xff" * 32


def test_boot0_reaches_the_system_bootloader(seen: dict[str, Any]) -> None:
    assert seen["boot0"] == "halted"


def test_no_transfer_was_malformed(seen: dict[str, Any], unit: ChipOnWires) -> None:
    assert seen
    assert not unit.chip.counters.violations


def test_the_heap_and_the_wire_are_used_sparingly(seen: dict[str, Any]) -> None:
    print(f"heap free at least {seen['heap_free_min']} bytes, {seen['cycles_per_flash_word']} SWCLK per flash word")
    assert seen["heap_free_min"] > 100 * 1024
    assert seen["cycles_per_flash_word"] < 900
