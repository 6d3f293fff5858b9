# Reading flash that may hold torn words. docs/reference/chip.md#torn-read, RM0399 4.7.7.

from micropython import const

from rescue.chips.stm32h7 import flash_registers as reg
from rescuelink.errors import WireError

_BLOCK = const(2048)  # with one look at the flags
_PART = const(512)  # where a flag says that something in a block is wrong
_PIECE = const(256)


class FlashReader:
    """flash: the H7Flash whose registers() and refusal() are asked. clock: told now and then that the agent lives."""

    def __init__(self, ap, chip, flash, clock):
        self._ap = ap
        self._clock = clock
        self._word_bytes = chip.word_bytes
        self._flags = chip.control[3]
        self._flash = flash
        self._bank_bytes = chip.bank_bytes
        self._bank = None
        self._registers = 0  # of that bank
        self._stack_ranges = chip.stack_ranges

    def read(self, address, buf, look=True):
        """See H7Flash.read."""
        self._flash.check_range(address, len(buf))
        torn = []
        view = memoryview(buf)
        for start in range(0, len(buf), _BLOCK):
            piece = view[start : start + _BLOCK]
            if not self._reads_well(address + start, piece, look):
                for at in range(0, len(piece), _PART):
                    part = piece[at : at + _PART]
                    if not self._reads_well(address + start + at, part):
                        self._read_word_by_word(address + start + at, part, torn)
        return torn

    def _read_word_by_word(self, address, view, torn):
        word_bytes = self._word_bytes
        start = 0
        while start < len(view):
            end = min(start + word_bytes - (address + start) % word_bytes, len(view))
            if not self._reads_well(address + start, view[start:end]):
                view[start:end] = b"\xff" * (end - start)
                torn.append((address + start) & ~(word_bytes - 1))
            start = end

    def is_sound(self, address):
        """See H7Flash.is_sound."""
        return not self._status(address) & (reg.SR_DBECCERR | reg.SR_RDPERR | reg.SR_RDSERR)

    def _status(self, address):
        bank = address // self._bank_bytes
        if bank != self._bank:
            self._bank = bank
            self._registers = self._flash.registers(address)
        return self._ap.read32(self._registers + reg.SR1)

    def _reads_well(self, address, view, look=True, again=False):
        """False where the bus refused a word or its ECC could not correct it; all flags are clear again then."""
        self._clock.feed()  # on a slow or disturbed wire a few KiB take longer than the helper's watchdog waits
        refused = False
        try:
            self._ap.read_block(address, view)
        except WireError as error:
            if error.kind != "fault":
                raise
            refused = True
        if not look and not refused:
            return True
        status = self._status(address)
        protected = status & (reg.SR_RDPERR | reg.SR_RDSERR)
        if not refused and not protected and not status & reg.SR_DBECCERR:
            return True
        self._ap.write32(self._registers + reg.CCR1, self._flags, again=True)
        if protected and not status & reg.SR_DBECCERR:
            # A secure-only area gives zeros and its flag, without a bus error: that is no data. The flag alone may be
            # left over from what the firmware did, so the same words are asked once more.
            if refused or again:
                raise self._flash.refusal(protected, address)
            return self._reads_well(address, view, True, True)
        return False

    def is_blank(self, address, length):
        """See H7Flash.is_blank."""
        buf = memoryview(bytearray(_PIECE))
        blank = b"\xff" * _PIECE
        for start in range(0, length, _PIECE):
            count = min(_PIECE, length - start)
            if self.read(address + start, buf[:count]) or buf[:count] != blank[:count]:
                return False
        return True

    def vectors(self, address):
        """See H7Flash.vectors."""
        buf = bytearray(8)
        if self.read(address, buf):
            return {"sp": None, "pc": None, "valid": False}
        sp = int.from_bytes(buf[:4], "little")
        pc = int.from_bytes(buf[4:], "little")
        stack_ok = sp % 4 == 0 and any(low < sp <= high for low, high in self._stack_ranges)
        entry_ok = pc & 1 and self._flash.base <= pc < self._flash.base + self._flash.size
        return {"sp": sp, "pc": pc, "valid": bool(stack_ok and entry_ok)}
