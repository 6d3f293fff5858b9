"""What the chip says about itself: identity, reset cause, supply, option bytes."""

import pytest
from low_chip import ALL_SECTORS, FLASH, Bench

from bmsrescue.twin.chip.config import ChipConfig
from rescue.chips.stm32h7 import family
from rescue.chips.stm32h7 import registers as reg
from rescue.chips.stm32h7.chip import Stm32H7
from rescue.chips.stm32h7.options import rdp_level
from rescue.debug import connect as rungs
from rescuelink.errors import TargetError

LOOPING = (0x20020000).to_bytes(4, "little") + (FLASH + 9).to_bytes(4, "little") + b"\xfe\xe7" * 12


def test_the_chip_is_known_by_its_device_id_and_names_itself() -> None:
    identity = Bench().h7().identity()
    assert identity == {
        "dev_id": 0x483,
        "rev_id": 0x1001,
        "revision": "Z",
        "flash_kib": 1024,
        "uid": "383631303233511000420031",
        "name": "STM32H725",
    }


def test_the_older_revision_is_told_apart() -> None:
    assert Bench(config=ChipConfig(revision_id=0x1000)).h7().identity()["revision"] == "A"


def test_another_chip_is_refused_at_once() -> None:
    bench = Bench(config=ChipConfig(device_id=0x447))
    target = bench.connect()
    with pytest.raises(TargetError) as caught:
        Stm32H7(target, bench.time)
    assert caught.value.kind == "wrong_chip"
    assert "0x447" in caught.value.sentence()


def test_the_reset_cause_tells_power_on_from_a_pin_reset() -> None:
    bench = Bench(LOOPING)
    h7 = bench.h7(rungs.ATTACH)
    assert "PORRSTF" in family.reset_cause(h7.target.ap0)["flags"]
    h7.target.ap0.write32(reg.RCC_RSR, 1 << 16)
    bench.chip.set_nrst(True)
    bench.clock.advance(1_000_000)
    bench.chip.set_nrst(False)
    bench.clock.advance(1_000_000)
    cause = family.reset_cause(h7.target.ap0)
    assert "PINRSTF" in cause["flags"]
    assert "PORRSTF" not in cause["flags"]


def test_the_supply_is_read_and_never_written() -> None:
    bench = Bench(LOOPING)
    supply = bench.h7().supply()
    assert supply["cr3"] & 0x3F == 0x06  # the power-on default: nobody has used up the one write
    assert supply["csr1"] >> 14 == 1  # VOS3, as after every reset
    bench.power_cycle()
    assert bench.h7().supply() == supply


def test_the_watchdogs_stop_while_the_core_is_halted() -> None:
    h7 = Bench(LOOPING).h7()
    assert h7.target.ap2.read32(reg.DBGMCU_APB + reg.DBGMCU_APB4FZ1) & reg.FREEZE_IWDG1
    assert h7.target.ap2.read32(reg.DBGMCU_APB + reg.DBGMCU_APB3FZ1) & reg.FREEZE_WWDG1


def test_a_chip_without_a_usable_debug_apb_is_identified_through_the_core() -> None:
    bench = Bench(LOOPING, ChipConfig(ap2_idr=0))
    h7 = bench.h7()
    assert h7.identity()["name"] == "STM32H725"
    assert h7.target.ap0.read32(reg.DBGMCU_AHB + reg.DBGMCU_APB4FZ1) & reg.FREEZE_IWDG1


def test_a_hardware_watchdog_does_not_bite_during_an_erase() -> None:
    bench = Bench(LOOPING)
    values = bench.chip.options.current
    fields = {name: getattr(values, name) for name in values.__dataclass_fields__}
    bench.chip.options.preset(values.__class__(**{**fields, "optsr": values.optsr & ~0x10}))
    bench.power_cycle()
    h7 = bench.h7()
    assert h7.options.read()["iwdg_hardware"]
    h7.flash.unlock()
    h7.flash.erase(0, ALL_SECTORS)
    bench.clock.advance(60_000_000_000)
    assert h7.target.core.state() == "halted"
    assert h7.flash.is_blank(FLASH, 0x20000)


def test_factory_option_bytes_are_decoded() -> None:
    options = Bench().h7().options.read()
    expected = {
        "optsr": 0x0306AAD0,
        "rdp": 0,
        "bor_level": 0,
        "iwdg_hardware": False,
        "security": False,
        "boot_add0": 0x08000000,
        "boot_add1": 0x1FF00000,
        "wrp_sectors": [],
        "wrp_group": 1,
        "pcrop": [],
        "secure_area": [],
        "itcm_kib": 64,
    }
    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(("byte", "level"), [(0xAA, 0), (0xCC, 2), (0x55, 1), (0x00, 1), (0xFF, 1)])
def test_read_out_protection_levels(byte: int, level: int) -> None:
    assert rdp_level(byte << 8) == level
