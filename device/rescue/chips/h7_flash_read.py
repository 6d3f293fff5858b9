# Reading flash that may hold torn words. RM0468 section 4.3; reference sheet 5.

from micropython import const

from rescue.chips import h7_flash_registers as reg
from rescuelink.errors import WireError

_BLOCK = const(1024)


class FlashReader:
    """refusal(status, address): the FlashError for error flags of SR1, which it clears."""

    def __init__(self, ap, chip, refusal):
        self._ap = ap
        self._word_bytes = chip.word_bytes
        self._registers = chip.flash_registers
        self._refusal = refusal

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
        status = self._ap.read32(self._registers + reg.SR1)
        if not refused and not status & reg.SR_DBECCERR:
            return True
        self._ap.write32(self._registers + reg.CCR1, reg.CCR_ALL, again=True)
        protected = status & (reg.SR_RDPERR | reg.SR_RDSERR)
        if refused and protected and not status & reg.SR_DBECCERR:
            raise self._refusal(protected, address)
        return False
