# The chips the agent knows, by DBGMCU_IDC.DEV_ID. RM0468 for the H72x and H73x;
# docs/reference/chip.md#device-ids.
#
# A chip is a class used as a plain table: geometry, addresses, names. The family's other dies are classes of their own
# with what differs (dies.py), loaded where one of them answers.


class H72x:
    """STM32H723/725/730/733/735: one die, DEV_ID 0x483. One bank of 128 KiB sectors, 32-byte flash words."""

    dev_id = 0x483
    name = "STM32H72x"
    revisions = {0x1000: "A", 0x1001: "Z"}

    flash_base = 0x08000000
    flash_kib = 1024  # where the size register is not programmed
    sector_bytes = 0x20000
    word_bytes = 32
    bank_bytes = 0x100000  # the second bank follows the first, where there is one
    wpsn = (1, 8)  # sectors by each bit of WPSN, bits of it in each bank
    flash_registers = 0x52002000  # of the first bank
    # What is not the same in all: CR while idle (x64), START, the place of a sector's number; all flags of SR.
    control = (0x30, 0x80, 8, 0x1FEF0000)
    flash_word_us = 100  # typical programming time with x64
    sector_erase_ms = 1000  # typical, with x64

    flash_size_address = 0x1FF1E880
    uid_address = 0x1FF1E800
    part_name_address = 0x1FF1E8C0

    work_ram = 0x20000000  # DTCM: never cached, no wait states
    work_ram_bytes = 0x20000
    # Where an initial stack pointer may point: one past the end of a RAM is legal.
    stack_ranges = (
        (0x00000000, 0x00040000),  # ITCM, up to 256 KiB by option
        (0x20000000, 0x20020000),  # DTCM
        (0x24000000, 0x24050000),  # AXI SRAM
        (0x30000000, 0x30008000),  # AHB SRAM1, SRAM2
        (0x38000000, 0x38004000),  # SRAM4
    )

    reset_clock_hz = 64000000  # HSI

    # DBGMCU through AP2. CR: debug clocks of D1 and D3 on, debug alive in Sleep, Stop and Standby of D1; bits 3..8 stay
    # 0, they upset the debug clocks of the family (chip.md#dbgmcu-reserved). Then both watchdogs stop while the core is
    # halted, so that one started by option byte does not bite between the halt and freeze_watchdogs().
    debug_setup = (
        (0xE00E1004, 0x00600007),  # CR
        (0xE00E1034, 0x00000040),  # APB3FZ1: WWDG1
        (0xE00E1054, 0x00040000),  # APB4FZ1: IWDG1
    )
