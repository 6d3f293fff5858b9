# Flash words programmed by the target's own core, from a ring in its RAM that we keep filled: the flash is never left
# waiting for the wire, and the wire carries nothing but the data, 46 clocks a word.
#
# What goes over the wire goes to RAM, in pieces: behind each goes its CRC-32, and the core programs no piece that has
# not arrived whole (flash_loader.S). One that has not is sent again. So no flash word is ever torn by the wire, nor
# programmed with something else than was meant. The routine does what HAL and OpenOCD's loader do on silicon, one flash
# word at a time, finished before the next; nothing here relies on how the bus behaves while the flash is busy.

import binascii
import struct

from micropython import const

from rescue.chips.stm32h7 import flash_loader_layout as ram
from rescue.chips.stm32h7 import flash_registers as reg
from rescue.chips.stm32h7 import registers
from rescuelink.errors import WireError

_STALL_MS = const(100)  # without a flash word finished, where one takes 200 us at most
_LOOK_US = const(40000)  # between two looks at the rails while the core works
_LOOKS = const(4)
_AHEAD = const(4096)  # more is not programmed between the two halves of a read, at any clock
_TAIL = const(32)
_TRIES = const(3)
_REPAIRS = const(16)  # of one piece
_BLANK = b"\xff" * 32


class LoaderStream:
    """See H7Flash.stream. A part that is all 0xFF is not sent: the routine ends before it and begins anew behind it."""

    def __init__(self, writer, address, length, again=None):
        self.writer = writer
        self.ap = writer.core.ap
        self.base = writer.chip.work_ram
        self.size = writer.chip.work_ram_bytes - ram.RING - ram.SLOTS_BYTES
        self.address = address  # of the first byte in the ring
        self._length = length  # from there
        self.again = again
        self.last = self.last_crc = None  # the piece that was handed over last, as it was then
        self.piece = 0  # bytes of every piece in the ring but the last
        self.sent = 0
        self.programmed = 0
        self._gap = 0  # blank bytes after what was sent
        self._running = False
        self._stamp = writer.next_stamp()

    def put(self, view, check=None):
        if view[:32] == _BLANK and view[32:] == view[:-32]:
            self._gap += len(view)
            return
        if self._gap or (self.sent and (len(view) > self.piece or self.sent % self.piece)):
            self._end(check)
        at = self.sent
        if not at:
            self.piece = len(view)
        sent = at + len(view)
        needed = sent - min(self.size, ram.SLOTS * self.piece)
        if needed > self.programmed and not self._running:
            self.writer.wait_erased(check)  # from here, where the stack is shorter than in _wait()
        self._wait(needed, check)
        self.send(at, view)
        dp = self.ap.dp
        epoch = dp.epoch
        self.announce(view, at // self.piece, sent)
        if dp.epoch != epoch:
            # Something was disturbed meanwhile: the last words may have been dropped without a sign of their own.
            tail = min(_TAIL, len(view))
            self.send(sent - tail, view[-tail:])
        self.last, self.last_crc = view, binascii.crc32(view)
        self.sent = sent
        if not self._running and self.writer.is_erased():
            self.start(self.writer.control_address)
            self._running = True

    def finish(self, check=None):
        if not self._running:
            self.writer.wait_erased(check)  # from here, where the stack is still short
        self._end(check)
        self.writer.wait_erased(check)

    def start(self, control):
        """Let the routine begin; `control` is the address of the control register, the status register behind it."""
        chip = self.writer.chip
        base = self.base
        idle = chip.control[0]
        words = [0, ram.DAMAGED, 0, 0, self._length, base + ram.RING, base + ram.RING + self.size]
        words += [base + ram.RING + self.size, base + ram.RING + self.size + 8 * ram.SLOTS, self._stamp]
        words += [chip.word_bytes, reg.SR_BUSY, reg.SR_WRITE_ERRORS, registers.IWDG1_KR]
        words += [control, idle | reg.CR_PG, idle]
        check = ram.DAMAGED
        for word in words:
            check ^= word
        box = base + ram.MAILBOX
        self._send_words(self.ap.write_block, box, struct.pack("<18I", *words, check))
        self.writer.core.start(base + ram.CODE, (box, self.address, ram.DAMAGED ^ box ^ self.address), base + ram.CODE)

    def announce(self, view, piece, sent):
        """Tells the routine that a piece is there, and its CRC. Where that does not arrive, the routine waits, and the
        piece is sent again."""
        slot = self.base + ram.RING + self.size + piece % ram.SLOTS * 8
        self._send_words(self.ap.post_block, slot, struct.pack("<2I", binascii.crc32(view), self._stamp | sent))

    def _send_words(self, write, address, words):
        # To RAM, so that it does no harm to send it again. What has not arrived after all is found by its check.
        for _ in range(_TRIES):
            try:
                write(address, words)
                return
            except WireError as error:
                if error.kind == "fault":
                    raise
                self.writer.flash.resends += 1

    def done(self):
        """Bytes that are programmed: as the routine counts them twice, for the wire may damage what is read, too.

        The second count is read later, and may have gone on meanwhile: the first one is still true.
        """
        box = bytearray(8)
        for _ in range(_TRIES):
            self.ap.read_block(self.base + ram.MAILBOX, box)
            done, inverted = struct.unpack("<2I", box)
            if 0 <= (inverted ^ ram.DAMAGED) - done <= _AHEAD:
                return done
        return 0

    def send(self, at, view):
        """Into the ring, which it may wrap."""
        offset = at % self.size
        fits = self.size - offset
        self._send_to(offset, view[:fits])
        self._send_to(0, view[fits:])

    def _send_to(self, offset, view):
        """Sent again from where it was disturbed, as long as that gets on."""
        offset += self.base + ram.RING
        tries = _TRIES
        while len(view):
            try:
                self.ap.post_pages(offset, view)
                return
            except WireError as error:
                # The word before the one that failed may have been dropped as well: RAM takes both again.
                good = 4 * max(error.done - 2, 0)
                tries = _TRIES if good else tries - 1
                if error.kind == "fault" or not tries:
                    raise
                view = view[good:]
                offset += good
                self.writer.flash.resends += 1

    def _end(self, check):
        """All that was sent is in the flash; the next byte is the one after the gap."""
        sent = self.sent
        left = self._length - sent - self._gap
        if sent:
            if self._running and sent < self._length:
                self.ap.write32(self.base + ram.MAILBOX + ram.LENGTH, sent, again=True)
            self._length = sent
            self._wait(sent, check)
            self.writer.core.result(_STALL_MS)
            self._running = False
        self.address += sent + self._gap
        self._length = left
        self.sent = self.programmed = self._gap = 0
        self._stamp = self.writer.next_stamp()

    def _wait(self, needed, check):
        """Until so many bytes are in the flash."""
        writer = self.writer
        clock = writer.clock
        if needed > self.programmed and not self._running:
            writer.wait_erased(check)
            self.start(writer.control_address)  # no method around it: the stack is at its deepest
            self._running = True
        since = clock.ms()
        repairs = _REPAIRS
        looks = 0
        word_us = writer.chip.flash_word_us
        while needed > self.programmed:
            done = self.done()
            if self.programmed < done <= self.sent:
                self.programmed = done
                since = clock.ms()
                repairs = _REPAIRS
                looks = 0
            elif looks < _LOOKS:
                looks += 1  # the word under way takes a little longer
            else:
                from rescue.chips.stm32h7.flash_loader_stall import look_into

                if look_into(self, repairs, clock.since_ms(since) > _STALL_MS):
                    repairs -= 1
                    since = clock.ms()
            clock.sleep_us(max(min((needed - done) // writer.chip.word_bytes * word_us, _LOOK_US), looks and word_us))
            if check is not None:
                check()
