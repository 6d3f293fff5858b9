"""The chips a job may name: what a validator must know before any wire is touched.

Facts: docs/reference/chip.md#memory-map, #family-differences. The drivers' own tables are in `rescue.chips`.
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
_TCM = ((0x0000_0000, 0x0001_0000), (0x2000_0000, 0x2002_0000))  # ITCM, DTCM
_RAM_H74X = (
    (0x2400_0000, 0x2408_0000),  # AXI SRAM
    (0x3000_0000, 0x3004_8000),  # AHB SRAM 1 to 3
    (0x3800_0000, 0x3801_0000),  # SRAM4
)
_RAM_H7AX = (
    (0x2400_0000, 0x2410_0000),  # AXI SRAM 1 to 3
    (0x3000_0000, 0x3002_0000),  # AHB SRAM 1 and 2
    (0x3800_0000, 0x3800_8000),  # SRD SRAM
)
_SECTOR_BYTES = 128 * 1024
_WORD_BYTES = 32

# The 1 MiB parts of the two-bank chips are not here: their second bank leaves a hole behind the first.
_H72X = TargetFacts(0x483, (128, 512, 1024), _SECTOR_BYTES, _WORD_BYTES, _RAM_H72X)
_H74X = TargetFacts(0x450, (2048,), _SECTOR_BYTES, _WORD_BYTES, _TCM + _RAM_H74X)
_H7AX = TargetFacts(0x480, (2048,), 8 * 1024, 16, _TCM + _RAM_H7AX)
_H7B0 = TargetFacts(0x480, (128,), 8 * 1024, 16, _TCM + _RAM_H7AX)

TARGETS = {
    "STM32H723": _H72X,
    "STM32H725": _H72X,
    "STM32H730": _H72X,
    "STM32H733": _H72X,
    "STM32H735": _H72X,
    "STM32H743": _H74X,
    "STM32H753": _H74X,
    "STM32H7A3": _H7AX,
    "STM32H7B0": _H7B0,
    "STM32H7B3": _H7AX,
}


def stack_pointer_valid(facts: TargetFacts, sp: int) -> bool:
    """Whether `sp` can be an initial stack pointer: word-aligned and in (or just past) a RAM."""
    return sp % 4 == 0 and any(low < sp <= high for low, high in facts.ram)


def reset_vector_valid(pc: int, low: int, high: int) -> bool:
    """Whether `pc` can be a reset vector: Thumb bit set and its target in [low, high)."""
    return pc & 1 == 1 and low <= pc - 1 < high
