# STM32H7 flash controller: offsets from a bank's base, bits, keys. RM0468, RM0433 4.9.
# What is not the same on all dies (PSIZE, START, SNB in CR; OPERR in SR) is in table.py.

BANK_STEP = 0x100  # from the registers of one bank to those of the next

KEYR1 = 0x04
KEYS = (0x45670123, 0xCDEF89AB)

# CR1 is always written as a whole word: SER or SNB left set while PG is set makes writes fail
# (docs/reference/chip.md#flash-cr-whole).
CR1 = 0x0C
CR_LOCK = 1 << 0
CR_PG = 1 << 1
CR_SER = 1 << 2

SR1 = 0x10
SR_BSY = 1 << 0
SR_WBNE = 1 << 1
SR_QW = 1 << 2
SR_BUSY = SR_BSY | SR_QW  # BSY drops between the steps of an operation, QW does not
SR_EOP = 1 << 16
SR_WRPERR = 1 << 17
SR_RDPERR = 1 << 23
SR_RDSERR = 1 << 24
SR_DBECCERR = 1 << 26
SR_ERRORS = 0x07EE0000  # every error flag, without EOP and the CRC unit's
SR_WRITE_ERRORS = 0x006E0000  # of writing alone: RDPERR and RDSERR appear by themselves where a core speculates
SR_FLAGS = (
    (SR_WRPERR, "WRPERR"),
    (1 << 18, "PGSERR"),
    (1 << 19, "STRBERR"),
    (1 << 21, "INCERR"),
    (1 << 22, "OPERR"),
    (SR_RDPERR, "RDPERR"),
    (SR_RDSERR, "RDSERR"),
    (1 << 25, "SNECCERR"),
    (SR_DBECCERR, "DBECCERR"),
)

CCR1 = 0x14
CCR_ECC = 0x06000000

OPTCR = 0x18
OPTSR_CUR = 0x1C
PRAR_CUR = 0x28
SCAR_CUR = 0x30
WPSN_CUR = 0x38
BOOT_CUR = 0x40
OPTSR2_CUR = 0x70

ECC_FA1 = 0x60  # index of the first flash word with an ECC error since the flags were cleared
