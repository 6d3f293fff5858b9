# Flash words programmed by the target's own core, from a ring in its RAM that we keep filled: the flash is never left
# waiting for the wire, and the wire carries nothing but the data, 46 clocks a word.
#
# What goes over the wire goes to RAM, so that a damaged or refused transfer is simply sent again: no flash word is ever
# torn by the wire. The routine (flash_loader.S) does what HAL and OpenOCD's loader do on silicon, one flash word at a
# time, finished before the next; nothing here relies on how the bus behaves while the flash is busy.

import struct

from micropython import const

from rescue.chips import h7_flash_registers as reg
from rescue.chips import h7_registers
from rescue.debug import cortex_m_registers as cm
from rescue.hal.ports import Timeout
from rescuelink.errors import FlashError, TargetError, WireError

# flash_loader.S, assembled; a test assembles it again and compares.
CODE = (
    b"\x00\x24\x00\x25\xc3\x68\x07\x69\xd0\xf8\x14\xb0\xd0\xf8\x18\xc0\xd0\xf8\x1c\xe0\x4a\xf6\xaa\x2a"
    b"\xce\xf8\x00\xa0\xd2\xf8\x00\x80\x18\xea\x0b\x0f\xf6\xd1\x18\xea\x0c\x0f\x29\xd1\x44\x60\x86\x68"
    b"\xb4\x42\x25\xd0\x06\x68\xa6\x42\xec\xd0\xbf\xf3\x5f\x8f\x00\xf1\x20\x06\x2e\x44\x6f\xf0\x00\x08"
    b"\xb9\x46\xb9\xf1\x04\x09\x56\xf8\x09\xa0\x08\xea\x0a\x08\xf8\xd1\x18\xf1\x01\x08\x09\xd0\x56\xf8"
    b"\x09\xa0\x41\xf8\x09\xa0\x19\xf1\x04\x09\xb9\x45\xf7\xd1\xbf\xf3\x4f\x8f\x39\x44\x3c\x44\x3d\x44"
    b"\x9d\x42\x08\xbf\x00\x25\xc9\xe7\x40\x46\x00\xbe"
)

# In the work RAM: the CRC routine and its stack come first (target_crc.py), then this code, its mailbox, the ring. The
# ring begins on a 1 KiB boundary, so that TAR is written once per KiB.
_CODE = const(0x400)
_MAILBOX = const(0x7E0)
_DONE = const(4)
_LENGTH = const(8)
_RING = const(0x800)
_TRY_BYTES = const(96)  # of the trial: a word, a word of ones, a word
_BLANK = b"\xff" * 256

_STALL_MS = const(100)  # without a flash word finished, where one takes 200 us at most
_LOOK_US = const(40000)  # between two looks at the rails while the core works
_TRIES = const(3)


class Loader:
    """The routine in the target's RAM."""

    def __init__(self, flash, core, clock, chip):
        self.flash = flash
        self.core = core
        self.clock = clock
        self.chip = chip
        self.base = chip.work_ram
        # Whole blocks, so that what is sent never has to be cut at the ring's end.
        self.ring_bytes = (chip.work_ram_bytes - _RING) & ~0x7FF

    def proven(self):
        """Loads the routine and lets it "program" RAM. False where this core does not do what it should."""
        for _ in range(_TRIES):
            try:
                return self._try()
            except TargetError:
                return False
            except WireError as error:
                if error.kind == "fault":
                    return False
        return False

    def _try(self):
        word = bytes(range(1, 33))
        last = bytes(range(32, 0, -1))
        status = self.base + _RING + 1024  # a word of zeros stands in for the status register; the "flash" follows
        ap = self.core.ap
        ap.write_block(self.base + _CODE, CODE)
        ap.write_block(self.base + _RING, word + b"\xff" * 32 + last)
        ap.write_block(status, b"\x00" * (32 + _TRY_BYTES))
        self.start(status + 32, status, _TRY_BYTES, _TRY_BYTES)
        self.core.result(_STALL_MS)
        found = bytearray(_TRY_BYTES)
        ap.read_block(status + 32, found)
        return self.done() == _TRY_BYTES and found == word + b"\x00" * 32 + last

    def start(self, address, status, length, sent):
        """Begin to program `length` bytes at `address`; `sent` of them are in the ring."""
        box = struct.pack(
            "<8I",
            sent,
            0,
            length,
            self.ring_bytes,
            self.chip.word_bytes,
            reg.SR_BUSY,
            reg.SR_WRITE_ERRORS,
            h7_registers.IWDG1_KR,
        )
        self.core.ap.write_block(self.base + _MAILBOX, box)
        self.core.start(self.base + _CODE, (self.base + _MAILBOX, address, status), self.base + _CODE)

    def done(self):
        return self.core.ap.read32(self.base + _MAILBOX + _DONE)

    def send(self, offset, view):
        """`view` into the ring. Sent again from where it was disturbed, as long as that gets on."""
        tries = _TRIES
        at = 0
        while True:
            try:
                self.core.ap.write_block(self.base + _RING + offset + at, view[at:])
                return
            except WireError as error:
                # The word before the one that failed may have been dropped as well: RAM takes both again.
                done = max(error.done - 2, 0)
                tries = _TRIES if done else tries - 1
                if error.kind == "fault" or not tries:
                    raise
                at += 4 * done
                self.flash.resends += 1

    def tell(self, offset, value):
        self.core.ap.write32(self.base + _MAILBOX + offset, value, again=True)


class LoaderStream:
    """See H7Flash.stream. A part that is all 0xFF is not sent: the routine ends before it and begins anew behind it."""

    def __init__(self, writer, loader, address, length):
        self._writer = writer
        self._loader = loader
        self._address = address  # of the first byte in the ring
        self._length = length  # from there
        self._sent = 0
        self._done = 0
        self._gap = 0  # blank bytes after what was sent
        self._running = False

    def put(self, view, check=None):
        if _is_blank(view):
            self._gap += len(view)
            return
        if self._gap:
            self._end(check)
        loader = self._loader
        sent = self._sent + len(view)
        self._wait(sent - loader.ring_bytes, check)
        offset = self._sent % loader.ring_bytes
        fits = loader.ring_bytes - offset
        loader.send(offset, view[:fits])
        if fits < len(view):
            loader.send(0, view[fits:])
        self._sent = sent
        if self._running:
            loader.tell(0, sent)
        elif self._writer.is_erased():
            self._start()

    def finish(self, check=None):
        self._end(check)
        self._writer.wait_erased(check)
        self._writer.write(reg.CR1, reg.CR_IDLE)

    def _start(self):
        self._writer.write(reg.CR1, reg.CR_PROGRAM)
        self._loader.start(self._address, self._writer.status_address, self._length, self._sent)
        self._running = True

    def _end(self, check):
        """All that was sent is in the flash; the next byte is the one after the gap."""
        left = self._length - self._sent - self._gap
        if self._sent:
            if self._running and self._sent < self._length:
                self._loader.tell(_LENGTH, self._sent)
            self._length = self._sent
            self._wait(self._sent, check)
            self._loader.core.result(_STALL_MS)
            self._running = False
        self._address += self._sent + self._gap
        self._length = left
        self._sent = self._done = self._gap = 0

    def _wait(self, needed, check):
        """Until so many bytes are in the flash."""
        loader = self._loader
        if needed <= self._done:
            return
        if not self._running:
            self._writer.wait_erased(check)
            self._start()
        limit = Timeout(loader.clock, _STALL_MS, "programming", FlashError, self._address + self._done)
        word_bytes = loader.chip.word_bytes
        while True:
            done = loader.done()
            if done > self._done:
                self._done = done
                limit.restart(self._address + done)
            elif loader.core.ap.read32(cm.DHCSR) & cm.S_HALT or limit.expired():
                self._ended_early()
            if done >= needed:
                return
            loader.clock.sleep_us(min((needed - done) // word_bytes * loader.chip.flash_word_us, _LOOK_US))
            if check is not None:
                check()

    def _ended_early(self):
        """The routine has stopped, or does not get on. What the controller reports belongs to the word at `done`."""
        loader = self._loader
        done = loader.done()
        if done > self._done:
            return  # it went on, or ended well, just after it was asked
        where = self._address + done
        message = "the routine on the core does not get on"
        try:
            status = loader.core.result(0) & reg.SR_WRITE_ERRORS
            if status:
                self._writer.write(reg.CR1, reg.CR_IDLE)
                raise loader.flash.refusal(status, where)
        except TargetError as error:
            message = error.message
        loader.flash.by_core = False  # the next try goes word by word
        raise FlashError("core", message, where)


def _is_blank(view):
    for at in range(0, len(view), len(_BLANK)):
        piece = view[at : at + len(_BLANK)]
        if piece != _BLANK[: len(piece)]:
            return False
    return True
