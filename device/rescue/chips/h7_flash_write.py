# Erasing and programming the flash of the STM32H72x. RM0468 section 4.3; reference sheet 4.2, 4.3.

from micropython import const

from rescue.chips import h7_flash_registers as reg
from rescue.hal.ports import Timeout
from rescuelink.consent import ERASE, PROGRAM
from rescuelink.errors import FlashError, WireError

_ERASE_MS = const(10000)  # 2 s at most with x64, 4 s with x8
_ERASE_POLL_MS = const(10)
_PROGRAM_MS = const(20)  # 200 us at most
_SHORTEST_SLEEP_US = const(8)
_READY_MS = const(10000)  # an operation that somebody else left running


class FlashWriter:
    """What H7Flash does from unlock() to lock()."""

    def __init__(self, flash, ap, clock, chip):
        self._flash = flash
        self._ap = ap
        self._clock = clock
        self._chip = chip
        self._sr = chip.flash_registers + reg.SR1
        self._blank_word = b"\xff" * chip.word_bytes
        self._open = False

    def unlock(self):
        """Allow erasing and programming, until lock(); a reset of the chip in between is made good.

        A second key sequence would lock until reset, so LOCK is looked at first.
        """
        self._open = True
        if not self._read(reg.CR1) & reg.CR_LOCK:
            return
        for key in reg.KEYS:
            self._ap.write32(self._chip.flash_registers + reg.KEYR1, key)
        if self._read(reg.CR1) & reg.CR_LOCK:
            advice = "reset the chip and try again"
            raise FlashError("locked", "the flash controller stays locked", None, None, advice)

    def lock(self):
        self._open = False
        self._write(reg.CR1, reg.CR_LOCKED)

    def erase(self, sector, consent):
        """Erase one sector of 128 KiB (about 1 s). Raises ConsentError, FlashError."""
        consent.require(ERASE, sector)
        address = self._flash.base + sector * self._chip.sector_bytes
        self._flash.check_range(address, self._chip.sector_bytes)
        self._make_ready(address)
        control = reg.CR_ERASE | sector << reg.CR_SNB_SHIFT
        self._write(reg.CR1, control)
        limit = Timeout(self._clock, _ERASE_MS, "sector erase", FlashError, address)
        try:
            self._ap.write32(self._chip.flash_registers + reg.CR1, control | reg.CR_START)
        except WireError:
            # Whether it began is not known. Once the controller is idle, erasing again is right in both cases.
            self._finish(limit, _ERASE_POLL_MS, address)
            self._write(reg.CR1, control)
            self._ap.write32(self._chip.flash_registers + reg.CR1, control | reg.CR_START)
        self._finish(limit, _ERASE_POLL_MS, address)
        self._write(reg.CR1, reg.CR_IDLE)

    def program(self, address, buf, consent, erased=False):
        """Program `buf` at `address`, both whole flash words (32 bytes); words that are all 0xFF are left blank.

        A flash word can be programmed once per erase. Unless `erased` says that the sector was erased just now, the
        range is read first and refused where it is not blank. Raises ConsentError, FlashError.
        """
        word_bytes = self._chip.word_bytes
        if address % word_bytes or len(buf) % word_bytes:
            raise FlashError("alignment", "flash is programmed in words of %d bytes" % word_bytes, address)
        self._flash.check_range(address, len(buf))
        for sector in range(self._flash.sector_of(address), self._flash.sector_of(address + max(len(buf), 1) - 1) + 1):
            consent.require(PROGRAM, sector)
        if not erased and not self._flash.is_blank(address, len(buf)):
            raise FlashError("not_blank", "this part of flash is not blank", address, None, "erase the sector first")
        self._make_ready(address)
        self._write(reg.CR1, reg.CR_PROGRAM)
        try:
            self._stream(address, memoryview(buf))
        except FlashError:
            self._write(reg.CR1, reg.CR_IDLE)
            raise
        self._write(reg.CR1, reg.CR_IDLE)

    def _stream(self, address, view):
        """One flash word after the other, each finished before the next is sent."""
        word_bytes = self._chip.word_bytes
        post = self._ap.post_block
        read32 = self._ap.read32
        sleep_us = self._clock.sleep_us
        blank = self._blank_word
        limit = Timeout(self._clock, _PROGRAM_MS, "flash word", FlashError)
        # Sleeping through most of the programming time costs no more than polling through it, and no SWCLK. How long is
        # learnt: a little less after a word that was ready, more after one that was not.
        pause_us = self._chip.flash_word_us
        for start in range(0, len(view), word_bytes):
            word = view[start : start + word_bytes]
            if word != blank:
                try:
                    post(address, word)
                    if pause_us > _SHORTEST_SLEEP_US:
                        sleep_us(pause_us)
                    status = read32(self._sr)
                except WireError:
                    self._resend(address, word)
                    status = read32(self._sr)
                if status & (reg.SR_BUSY | reg.SR_WBNE | reg.SR_ERRORS):
                    limit.restart(address)
                    if self._finish(limit, 0, address) & reg.SR_WBNE:  # its last bytes never arrived
                        self._resend(address, word)
                        self._finish(limit, 0, address)
                    pause_us = min(pause_us + 4, self._chip.flash_word_us)
                elif pause_us:
                    pause_us -= 2
            address += word_bytes

    def _resend(self, address, word):
        """After a damaged transfer: send the flash word again, once, if flash shows that nothing of it arrived."""
        self._flash.resends += 1
        self._write(reg.CR1, reg.CR_IDLE)  # drops a partly filled write buffer
        self._make_ready(address)
        self._write(reg.CR1, reg.CR_PROGRAM)
        found = bytearray(len(word))
        torn = self._flash.read(address, found)
        if not torn and found == word:
            return  # only the last answer was lost
        if torn or found != self._blank_word:
            raise FlashError("torn_write", "a damaged transfer spoilt a flash word", address)
        self._ap.write_block(address, word)

    def _make_ready(self, address):
        """Nothing running, no old error flags (they appear by themselves and would stop the first write)."""
        if not self._open:
            raise FlashError("locked", "the flash controller is locked", address)
        self.unlock()
        limit = Timeout(self._clock, _READY_MS, "earlier flash operation", FlashError, address)
        while self._ap.read32(self._sr) & reg.SR_BUSY:
            limit.pause(1)
        self._write(reg.CCR1, reg.CCR_ALL)

    def _finish(self, limit, pause_ms, address):
        """Until the controller is idle. Returns SR1; raises FlashError with the names of its error flags."""
        status = self._ap.read32(self._sr)
        while status & reg.SR_BUSY:
            if pause_ms:
                limit.pause(pause_ms)
            else:
                limit.check()
            status = self._ap.read32(self._sr)
        if status & reg.SR_ERRORS:
            raise self._flash.refusal(status, address)
        return status

    def _read(self, offset):
        return self._ap.read32(self._chip.flash_registers + offset)

    def _write(self, offset, value):
        """A register that may be written twice: not a key, not START."""
        self._ap.write32(self._chip.flash_registers + offset, value, again=True)
