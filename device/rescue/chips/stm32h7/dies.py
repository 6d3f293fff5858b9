# The family's other dies, as far as they differ from the H72x. RM0433, RM0455;
# docs/reference/chip.md#family-differences.

from rescue.chips.stm32h7.table import H72x


class H74x(H72x):
    """One die, DEV_ID 0x450. Two banks of eight 128 KiB sectors each; parts with 128 KiB have one sector."""

    dev_id = 0x450
    name = "STM32H74x"
    revisions = {0x1000: "A", 0x1001: "Z", 0x1003: "Y", 0x2001: "X", 0x2003: "V"}
    flash_kib = 2048
    stack_ranges = (
        (0x00000000, 0x00010000),  # ITCM
        (0x20000000, 0x20020000),  # DTCM
        (0x24000000, 0x24080000),  # AXI SRAM
        (0x30000000, 0x30048000),  # SRAM1 to 3
        (0x38000000, 0x38010000),  # SRAM4
    )


class H7Ax(H72x):
    """One die, DEV_ID 0x480. Two banks of 128 sectors of 8 KiB, 16-byte flash words; the 7B0 has 16 sectors."""

    dev_id = 0x480
    name = "STM32H7Ax"
    revisions = {0x1000: "A", 0x1007: "X"}
    flash_kib = 2048
    sector_bytes = 0x2000
    word_bytes = 16
    wpsn = (4, 32)
    control = (0, 0x20, 6, 0x1FAF0000)  # no PSIZE, no OPERR
    flash_word_us = 50  # no data sheet at hand: a first guess, for how long to sleep before looking
    sector_erase_ms = 10  # the same

    flash_size_address = 0x08FFF80C
    uid_address = 0x08FFF800
    part_name_address = None
    stack_ranges = (
        (0x00000000, 0x00010000),  # ITCM
        (0x20000000, 0x20020000),  # DTCM
        (0x24000000, 0x24100000),  # AXI SRAM
        (0x30000000, 0x30020000),  # AHB SRAM1, SRAM2
        (0x38000000, 0x38008000),  # SRD SRAM
    )


def find(dev_id):
    """The chip with this DEV_ID, or None."""
    return {0x450: H74x, 0x480: H7Ax, H72x.dev_id: H72x}.get(dev_id)
