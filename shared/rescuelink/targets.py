"""The chips a job may name: what a validator must know before any wire is touched.

Facts: STM32H7 fact sheet sections 1.1, 1.2 and 12. The drivers' own tables are in `rescue.chips`.
"""

FLASH_BASE = 0x0800_0000


class TargetFacts:
    """Flash geometry in bytes, and where an initial stack pointer may lie (start inclusive, end inclusive)."""

    def __init__(
        self,
        dev_id: int,
        flash_kib: tuple[int, ...],
        sector_bytes: int,
        word_bytes: int,
        ram: tuple[tuple[int, int], ...],
    ) -> None:
        self.dev_id = dev_id
        self.flash_kib = flash_kib
        self.sector_bytes = sector_bytes
        self.word_bytes = word_bytes
        self.ram = ram


_RAM_H72X = (
    (0x0000_0000, 0x0004_0000),  # ITCM, up to 256 KiB by option
    (0x2000_0000, 0x2002_0000),  # DTCM
    (0x2400_0000, 0x2405_0000),  # AXI SRAM 1 and 2
    (0x3000_0000, 0x3000_8000),  # AHB SRAM 1 and 2
    (0x3800_0000, 0x3800_4000),  # SRAM4
)
_SECTOR_BYTES = 128 * 1024
_WORD_BYTES = 32

_H72X = TargetFacts(0x483, (128, 512, 1024), _SECTOR_BYTES, _WORD_BYTES, _RAM_H72X)

TARGETS = {
    "STM32H723": _H72X,
    "STM32H725": _H72X,
    "STM32H730": _H72X,
    "STM32H733": _H72X,
    "STM32H735": _H72X,
}


def stack_pointer_valid(facts: TargetFacts, sp: int) -> bool:
    """Whether `sp` can be an initial stack pointer: word-aligned and in (or just past) a RAM."""
    return sp % 4 == 0 and any(low < sp <= high for low, high in facts.ram)


def reset_vector_valid(pc: int, low: int, high: int) -> bool:
    """Whether `pc` can be a reset vector: Thumb bit set and its target in [low, high)."""
    return pc & 1 == 1 and low <= pc - 1 < high
