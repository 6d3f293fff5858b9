"""Flash array and controller of an STM32H725, from docs/reference/chip.md and its sources alone.

One bank, 128 KiB sectors, 32-byte flash words that may be programmed once per erase. Busy times pass on the given
clock; an operation cut by reset or loss of power leaves torn words behind.
"""

from __future__ import annotations

import random

from timebase import TimeBase

FLASH_BASE = 0x0800_0000
SECTOR_BYTES = 0x2_0000
WORD_BYTES = 32

KEYS = (0x4567_0123, 0xCDEF_89AB)
OPTION_KEYS = (0x0819_2A3B, 0x4C5D_6E7F)

# Register offsets from 0x52002000 (4.1).
ACR, KEYR1, OPTKEYR, CR1, SR1, CCR1, OPTCR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
OPTSR_CUR, OPTSR_PRG, OPTCCR, CRCCR1, CRCDATA, ECC_FA1 = 0x1C, 0x20, 0x24, 0x50, 0x5C, 0x60
CUR_REGISTERS = (0x1C, 0x28, 0x30, 0x38, 0x40, 0x70)
WPSN_CUR, BOOT_CUR = 0x38, 0x40
FACTORY_OPTIONS = {0x1C: 0x179E_AAF0, 0x28: 0xFF, 0x30: 0x8000_00FF, 0x38: 0xFF, 0x40: 0x1FF0_0800, 0x70: 0}

LOCK, PG, SER, BER, FW, START = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 6, 1 << 7
BSY, WBNE, QW = 1 << 0, 1 << 1, 1 << 2
EOP, WRPERR, PGSERR, STRBERR, INCERR, OPERR = 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 21, 1 << 22
RDPERR, RDSERR, DBECCERR, CRCEND = 1 << 23, 1 << 24, 1 << 26, 1 << 27

# Typical times by PSIZE x8, x16, x32, x64 (section 6).
PROGRAM_S = (290e-6, 180e-6, 130e-6, 100e-6)
SECTOR_ERASE_S = (2.0, 1.8, 1.1, 1.0)
OPTION_CHANGE_S = 0.1


class BusFault(Exception):
    """The bus answered with an error."""


class BusStall(Exception):
    """The bus has not answered yet; the same access has to be tried again later."""


_LEVELS = {0xAA: 0, 0xCC: 2}


class Flash:
    """The array survives everything; the registers do not survive `reset`."""

    def __init__(self, clock: TimeBase, array_kib: int, rng: random.Random, stale_flags: bool = False) -> None:
        self._clock = clock
        self._rng = rng
        self._stale_flags = stale_flags
        self.array = bytearray(b"\xff" * (array_kib * 1024))
        self.programmed = bytearray(len(self.array) // WORD_BYTES)
        self.torn: set[int] = set()
        self.options = dict(FACTORY_OPTIONS)
        self.erases = [0] * 8
        self.words_programmed = 0
        self.double_programmed: list[int] = []
        self.option_changes = 0
        self.refused = 0
        self._operation: tuple[str, int, bytes, float, float] | None = None
        self.reset()

    # -- set up by the state the user asked for

    def preload(self, offset: int, data: bytes) -> None:
        self.array[offset : offset + len(data)] = data
        for word in range(offset // WORD_BYTES, (offset + len(data) + WORD_BYTES - 1) // WORD_BYTES):
            self.programmed[word] = 1

    def tear(self, word: int) -> None:
        start = word * WORD_BYTES
        self.array[start : start + WORD_BYTES] = self._rng.randbytes(WORD_BYTES)
        self.programmed[word] = 1
        self.torn.add(word)

    @property
    def rdp_level(self) -> int:
        return _LEVELS.get(self.options[OPTSR_CUR] >> 8 & 0xFF, 1)

    # -- time

    def reset(self) -> None:
        """NRST, SYSRESETREQ or power: what was running is cut, registers return to their reset values."""
        self._settle()
        if self._operation:
            self._cut()
        self._registers = {ACR: 0x37, CR1: 0x31, OPTCR: 1, CRCCR1: 0x001C_0000}
        self._programming = dict(self.options)
        self._flags = RDSERR if self._stale_flags else 0
        self._ecc_address = 0
        self._unlock_progress = {KEYR1: 0, OPTKEYR: 0}
        self._jammed = {KEYR1: False, OPTKEYR: False}
        self._buffer = bytearray(WORD_BYTES)
        self._filled: set[int] = set()
        self._open_word = -1

    def _settle(self) -> bool:
        """Finishes what is due. True while something is still running."""
        if self._operation is None:
            return False
        kind, target, data, _, end = self._operation
        if self._clock.now_s() < end:
            return True
        self._operation = None
        if kind == "program":
            self._store(target, data)
        elif kind == "erase":
            self._erase_words(target * SECTOR_BYTES // WORD_BYTES, SECTOR_BYTES // WORD_BYTES)
        elif kind == "mass":
            self._erase_words(0, len(self.programmed))
        else:
            if self.rdp_level == 1 and self._programming[OPTSR_CUR] >> 8 & 0xFF == 0xAA:
                self._erase_words(0, len(self.programmed))
            self.options = dict(self._programming)
            return False
        self._flags |= EOP
        return False

    def _begin(self, kind: str, target: int, data: bytes, seconds: float) -> None:
        now = self._clock.now_s()
        self._operation = (kind, target, data, now, now + seconds)

    def _cut(self) -> None:
        """Section 5: the word may be anything; of a sector some words are erased, a band is broken, the rest is old."""
        assert self._operation is not None
        kind, target, _, start, end = self._operation
        self._operation = None
        if kind == "program":
            self.tear(target)
        elif kind in ("erase", "mass"):
            first, words = (target * 4096, 4096) if kind == "erase" else (0, len(self.programmed))
            done = int(words * (self._clock.now_s() - start) / (end - start))
            self._erase_words(first, done)
            for word in range(first + done, min(first + done + 16, first + words)):
                self.tear(word)

    def _erase_words(self, first: int, count: int) -> None:
        self.array[first * WORD_BYTES : (first + count) * WORD_BYTES] = b"\xff" * (count * WORD_BYTES)
        self.programmed[first : first + count] = bytes(count)
        self.torn = {word for word in self.torn if not first <= word < first + count}

    def _store(self, word: int, data: bytes) -> None:
        start = word * WORD_BYTES
        self.words_programmed += 1
        if self.programmed[word]:
            self.double_programmed.append(FLASH_BASE + start)
            old = self.array[start : start + WORD_BYTES]
            if old != data:
                self.torn.add(word)
            data = bytes(a & b for a, b in zip(old, data, strict=True))
        self.array[start : start + WORD_BYTES] = data
        self.programmed[word] = 1

    # -- the array on the bus

    def read(self, offset: int, size: int) -> int:
        if self.rdp_level:
            self._flags |= RDPERR
            raise BusFault
        if offset + size > len(self.array):
            raise BusFault
        if self._settle():
            raise BusStall
        word = offset // WORD_BYTES
        if word in self.torn:
            if not self._flags & DBECCERR:
                self._ecc_address = word
            self._flags |= DBECCERR
            raise BusFault
        return int.from_bytes(self.array[offset : offset + size], "little")

    def write(self, offset: int, size: int, value: int) -> None:
        if self.rdp_level:
            self.refused += 1
            self._flags |= RDPERR
            raise BusFault
        if self._settle():
            raise BusStall
        cr = self._registers[CR1]
        if not cr & PG or cr & (LOCK | SER | BER) or self._flags & INCERR or offset + size > len(self.array):
            self.refused += 1
            self._flags |= PGSERR
            return
        word, at = divmod(offset, WORD_BYTES)
        if self.options[WPSN_CUR] >> (offset // SECTOR_BYTES) & 1 == 0:
            self.refused += 1
            self._flags |= WRPERR
            return
        if self._filled and word != self._open_word:
            self._flags |= INCERR
            self._drop_buffer()
            return
        self._open_word = word
        for i in range(size):
            if at + i in self._filled:
                self._flags |= STRBERR
                return
            self._buffer[at + i] = value >> (8 * i) & 0xFF
            self._filled.add(at + i)
        if len(self._filled) == WORD_BYTES:
            self._commit_buffer()

    def _commit_buffer(self) -> None:
        data = bytes(self._buffer[i] if i in self._filled else 0xFF for i in range(WORD_BYTES))
        self._begin("program", self._open_word, data, PROGRAM_S[self._registers[CR1] >> 4 & 3])
        self._drop_buffer()

    def _drop_buffer(self) -> None:
        self._filled.clear()
        self._open_word = -1

    # -- the registers on the bus

    def read_register(self, offset: int) -> int:
        busy = self._settle()
        option_busy = self._operation is not None and self._operation[0] == "options"
        if offset == SR1:
            running = BSY | QW if busy and not option_busy else 0
            return self._flags | running | (WBNE if self._filled else 0)
        if offset == OPTSR_CUR:
            return self.options[OPTSR_CUR] | option_busy
        if offset in CUR_REGISTERS:
            return self.options[offset]
        if offset - 4 in CUR_REGISTERS:
            return self._programming[offset - 4]
        if offset == ECC_FA1:
            return self._ecc_address
        return self._registers.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        busy = self._settle()
        if offset in (KEYR1, OPTKEYR):
            self._key(offset, value)
        elif offset == CCR1:
            self._flags &= ~value
            if value & 0x0600_0000:
                self._ecc_address = 0
        elif offset == CR1:
            self._write_cr1(value, busy)
        elif offset == OPTCR:
            self._write_optcr(value, busy)
        elif offset - 4 in CUR_REGISTERS:
            if not self._registers[OPTCR] & 1:
                self._programming[offset - 4] = value
        elif offset == CRCCR1 and value & 1 << 16:
            self._flags |= CRCEND  # the CRC unit is not modelled: it "ends" with CRCDATA zero
        elif offset not in (SR1, OPTCCR, CRCDATA, ECC_FA1, *CUR_REGISTERS):
            self._registers[offset] = value

    def _key(self, register: int, value: int) -> None:
        """A wrong key, or the sequence while open, jams the lock until the next reset (4.2)."""
        control, keys = (CR1, KEYS) if register == KEYR1 else (OPTCR, OPTION_KEYS)
        step = self._unlock_progress[register]
        if self._jammed[register] or not self._registers[control] & 1 or value != keys[step]:
            self._jammed[register] = True
            self._registers[control] |= 1
        elif step == 1:
            self._registers[control] &= ~1
            self._unlock_progress[register] = 0
        else:
            self._unlock_progress[register] = 1

    def _write_cr1(self, value: int, busy: bool) -> None:
        if self._registers[CR1] & LOCK:
            return
        if value & LOCK:
            self._registers[CR1] |= LOCK
            return
        self._registers[CR1] = value & 0x1FFF_877E & ~(FW | START)
        if not value & PG:
            self._drop_buffer()
        elif value & FW and self._filled:
            self._commit_buffer()
        if value & START:
            self._start_erase(value, busy)

    def _start_erase(self, value: int, busy: bool) -> None:
        sector = value >> 8 & 7
        seconds = SECTOR_ERASE_S[value >> 4 & 3]
        protected = ~self.options[WPSN_CUR] & 0xFF
        if busy or not value & (SER | BER):
            self.refused += 1
            self._flags |= PGSERR
        elif self.rdp_level or (protected if value & BER else protected >> sector & 1):
            self.refused += 1
            self._flags |= WRPERR
        elif value & BER:
            self.erases = [n + 1 for n in self.erases]
            self._begin("mass", 0, b"", 5 * seconds)
        elif sector * SECTOR_BYTES >= len(self.array):
            self._flags |= OPERR
        else:
            self.erases[sector] += 1
            self._begin("erase", sector, b"", seconds)

    def _write_optcr(self, value: int, busy: bool) -> None:
        if self._registers[OPTCR] & 1:
            return
        self._registers[OPTCR] = value & ~2
        if value & 2 and not busy:
            self.option_changes += 1
            self._begin("options", 0, b"", OPTION_CHANGE_S)
