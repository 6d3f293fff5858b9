# CRC-32 of a memory range, computed by the target's own core: a sector costs some 30 transfers instead of 32768.
#
# The routine (target_crc.S) runs from DTCM, only on a core that was reset into halt: clocks, caches and MPU are then as
# the reference manual says, and nothing of the unit's firmware is running. It proves itself on known data first.

import binascii

from micropython import const

from rescue.chips import h7_registers as reg
from rescuelink.errors import TargetError, WireError

# target_crc.S, assembled; a test assembles it again and compares.
CODE = (
    b"\x1c\xa3\xd2\x43\x01\x44\x50\xf8\x04\x4b\x62\x40\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12"
    b"\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12"
    b"\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12"
    b"\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12"
    b"\x02\xf0\x0f\x04\x53\xf8\x24\x40\x84\xea\x12\x12\x88\x42\xca\xd1\xd0\x43\x00\xbe\x00\x00\x00\x00"
    b"\x64\x10\xb7\x1d\xc8\x20\x6e\x3b\xac\x30\xd9\x26\x90\x41\xdc\x76\xf4\x51\x6b\x6b\x58\x61\xb2\x4d"
    b"\x3c\x71\x05\x50\x20\x83\xb8\xed\x44\x93\x0f\xf0\xe8\xa3\xd6\xd6\x8c\xb3\x61\xcb\xb0\xc2\x64\x9b"
    b"\xd4\xd2\xd3\x86\x78\xe2\x0a\xa0\x1c\xf2\xbd\xbd"
)

_STACK_BYTES = const(256)
_BASE_MS = const(50)
# 28 instructions a word, measured in cycles with flash wait states about 12 a byte; the limit allows five times that.
_LIMIT_CYCLES_PER_BYTE = const(64)
_USUAL_CYCLES_PER_BYTE = const(7)  # at least: asking earlier only costs SWCLK


class TargetCrc:
    """reason: why the last crc32() was None: one sentence, or "" ."""

    def __init__(self, core, clock, chip):
        self._core = core
        self._clock = clock
        self._chip = chip
        self._usable = True
        self._loaded = False
        self.reason = ""

    def crc32(self, address, length, crc=0):
        """CRC of `length` bytes from `address` (both multiples of 4), continuing from `crc`; as binascii.crc32.

        None where the core cannot say: a torn flash word in the range, a core that does not run the routine, a
        self-test that failed (then also for every later call). The caller reads back instead. The core is reset into
        halt if anything else has run on it or a routine went wrong; it is left halted.
        """
        if address % 4 or length % 4:
            raise TargetError("alignment", "the CRC routine works on whole words", address)
        if not length:
            return crc
        if not self._usable:
            return None
        self.reason = ""
        try:
            self._load()
            return self._run(address, length, crc) if self._usable else None
        except (TargetError, WireError) as error:
            self.reason = error.sentence()
            return None

    def forget(self):
        """The routine in the target's RAM may have been spoilt: load and prove it anew before the next CRC."""
        self._loaded = False

    def _load(self):
        """The routine in DTCM of a core in reset halt, once proven on its own bytes."""
        if self._loaded and self._core.reset_halted:
            return
        if not self._core.reset_halted:
            self._core.reset_halt()
        self._loaded = False
        self._core.ap.write_block(self._chip.work_ram, CODE)
        if self._run(self._chip.work_ram, len(CODE), 0) != binascii.crc32(CODE):
            self._usable = False
            self.reason = "The CRC routine failed its self-test on this chip."
        self._loaded = True

    def _run(self, address, length, crc):
        core = self._core
        core.ap.write32(reg.IWDG1_KR, reg.IWDG1_RELOAD, again=True)  # a hardware watchdog counts while the core runs
        khz = self._chip.reset_clock_hz // 1000
        limit_ms = _BASE_MS + length * _LIMIT_CYCLES_PER_BYTE // khz
        usual_ms = length * _USUAL_CYCLES_PER_BYTE // khz
        stack = self._chip.work_ram + len(CODE) + _STACK_BYTES & ~7
        return core.call(self._chip.work_ram, (address, length, crc), stack, limit_ms, usual_ms)


def crc32_of_blank(length):
    """CRC-32 of `length` erased bytes: what crc32() says of a blank sector."""
    block = b"\xff" * 1024
    crc = 0
    while length > 0:
        crc = binascii.crc32(block[: min(length, 1024)], crc)
        length -= 1024
    return crc
