# Flash words programmed by the target's own core, from a ring in its RAM that we keep filled: the flash is never left
# waiting for the wire, and the wire carries nothing but the data, 46 clocks a word.
#
# What goes over the wire goes to RAM, so that a damaged or refused transfer is simply sent again: no flash word is ever
# torn by the wire. The routine (flash_loader.S) does what HAL and OpenOCD's loader do on silicon, one flash word at a
# time, finished before the next; nothing here relies on how the bus behaves while the flash is busy.
#
# In the work RAM: the SHA-256 routine comes first (target_digest.py), then the code, behind it the stack and the job of
# the SHA-256 routine (0x600 to the mailbox), the mailbox, the ring. The ring begins on a 1 KiB boundary, so that TAR is
# written once per KiB.

import struct

from micropython import const

from rescue.chips import h7_flash_registers as reg
from rescue.chips import h7_registers
from rescue.debug import cortex_m_registers as cm
from rescuelink.errors import WireError

_CODE = const(0x400)
_MAILBOX = const(0x7E0)
_DONE = const(4)
_LENGTH = const(8)
_RING = const(0x800)
_RING_UNIT = const(0x7FF)  # whole blocks of 2 KiB, so that what is sent is seldom cut at the ring's end

_STALL_MS = const(100)  # without a flash word finished, where one takes 200 us at most
_LOOK_US = const(40000)  # between two looks at the rails while the core works
_TRIES = const(3)
_BLANK = b"\xff" * 32


class LoaderStream:
    """See H7Flash.stream. A part that is all 0xFF is not sent: the routine ends before it and begins anew behind it."""

    def __init__(self, writer, address, length):
        self._writer = writer
        self._ap = writer.core.ap
        self._base = writer.chip.work_ram
        self._size = writer.chip.work_ram_bytes - _RING & ~_RING_UNIT
        self._address = address  # of the first byte in the ring
        self._length = length  # from there
        self._sent = 0
        self._done = 0
        self._gap = 0  # blank bytes after what was sent
        self._running = False

    def put(self, view, check=None):
        if view[:32] == _BLANK and view[32:] == view[:-32]:
            self._gap += len(view)
            return
        if self._gap:
            self._end(check)
        sent = self._sent + len(view)
        self._wait(sent - self._size, check)
        offset = self._sent % self._size
        fits = self._size - offset
        self._send(offset, view[:fits])
        self._send(0, view[fits:])
        self._sent = sent
        if self._running:
            self._ap.write32(self._base + _MAILBOX, sent, again=True)
        elif self._writer.is_erased():
            self._program()

    def finish(self, check=None):
        self._end(check)
        self._writer.wait_erased(check)
        self._writer.control(0)

    def start(self, status, sent):
        """Let the routine begin; `status` is the address of the status register it shall look at."""
        chip = self._writer.chip
        box = struct.pack(
            "<8I",
            sent,
            0,
            self._length,
            self._size,
            chip.word_bytes,
            reg.SR_BUSY,
            reg.SR_WRITE_ERRORS,
            h7_registers.IWDG1_KR,
        )
        base = self._base
        self._ap.write_block(base + _MAILBOX, box)
        self._writer.core.start(base + _CODE, (base + _MAILBOX, self._address, status), base + _CODE)

    def done(self):
        """Bytes that are programmed."""
        return self._ap.read32(self._base + _MAILBOX + _DONE)

    def _program(self):
        self._writer.control(reg.CR_PG)
        self.start(self._writer.status_address, self._sent)
        self._running = True

    def _send(self, offset, view):
        """Into the ring. Sent again from where it was disturbed, as long as that gets on."""
        offset += self._base + _RING
        tries = _TRIES
        while len(view):
            try:
                self._ap.write_block(offset, view)
                return
            except WireError as error:
                # The word before the one that failed may have been dropped as well: RAM takes both again.
                good = 4 * max(error.done - 2, 0)
                tries = _TRIES if good else tries - 1
                if error.kind == "fault" or not tries:
                    raise
                view = view[good:]
                offset += good
                self._writer.flash.resends += 1

    def _end(self, check):
        """All that was sent is in the flash; the next byte is the one after the gap."""
        sent = self._sent
        left = self._length - sent - self._gap
        if sent:
            if self._running and sent < self._length:
                self._ap.write32(self._base + _MAILBOX + _LENGTH, sent, again=True)
            self._length = sent
            self._wait(sent, check)
            self._writer.core.result(_STALL_MS)
            self._running = False
        self._address += sent + self._gap
        self._length = left
        self._sent = self._done = self._gap = 0

    def _wait(self, needed, check):
        """Until so many bytes are in the flash."""
        writer = self._writer
        clock = writer.clock
        if needed > self._done and not self._running:
            writer.wait_erased(check)
            self._program()
        since = clock.ms()
        while needed > self._done:
            done = self.done()
            if done > self._done:
                self._done = done
                since = clock.ms()
            elif clock.since_ms(since) > _STALL_MS or self._ap.read32(cm.DHCSR) & cm.S_HALT:
                done = self.done()
                if done == self._done:
                    from rescue.chips.h7_flash_blame import blame

                    blame(writer, self._address + done)
            clock.sleep_us(max(min((needed - done) // writer.chip.word_bytes * writer.chip.flash_word_us, _LOOK_US), 0))
            if check is not None:
                check()
