"""pyOCD with its builtin stm32h743xx target takes the twin for an H743.

Its flash algorithm for that chip feeds five watchdogs in each turn of its waiting loops: a sector's erase would take
minutes on the twin's core, so that programming is judged by OpenOCD alone (test_openocd_chips.py).
"""

from __future__ import annotations

from collections.abc import Callable

from pyocd.core.helpers import ConnectHelper
from pyocd.core.target import Target
from pyocd.flash.flash import Flash

from served_unit import ServedUnit

DBGMCU_IDC = 0x5C001000
FLASH, BANK2 = 0x08000000, 0x08100000


def test_it_connects_to_an_h743_reads_both_banks_and_starts_its_flash_algorithm(
    served: Callable[..., ServedUnit],
) -> None:
    unit = served("healthy", chip="H743", virtual_time=False)  # pyOCD waits in wall time after a reset
    session = ConnectHelper.session_with_chosen_probe(
        unique_id=f"bmsrescue:bitbang:{unit.ports.host}:{unit.ports.bitbang}:{unit.ports.control}",
        target_override="stm32h743xx",
        connect_mode="under-reset",
        blocking=False,
        return_first=True,
        options={"frequency": 4_000_000},
    )
    with session:
        target = session.target
        assert target.get_state() is Target.State.HALTED
        assert target.read32(DBGMCU_IDC) & 0xFFF == 0x450
        banks = [bytes(target.read_memory_block8(start, 1024)) for start in (FLASH, BANK2)]
        flash = target.memory_map.get_region_for_address(BANK2).flash
        assert flash is not None
        flash.init(Flash.Operation.ERASE)
        flash.cleanup()
    assert banks == [unit.flash(FLASH, 1024), unit.flash(BANK2, 1024)]
    assert banks[1] != b"\xff" * 1024
