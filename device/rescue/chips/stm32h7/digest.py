# SHA-256 of a memory range, and its blank end, by the target's own core: a sector costs some 40 transfers, not 32768.
# A CRC would not do: data that carry their own CRC all have the same one, and a unit's data and firmware do.
#
# The routine (target_digest.S) runs from DTCM, only on a core that was reset into halt: clocks, caches and MPU are then
# as the reference manual says, and nothing of the unit's firmware is running. It proves itself on known data first.
#
# In the work RAM: the routine at its beginning, its job right below the mailbox of the flash loader
# (flash_loader.py), what it needs of a stack below that.

import hashlib
import struct

from micropython import const

from rescue.chips.stm32h7 import registers as reg
from rescuelink.errors import TargetError, WireError

# target_digest.S, assembled; a test assembles it again and compares.
CODE = (
    b"\xe4\xb0\x64\x98\x65\x99\x06\x46\x01\x44\x09\xe0\x3c\xc8\x02\xea\x03\x02\x04\xea\x05\x04\x02\xea"
    b"\x04\x02\x01\x32\x18\xbf\x06\x46\x88\x42\xf3\xd1\x67\x96\x64\x98\x65\x99\x66\x9a\x12\xb1\x19\xb1"
    b"\x86\x42\x01\xd1\x30\x46\x00\xbe\x60\x90\x10\x44\x61\x90\x00\x20\x62\x90\x99\xa0\x90\xe8\xf0\x0f"
    b"\x68\xa8\x80\xe8\xf0\x0f\x60\x98\x61\x99\x0a\x1a\x40\x2a\x2f\xd2\x62\x9b\x53\xb1\x68\xa9\x01\xf1"
    b"\x20\x02\x08\x68\x00\xba\x41\xf8\x04\x0b\x91\x42\xf9\xd1\x67\x9e\xe0\xe7\x40\xab\x60\x93\x62\x93"
    b"\x03\xe0\x10\xf8\x01\x2b\x03\xf8\x01\x2b\x88\x42\xf9\xd1\x80\x22\x0d\xf5\x80\x7c\x03\xf8\x01\x2b"
    b"\x00\x22\xa3\xeb\x0c\x00\x00\xf0\x3f\x00\x38\x28\xf6\xd1\x66\x98\x4f\xea\x50\x71\x4f\xea\xc0\x00"
    b"\x09\xba\x00\xba\x43\xf8\x04\x1b\x43\xf8\x04\x0b\x61\x93\xca\xe7\x10\xf4\x7c\x6f\x02\xbf\x4a\xf6"
    b"\xaa\x21\x78\x4a\x11\x60\x6b\x46\x00\xf1\x40\x02\x60\x92\x50\xf8\x04\x1b\x09\xba\x43\xf8\x04\x1b"
    b"\x50\xf8\x04\x1b\x09\xba\x43\xf8\x04\x1b\x50\xf8\x04\x1b\x09\xba\x43\xf8\x04\x1b\x50\xf8\x04\x1b"
    b"\x09\xba\x43\xf8\x04\x1b\x90\x42\xe9\xd1\x53\xf8\x08\x4c\x53\xf8\x04\x5c\x53\xf8\x40\x0c\x0d\xf5"
    b"\x80\x7c\x53\xf8\x3c\x1c\x4f\xea\xf1\x16\x86\xea\xb1\x46\x86\xea\xd1\x06\x4f\xea\x74\x47\x87\xea"
    b"\xf4\x47\x87\xea\x94\x24\x53\xf8\x1c\x7c\x34\x44\x07\x44\x3c\x44\x43\xf8\x04\x4b\x53\xf8\x3c\x0c"
    b"\x4f\xea\xf0\x16\x86\xea\xb0\x46\x86\xea\xd0\x06\x4f\xea\x75\x47\x87\xea\xf5\x47\x87\xea\x95\x25"
    b"\x53\xf8\x1c\x7c\x35\x44\x0f\x44\x3d\x44\x43\xf8\x04\x5b\x63\x45\xd3\xd1\x6b\x46\x0f\xf2\x60\x1c"
    b"\x68\xa8\x90\xe8\xf0\x0f\x85\xea\x06\x02\xf3\xe8\x02\x01\x83\x44\xfc\xe8\x02\x0e\x83\x44\x71\x44"
    b"\x89\xea\x0a\x00\x00\xea\x08\x00\x80\xea\x0a\x00\x83\x44\x88\xea\x78\x10\x80\xea\xf8\x40\x0b\xeb"
    b"\xb0\x1b\x5f\x44\x84\xea\x05\x0e\x02\xea\x0e\x02\x82\xea\x05\x02\x93\x44\x84\xea\xf4\x20\x80\xea"
    b"\x34\x50\x0b\xeb\xb0\x0b\x8a\x44\x88\xea\x09\x00\x00\xea\x07\x00\x80\xea\x09\x00\x82\x44\x87\xea"
    b"\x77\x10\x80\xea\xf7\x40\x0a\xeb\xb0\x1a\x56\x44\x8b\xea\x04\x02\x0e\xea\x02\x0e\x8e\xea\x04\x0e"
    b"\xf2\x44\x8b\xea\xfb\x20\x80\xea\x3b\x50\x0a\xeb\xb0\x0a\xf3\xe8\x02\x01\x81\x44\xfc\xe8\x02\x0e"
    b"\x81\x44\x71\x44\x87\xea\x08\x00\x00\xea\x06\x00\x80\xea\x08\x00\x81\x44\x86\xea\x76\x10\x80\xea"
    b"\xf6\x40\x09\xeb\xb0\x19\x4d\x44\x8a\xea\x0b\x0e\x02\xea\x0e\x02\x82\xea\x0b\x02\x91\x44\x8a\xea"
    b"\xfa\x20\x80\xea\x3a\x50\x09\xeb\xb0\x09\x88\x44\x86\xea\x07\x00\x00\xea\x05\x00\x80\xea\x07\x00"
    b"\x80\x44\x85\xea\x75\x10\x80\xea\xf5\x40\x08\xeb\xb0\x18\x44\x44\x89\xea\x0a\x02\x0e\xea\x02\x0e"
    b"\x8e\xea\x0a\x0e\xf0\x44\x89\xea\xf9\x20\x80\xea\x39\x50\x08\xeb\xb0\x08\xf0\xb4\x2d\xe9\x00\x0f"
    b"\xf0\xbc\xbd\xe8\x00\x0f\x40\xa8\x83\x42\x7f\xf4\x7a\xaf\x0d\xf5\xd0\x7c\x9c\xe8\x0f\x00\x04\x44"
    b"\x0d\x44\x16\x44\x1f\x44\xac\xe8\xf0\x00\x9c\xe8\x0f\x00\x80\x44\x89\x44\x92\x44\x9b\x44\x8c\xe8"
    b"\x00\x0f\xd4\xe6\x00\x48\x00\x58\x67\xe6\x09\x6a\x85\xae\x67\xbb\x72\xf3\x6e\x3c\x3a\xf5\x4f\xa5"
    b"\x7f\x52\x0e\x51\x8c\x68\x05\x9b\xab\xd9\x83\x1f\x19\xcd\xe0\x5b\x98\x2f\x8a\x42\x91\x44\x37\x71"
    b"\xcf\xfb\xc0\xb5\xa5\xdb\xb5\xe9\x5b\xc2\x56\x39\xf1\x11\xf1\x59\xa4\x82\x3f\x92\xd5\x5e\x1c\xab"
    b"\x98\xaa\x07\xd8\x01\x5b\x83\x12\xbe\x85\x31\x24\xc3\x7d\x0c\x55\x74\x5d\xbe\x72\xfe\xb1\xde\x80"
    b"\xa7\x06\xdc\x9b\x74\xf1\x9b\xc1\xc1\x69\x9b\xe4\x86\x47\xbe\xef\xc6\x9d\xc1\x0f\xcc\xa1\x0c\x24"
    b"\x6f\x2c\xe9\x2d\xaa\x84\x74\x4a\xdc\xa9\xb0\x5c\xda\x88\xf9\x76\x52\x51\x3e\x98\x6d\xc6\x31\xa8"
    b"\xc8\x27\x03\xb0\xc7\x7f\x59\xbf\xf3\x0b\xe0\xc6\x47\x91\xa7\xd5\x51\x63\xca\x06\x67\x29\x29\x14"
    b"\x85\x0a\xb7\x27\x38\x21\x1b\x2e\xfc\x6d\x2c\x4d\x13\x0d\x38\x53\x54\x73\x0a\x65\xbb\x0a\x6a\x76"
    b"\x2e\xc9\xc2\x81\x85\x2c\x72\x92\xa1\xe8\xbf\xa2\x4b\x66\x1a\xa8\x70\x8b\x4b\xc2\xa3\x51\x6c\xc7"
    b"\x19\xe8\x92\xd1\x24\x06\x99\xd6\x85\x35\x0e\xf4\x70\xa0\x6a\x10\x16\xc1\xa4\x19\x08\x6c\x37\x1e"
    b"\x4c\x77\x48\x27\xb5\xbc\xb0\x34\xb3\x0c\x1c\x39\x4a\xaa\xd8\x4e\x4f\xca\x9c\x5b\xf3\x6f\x2e\x68"
    b"\xee\x82\x8f\x74\x6f\x63\xa5\x78\x14\x78\xc8\x84\x08\x02\xc7\x8c\xfa\xff\xbe\x90\xeb\x6c\x50\xa4"
    b"\xf7\xa3\xf9\xbe\xf2\x78\x71\xc6"
)

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
