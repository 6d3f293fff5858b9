"""System memory: ST's bootloader area and the identity and calibration words behind it.

Sources: docs/reference/chip.md#rom-bootloader, #identity-words, #calibration-words.

The bootloader is reduced to what a debugger can tell: the core sits in a loop, and versions before
9.3 have used up PWR_CR3's one write on the way there.
"""

from __future__ import annotations

import struct
from typing import Final

from bmsrescue.twin.chip.config import ChipConfig

START: Final = 0x1FF00000
SIZE: Final = 0x1F000
"""Up to the end of the identity page, in whole 4 KiB."""
BOOTLOADER_VECTORS: Final = 0x1FF09800
BOOTLOADER_CODE: Final = 0x1FF09A00
BOOTLOADER_VERSION: Final = 0x1FF1E7FE
_PAGE: Final = 0x1000
_STACK_TOP: Final = 0x20004100
_PWR_BASE: Final = 0x58024800
_FIRST_CR3_SAFE_VERSION: Final = 0x93
# Thumb code. The literal that `ldr r0, [pc, #4]` loads stands 8 bytes after it.
_WRITE_CR3_AND_STAY: Final = struct.pack("<4HI", 0x4801, 0x68C1, 0x60C1, 0xE7FE, _PWR_BASE)
_STAY: Final = struct.pack("<H", 0xE7FE)


def contents(config: ChipConfig) -> dict[int, bytearray]:
    """Read-only areas as the factory left them, by start address.

    The H7Ax keeps its identity behind its OTP area, the others behind the bootloader.
    """
    die = config.die
    memories = {START: bytearray(b"\xff" * SIZE)}
    if die.unique_id < START:
        memories[die.unique_id & ~(_PAGE - 1)] = bytearray(b"\xff" * _PAGE)

    def put(address: int, data: bytes) -> None:
        start = max(start for start in memories if start <= address)
        memories[start][address - start : address - start + len(data)] = data

    vectors = struct.pack("<II", _STACK_TOP, BOOTLOADER_CODE | 1)
    # BOOT_ADD1 names 0x1FF00000; where its vectors are found from there is not documented: both places have them.
    put(START, vectors)
    put(BOOTLOADER_VECTORS, vectors)
    keeps_supply_open = config.bootloader_version >= _FIRST_CR3_SAFE_VERSION
    put(BOOTLOADER_CODE, _STAY if keeps_supply_open else _WRITE_CR3_AND_STAY)
    put(BOOTLOADER_VERSION, bytes([config.bootloader_version]))
    put(die.unique_id, struct.pack("<3I", *config.unique_id))
    for address, value in die.calibration.items():
        put(address, struct.pack("<H", value))
    part = config.sold_as
    put(die.flash_size, struct.pack("<H", config.flash_size_kib or part.flash_kib))
    if die.part_name is not None:
        put(die.part_name, part.name.encode("ascii")[::-1])
    return memories
