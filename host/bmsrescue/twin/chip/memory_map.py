"""The RAMs of the H725 and where they are (RM0468 section 2.4; fact sheet 1.3), with TCM_AXI_SHARED at its default."""

from __future__ import annotations

import random

from bmsrescue.twin.chip.bus import RamBlock

ITCM = 0x00000000
DTCM = 0x20000000
AXI_SRAM = 0x24000000
AHB_SRAM1 = 0x30000000
AHB_SRAM2 = 0x30004000
SRAM4 = 0x38000000
BACKUP_SRAM = 0x38800000
PPB = 0xE0000000
PPB_SIZE = 0x100000

_KIB = 1024


def make_rams(*, gated_is_error: bool) -> dict[str, RamBlock]:
    """By name. The clocks of SRAM1, SRAM2 and BKPRAM are off after reset; RCC switches them."""
    rams = (
        RamBlock("ITCM", ITCM, 64 * _KIB),
        RamBlock("DTCM", DTCM, 128 * _KIB),
        RamBlock("AXISRAM", AXI_SRAM, 320 * _KIB),
        RamBlock("SRAM1", AHB_SRAM1, 16 * _KIB, enabled=False, gated_error=gated_is_error),
        RamBlock("SRAM2", AHB_SRAM2, 16 * _KIB, enabled=False, gated_error=gated_is_error),
        RamBlock("SRAM4", SRAM4, 16 * _KIB),
        RamBlock("BKPRAM", BACKUP_SRAM, 4 * _KIB, enabled=False, gated_error=gated_is_error),
    )
    return {ram.name: ram for ram in rams}


def scramble(rams: dict[str, RamBlock], rng: random.Random) -> None:
    """What RAM holds after power-on: nothing anybody wrote. The backup SRAM has no battery on this board."""
    for ram in rams.values():
        ram.data[:] = rng.randbytes(len(ram.data))
