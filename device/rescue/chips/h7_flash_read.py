# Reading flash that may hold torn words. RM0468 section 4.3; reference sheet 5.

from micropython import const

from rescue.chips import h7_flash_registers as reg
from rescuelink.errors import WireError

_BLOCK = const(1024)


class FlashReader:
    """flash: the H7Flash whose registers() and refusal() are asked."""

    def __init__(self, ap, chip, flash):
        self._ap = ap
        self._word_bytes = chip.word_bytes
        self._flags = chip.control[3]
        self._flash = flash

    def read(self, address, buf):
        """See H7Flash.read."""
        torn = []
        view = memoryview(buf)
        for start in range(0, len(buf), _BLOCK):
            piece = view[start : start + _BLOCK]
            if not self._reads_well(address + start, piece):
                self._read_word_by_word(address + start, piece, torn)
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

    def _reads_well(self, address, view):
        """False where the bus refused a word or its ECC could not correct it; all flags are clear again then."""
        refused = False
        try:
            self._ap.read_block(address, view)
        except WireError as error:
            if error.kind != "fault":
                raise
            refused = True
        registers = self._flash.registers(address)
        status = self._ap.read32(registers + reg.SR1)
        if not refused and not status & reg.SR_DBECCERR:
            return True
        self._ap.write32(registers + reg.CCR1, self._flags, again=True)
        protected = status & (reg.SR_RDPERR | reg.SR_RDSERR)
        if refused and protected and not status & reg.SR_DBECCERR:
            raise self._flash.refusal(protected, address)
        return False
