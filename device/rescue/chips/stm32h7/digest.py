# SHA-256 of a memory range, and its blank end, by the target's own core: a sector costs some 40 transfers, not 32768.
# A CRC would not do: data that carry their own CRC all have the same one, and a unit's data and firmware do.
#
# The routine (target_digest.S) runs from DTCM, only on a core that was reset into halt: clocks, caches and MPU are then
# as the reference manual says, and nothing of the unit's firmware is running. It proves itself on known data first.
#
# Its bytes are in the heap while they are brought there (digest_code.py).
#
# In the work RAM: the routine at its beginning, its job right below the mailbox of the flash loader
# (flash_loader.py), what it needs of a stack below that.

import hashlib
import struct

from micropython import const

from rescue.chips.stm32h7 import registers as reg
from rescuelink.errors import TargetError, WireError

_JOB = const(0x7B0)
_JOB_BYTES = const(48)
_STEP = const(16)  # what is looked at for blankness comes in steps of so many bytes
_TRIES = const(2)
_BASE_MS = const(50)
# In cycles, one to an instruction. A core with flash wait states may take longer, and is given five times that.
_HASH_CYCLES = const(31)  # a byte
_LOOK_CYCLES = const(9)  # 16 bytes
_PATIENCE = const(5)
_RAILS_MS = const(40)  # between two looks at the rails while the core works


class TargetDigest:
    """reason: why the last answer was None: one sentence, or "" ."""

    def __init__(self, core, clock, chip):
        self._core = core
        self._clock = clock
        self._chip = chip
        self._usable = True
        self._loaded = False
        self._result = None
        self.reason = ""

    def sha256(self, address, length, check=None):
        """SHA-256 of `length` bytes from `address`, 32 bytes; None where the core cannot say: see look()."""
        found = self.look(address, 0, length, check)
        return None if found is None else found[1]

    def is_blank(self, address, size):
        """Whether `size` bytes from `address`, multiples of 16, are all ones; None where the core cannot say."""
        found = self.look(address, size, 0)
        return None if found is None else found[0] == address

    def look(self, address, size, length, check=None):
        """(the address from which on `size` bytes from `address` are blank, in steps of 16 bytes; SHA-256 of `length`
        bytes from `address`, which is not made where all that was looked at is blank).

        None where the core cannot say: a torn flash word in the range, a core that does not run the routine, a
        self-test that failed (then also for every later call). The caller reads back instead. The core is reset into
        halt if anything else has run on it or a routine went wrong; it is left halted. `check()` is called now and then
        and may raise.
        """
        if size and (address % _STEP or size % _STEP):
            raise TargetError("alignment", "blank is looked for in steps of 16 bytes", address)
        if not self._usable:
            return None
        for _ in range(_TRIES):
            self.reason = ""
            self._clock.feed()
            try:
                self._load()
                return self._run(address, size, length, check) if self._usable else None
            except TargetError as error:
                self.reason = error.sentence()
                return None
            except WireError as error:
                self.reason = error.sentence()  # disturbed: nothing is lost by asking again
        return None

    def stands(self):
        """Whether the last answer is the same when it is read once more: a wrong one is seldom wrong twice."""
        try:
            return self._read() == self._result
        except WireError:
            return False

    def forget(self):
        """The routine in the target's RAM may have been spoilt: load and prove it anew before the next answer."""
        self._loaded = False

    def _load(self):
        """The routine in DTCM of a core in reset halt, once proven on its own bytes."""
        if self._loaded and self._core.reset_halted:
            return
        if not self._core.reset_halted:
            self._core.reset_halt()
        self._loaded = False
        from rescue.chips.stm32h7.digest_code import CODE

        base = self._chip.work_ram
        end = -(-len(CODE) // _STEP) * _STEP
        wanted = (base + end, hashlib.sha256(CODE).digest())
        for _ in range(_TRIES):
            self._core.ap.write_block(base, CODE + b"\xff" * (end + _STEP - len(CODE)))
            if self._run(base, end + _STEP, len(CODE), None) == wanted:
                self._loaded = True
                return
        self._usable = False
        self.reason = "The SHA-256 routine failed its self-test on this chip."

    def _run(self, address, size, length, check):
        core = self._core
        core.ap.write32(reg.IWDG1_KR, reg.IWDG1_RELOAD, again=True)  # a hardware watchdog counts while the core runs
        job = self._chip.work_ram + _JOB
        core.ap.write_block(job, struct.pack("<4I", address, size, length, 0))
        core.start(self._chip.work_ram, (), job)
        cycles = size // _STEP * _LOOK_CYCLES + length * _HASH_CYCLES
        usual_ms = left_ms = cycles // (self._chip.reset_clock_hz // 1000)
        while left_ms > 0:
            self._clock.sleep_ms(min(left_ms, _RAILS_MS))
            left_ms -= _RAILS_MS
            if check is not None:
                check()
        blank_from = core.result(_BASE_MS + usual_ms * _PATIENCE)
        found = self._result = self._read()
        if found[:4] != (address, size, length, blank_from):
            raise WireError("parity", "the core was asked otherwise than it should have been", address)
        return found[3:]

    def _read(self):
        # What it was asked, as it arrived, and what it has found.
        box = bytearray(_JOB_BYTES)
        self._core.ap.read_block(self._chip.work_ram + _JOB, box)
        return struct.unpack("<4I32s", box)
