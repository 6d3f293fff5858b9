# Flash words programmed by the target's own core, from a ring in its RAM that we keep filled: the flash is never left
# waiting for the wire, and the wire carries nothing but the data, 46 clocks a word.
#
# What goes over the wire goes to RAM, in pieces: behind each goes its CRC-32, and the core programs no piece that has
# not arrived whole (flash_loader.S). One that has not is sent again. So no flash word is ever torn by the wire, nor
# programmed with something else than was meant. The routine does what HAL and OpenOCD's loader do on silicon, one flash
# word at a time, finished before the next; nothing here relies on how the bus behaves while the flash is busy.
#
# In the work RAM: the SHA-256 routine comes first (digest.py), then the code, behind it the stack and the job of
# the SHA-256 routine (from 0x600), the ring, the slots, the mailbox. The ring begins on a 1 KiB boundary, so that TAR
# is written once per KiB.

import binascii
import struct

from micropython import const

from rescue.chips.stm32h7 import flash_registers as reg
from rescue.chips.stm32h7 import registers
from rescue.debug import cortex_m_registers as cm
from rescuelink.errors import WireError

_CODE = const(0x400)
_MAILBOX = const(0x1FC00)
_CHECKED = const(8)
_LENGTH = const(16)
_RING = const(0x800)
_SLOTS = const(128)
_SLOTS_BYTES = const(0x800)  # set aside for them and the mailbox, so that the ring is whole blocks of 2 KiB
_DAMAGED = const(0xFFFFFFFF)

_STALL_MS = const(100)  # without a flash word finished, where one takes 200 us at most
_LOOK_US = const(40000)  # between two looks at the rails while the core works
_CHECK_MS = const(1)  # a piece of 2 KiB is checked in a quarter of it
_LOOKS = const(4)
_AHEAD = const(4096)  # more is not programmed between the two halves of a read, at any clock
_TAIL = const(32)
_TRIES = const(3)
_REPAIRS = const(16)  # of one piece
_BLANK = b"\xff" * 32


class LoaderStream:
    """See H7Flash.stream. A part that is all 0xFF is not sent: the routine ends before it and begins anew behind it."""

    def __init__(self, writer, address, length, again=None):
        self._writer = writer
        self._ap = writer.core.ap
        self._base = writer.chip.work_ram
        self._size = writer.chip.work_ram_bytes - _RING - _SLOTS_BYTES
        self._address = address  # of the first byte in the ring
        self._length = length  # from there
        self._again = again
        self._last = self._last_crc = None  # the piece that was handed over last, as it was then
        self._piece = 0  # bytes of every piece in the ring but the last
        self._sent = 0
        self._done = 0
        self._gap = 0  # blank bytes after what was sent
        self._running = False
        self._stamp = writer.next_stamp()

    def put(self, view, check=None):
        if view[:32] == _BLANK and view[32:] == view[:-32]:
            self._gap += len(view)
            return
        if self._gap or (self._sent and (len(view) > self._piece or self._sent % self._piece)):
            self._end(check)
        at = self._sent
        if not at:
            self._piece = len(view)
        sent = at + len(view)
        needed = sent - min(self._size, _SLOTS * self._piece)
        if needed > self._done and not self._running:
            self._writer.wait_erased(check)  # from here, where the stack is shorter than in _wait()
        self._wait(needed, check)
        self._send(at, view)
        dp = self._ap.dp
        epoch = dp.epoch
        self.announce(view, at // self._piece, sent)
        if dp.epoch != epoch:
            # Something was disturbed meanwhile: the last words may have been dropped without a sign of their own.
            tail = min(_TAIL, len(view))
            self._send(sent - tail, view[-tail:])
        self._last, self._last_crc = view, binascii.crc32(view)
        self._sent = sent
        if not self._running and self._writer.is_erased():
            self.start(self._writer.control_address)
            self._running = True

    def finish(self, check=None):
        if not self._running:
            self._writer.wait_erased(check)  # from here, where the stack is still short
        self._end(check)
        self._writer.wait_erased(check)

    def start(self, control):
        """Let the routine begin; `control` is the address of the control register, the status register behind it."""
        chip = self._writer.chip
        base = self._base
        idle = chip.control[0]
        words = [0, _DAMAGED, 0, 0, self._length, base + _RING, base + _RING + self._size]
        words += [base + _RING + self._size, base + _RING + self._size + 8 * _SLOTS, self._stamp]
        words += [chip.word_bytes, reg.SR_BUSY, reg.SR_WRITE_ERRORS, registers.IWDG1_KR]
        words += [control, idle | reg.CR_PG, idle]
        check = _DAMAGED
        for word in words:
            check ^= word
        box = base + _MAILBOX
        self._send_words(self._ap.write_block, box, struct.pack("<18I", *words, check))
        self._writer.core.start(base + _CODE, (box, self._address, _DAMAGED ^ box ^ self._address), base + _CODE)

    def announce(self, view, piece, sent):
        """Tells the routine that a piece is there, and its CRC. Where that does not arrive, the routine waits, and the
        piece is sent again."""
        slot = self._base + _RING + self._size + piece % _SLOTS * 8
        self._send_words(self._ap.post_block, slot, struct.pack("<2I", binascii.crc32(view), self._stamp | sent))

    def _send_words(self, write, address, words):
        # To RAM, so that it does no harm to send it again. What has not arrived after all is found by its check.
        for _ in range(_TRIES):
            try:
                write(address, words)
                return
            except WireError as error:
                if error.kind == "fault":
                    raise
                self._writer.flash.resends += 1

    def done(self):
        """Bytes that are programmed: as the routine counts them twice, for the wire may damage what is read, too.

        The second count is read later, and may have gone on meanwhile: the first one is still true.
        """
        box = bytearray(8)
        for _ in range(_TRIES):
            self._ap.read_block(self._base + _MAILBOX, box)
            done, inverted = struct.unpack("<2I", box)
            if 0 <= (inverted ^ _DAMAGED) - done <= _AHEAD:
                return done
        return 0

    def checked(self):
        """(bytes of pieces that have arrived whole, how often one had not)"""
        box = bytearray(8)
        self._ap.read_block(self._base + _MAILBOX + _CHECKED, box)
        return struct.unpack("<2I", box)

    def _send(self, at, view):
        """Into the ring, which it may wrap."""
        offset = at % self._size
        fits = self._size - offset
        self._send_to(offset, view[:fits])
        self._send_to(0, view[fits:])

    def _send_to(self, offset, view):
        """Sent again from where it was disturbed, as long as that gets on."""
        offset += self._base + _RING
        tries = _TRIES
        while len(view):
            try:
                self._ap.post_pages(offset, view)
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
        self._stamp = self._writer.next_stamp()

    def _wait(self, needed, check):
        """Until so many bytes are in the flash."""
        writer = self._writer
        clock = writer.clock
        if needed > self._done and not self._running:
            writer.wait_erased(check)
            self.start(writer.control_address)  # no method around it: the stack is at its deepest
            self._running = True
        since = clock.ms()
        repairs = _REPAIRS
        looks = 0
        word_us = writer.chip.flash_word_us
        while needed > self._done:
            done = self.done()
            if self._done < done <= self._sent:
                self._done = done
                since = clock.ms()
                repairs = _REPAIRS
                looks = 0
            elif looks < _LOOKS:
                looks += 1  # the word under way takes a little longer
            elif self._ap.read32(cm.DHCSR) & cm.S_HALT:
                if self._began():
                    self._blame()
            elif self._is_stuck():
                if not repairs:
                    raise WireError("parity", "what is sent arrives damaged again and again", self._address + done)
                repairs -= 1
                self._repair()
                since = clock.ms()
            elif clock.since_ms(since) > _STALL_MS:
                self._blame()
            clock.sleep_us(max(min((needed - done) // writer.chip.word_bytes * word_us, _LOOK_US), looks and word_us))
            if check is not None:
                check()

    def _is_stuck(self):
        # Nothing that has arrived whole is left to program, and stays so for longer than it takes to check a piece.
        for _ in range(_LOOKS):
            checked = self.checked()[0]
            if checked > self.done():
                return False
            self._writer.clock.sleep_ms(_CHECK_MS)
        return checked < self._sent

    def _repair(self):
        """The piece that has not arrived whole, once more. Its slot is taken away meanwhile."""
        self._writer.flash.resends += 1
        at = self.checked()[0]
        at -= at % self._piece
        if at >= self._sent:
            return
        piece = at // self._piece
        end = min(at + self._piece, self._sent)
        view = None
        if end == self._sent and binascii.crc32(self._last) == self._last_crc:
            view = self._last
        if self._again is not None:
            view = self._again(self._address + at, end - at)
        if view is None:
            raise WireError("parity", "what was sent has arrived damaged", self._address + at)
        self._ap.write32(self._base + _RING + self._size + piece % _SLOTS * 8 + 4, 0, again=True)
        self._send(at, view)
        self.announce(view, piece, end)

    def _began(self):
        """False where the routine refused its mailbox as damaged; then it is begun again."""
        core = self._writer.core
        if self.done() or core.result(0) != _DAMAGED:
            return True
        self._writer.flash.resends += 1
        self.start(self._writer.control_address)
        return False

    def _blame(self):
        done = self.done()
        if done == self._done:
            from rescue.chips.stm32h7.flash_errors import blame

            blame(self._writer, self._address + done)
