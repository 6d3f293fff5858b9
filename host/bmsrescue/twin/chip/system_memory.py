"""System memory: ST's bootloader area and the identity and calibration words behind it (fact sheet 1.1, 8, 10).

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
UNIQUE_ID: Final = 0x1FF1E800
TS_CAL1: Final = 0x1FF1E820
TS_CAL2: Final = 0x1FF1E840
VREFINT_CAL: Final = 0x1FF1E860
FLASH_SIZE_KIB: Final = 0x1FF1E880
PART_NAME: Final = 0x1FF1E8C0

_STACK_TOP: Final = 0x20004100
_PWR_BASE: Final = 0x58024800
_FIRST_CR3_SAFE_VERSION: Final = 0x93
# Thumb code. The literal that `ldr r0, [pc, #4]` loads stands 8 bytes after it.
_WRITE_CR3_AND_STAY: Final = struct.pack("<4HI", 0x4801, 0x68C1, 0x60C1, 0xE7FE, _PWR_BASE)
_STAY: Final = struct.pack("<H", 0xE7FE)


def contents(config: ChipConfig) -> bytearray:
    """The whole area as the factory left it."""
    memory = bytearray(b"\xff" * SIZE)

    def put(address: int, data: bytes) -> None:
        memory[address - START : address - START + len(data)] = data

    vectors = struct.pack("<II", _STACK_TOP, BOOTLOADER_CODE | 1)
    # BOOT_ADD1 names 0x1FF00000; where its vectors are found from there is not documented: both places have them.
    put(START, vectors)
    put(BOOTLOADER_VECTORS, vectors)
    keeps_supply_open = config.bootloader_version >= _FIRST_CR3_SAFE_VERSION
    put(BOOTLOADER_CODE, _STAY if keeps_supply_open else _WRITE_CR3_AND_STAY)
    put(BOOTLOADER_VERSION, bytes([config.bootloader_version]))
    put(UNIQUE_ID, struct.pack("<3I", *config.unique_id))
    put(TS_CAL1, struct.pack("<H", 768))
    put(TS_CAL2, struct.pack("<H", 1022))
    put(VREFINT_CAL, struct.pack("<H", 1509))
    put(FLASH_SIZE_KIB, struct.pack("<H", config.flash_size_kib))
    put(PART_NAME, struct.pack("<I", 0x48373235))
    return memory
