# Flash words sent one by one over the debug port, each finished before the next: slow (2.5 times the flash's own time),
# and right on any chip whose core cannot help. RM0468 4.3.9; docs/reference/chip.md#flash-word.

from micropython import const

from rescue.chips.stm32h7 import flash_registers as reg
from rescue.hal.ports import Timeout
from rescuelink.errors import FlashError, WireError

_PROGRAM_MS = const(20)  # 200 us at most
_SHORTEST_SLEEP_US = const(8)


class WordStream:
    """See H7Flash.stream."""

    def __init__(self, writer, address):
        self._writer = writer
        self._ap = writer.core.ap
        self._chip = writer.chip
        self._address = address
        # Sleeping through most of the programming time costs no more than polling through it, and no SWCLK. How long is
        # learnt: a little less after a word that was ready, more after one that was not.
        self._pause_us = writer.chip.flash_word_us
        self._ready = False

    def put(self, view, check=None):
        if not self._ready:
            self._writer.wait_erased(check)
            self._writer.control(reg.CR_PG)
            self._ready = True
        try:
            self._program(view)
        except FlashError:
            self._writer.control(0)
            raise

    def finish(self, check=None):
        self._writer.wait_erased(check)
        self._writer.control(0)

    def _program(self, view):
        word_bytes = self._chip.word_bytes
        post = self._ap.post_block
        read32 = self._ap.read32
        sleep_us = self._writer.clock.sleep_us
        finish = self._writer.finish
        sr = self._writer.status_address
        blank = b"\xff" * word_bytes
        limit = Timeout(self._writer.clock, _PROGRAM_MS, "flash word", FlashError)
        pause_us = self._pause_us
        address = self._address
        for start in range(0, len(view), word_bytes):
            word = view[start : start + word_bytes]
            if word != blank:
                try:
                    post(address, word)
                    if pause_us > _SHORTEST_SLEEP_US:
                        sleep_us(pause_us)
                    status = read32(sr)
                except WireError:
                    self._resend(address, word)
                    status = read32(sr)
                if status & (reg.SR_BUSY | reg.SR_WBNE | reg.SR_ERRORS):
                    limit.restart(address)
                    if finish(limit, 0, address) & reg.SR_WBNE:  # its last bytes never arrived
                        self._resend(address, word)
                        finish(limit, 0, address)
                    pause_us = min(pause_us + 4, self._chip.flash_word_us)
                elif pause_us:
                    pause_us -= 2
            address += word_bytes
        self._address = address
        self._pause_us = pause_us

    def _resend(self, address, word):
        """After a damaged transfer: send the flash word again, once, if flash shows that nothing of it arrived."""
        self._writer.flash.resends += 1
        self._writer.control(0)  # drops a partly filled write buffer
        self._writer.make_ready(address)
        self._writer.control(reg.CR_PG)
        found = bytearray(len(word))
        torn = self._writer.flash.read(address, found)
        if not torn and found == word:
            return  # only the last answer was lost
        if torn or found != b"\xff" * len(word):
            raise FlashError("torn_write", "a damaged transfer spoilt a flash word", address)
        self._ap.write_block(address, word)
