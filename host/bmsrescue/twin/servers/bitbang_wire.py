# mypy: allow-untyped-calls
"""The agent's `Wire` over ``remote_bitbang``: single transfers by the agent's own layer, blocks ahead of their answers.

A round trip per acknowledge would make a megabyte take minutes. With CTRL/STAT.ORUNDETECT set the chip expects the data
phase of every transfer, whatever it acknowledges (Arm IHI 0031, ADIv5.2, overrun detection), so hundreds of transfers
go out in one piece and are judged afterwards: the first acknowledge that is not OK sets STICKYORUN, and nothing after
it has an effect. A chip that does not keep ORUNDETECT gets one transfer at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.chip.swd.dp_registers import ORUNDETECT, ORUNERRCLR, STKCMPCLR, STKERRCLR, WDERRCLR
from bmsrescue.twin.servers.bitbang_client import DRIVE, LET_GO, OUT_BYTE, SAMPLE, SKIP, BitbangPins, samples_value
from bmsrescue.twin.servers.bitbang_transfers import BitbangTransfers, data_chars
from rescuelink.errors import WireError

make_importable()  # before the agent's own transfer layer can be imported

from rescue.hal.swd_line import READ_REQUESTS, WRITE_REQUESTS  # noqa: E402

# DP registers as offsets on the wire.
_ABORT = 0x0
_CTRL_STAT = 0x4
_SELECT = 0x8
_RDBUFF = 0xC

_CLEAR_STICKY = STKCMPCLR | STKERRCLR | WDERRCLR | ORUNERRCLR
_OK = b"100"
_WAIT = b"010"
_FAULT = b"001"

_BATCH_WORDS = 512
_FEWEST_WORDS = 4  # a shorter block is no quicker in one piece
_CYCLES = 46  # request 8, turnaround 1, ACK 3, data and parity 33, turnaround 1
_READ_SAMPLES = 36  # ACK, data, parity
_IDLE_CYCLES = 8


class BitbangWire(BitbangTransfers):
    """See `Wire` in device/rescue/hal/ports.py; not for several threads.

    Raises:
        WireError: as every wire; `done` counts the words of a block that are surely through.
        ServerLinkError: the server is gone, silent or no bitbang server.
    """

    def __init__(self, pins: BitbangPins, wait_limit: int = 256) -> None:
        super().__init__(pins, wait_limit)
        self._dp_bank: int | None = None  # SELECT.DPBANKSEL, None while unknown
        self._control: int | None = None  # CTRL/STAT as last written
        self._keeps_overrun: bool | None = None
        self._overrun_left_on = False
        self._overrun_honoured = True  # until a refusal shows that the bit is kept and means nothing
        self._batch_words = _BATCH_WORDS  # kept from block to block: a chip that often waits goes on doing so

    def forget(self) -> None:
        """Bits were clocked past this wire: what it knows of the debug port may be wrong."""
        self._dp_bank = None
        self._keeps_overrun = None

    def bits_out(self, value: int, count: int) -> None:
        self.forget()
        super().bits_out(value, count)

    def line_reset(self) -> None:
        self.forget()
        super().line_reset()

    def write(self, ap: int, a32: int, value: int) -> None:
        super().write(ap, a32, value)
        if ap:
            return
        if a32 == _SELECT:
            self._dp_bank = value & 0xF
        elif a32 == _CTRL_STAT and self._dp_bank == 0:
            self._control = value & ~ORUNDETECT
        elif a32 == _ABORT and self._overrun_left_on:
            self._leave_overrun()

    def read_block(self, ap: int, a32: int, buf: bytearray | memoryview) -> None:
        if ap and self._can_send_ahead(len(buf)):
            self._in_batches(self._read_ahead, super().read_block, a32, memoryview(buf))
            self.idle(_IDLE_CYCLES)
        else:
            super().read_block(ap, a32, buf)

    def write_block(self, ap: int, a32: int, buf: bytes | bytearray | memoryview) -> None:
        if ap and self._can_send_ahead(len(buf)):
            self._in_batches(self._write_ahead, super().write_block, a32, memoryview(buf))
            self.idle(_IDLE_CYCLES)
        else:
            super().write_block(ap, a32, buf)

    # --- blocks in one piece ------------------------------------------------------------------------------------------

    def _in_batches(
        self,
        send_ahead: Callable[[int, memoryview], int],
        one_by_one: Callable[[int, int, memoryview], None],
        a32: int,
        view: memoryview,
    ) -> None:
        """A whole block. After a WAIT one word is waited for as usual, and the next batch is a smaller one."""
        total = len(view) // 4
        done = 0
        try:
            while done < total:
                words = min(self._batch_words, total - done)
                through = send_ahead(a32, view[4 * done : 4 * (done + words)])
                done += through
                if through == words:
                    if words == self._batch_words:
                        self._batch_words = min(2 * words, _BATCH_WORDS)
                    continue
                self._batch_words = max(words // 2, _FEWEST_WORDS)
                one_by_one(1, a32, view[4 * done : 4 * (done + 1)])
                done += 1
        except WireError as error:
            error.done += done
            raise

    def _read_ahead(self, a32: int, buf: memoryview) -> int:
        """Fill `buf` until something is answered WAIT; returns the words that are there."""
        count = len(buf) // 4
        chars = _read_chars(READ_REQUESTS[4 | a32 >> 2]) * count + _read_chars(READ_REQUESTS[_RDBUFF >> 2])
        answers = self._send_ahead(chars, _READ_SAMPLES * (count + 1), count + 1)
        failed = _first_refused(answers, _READ_SAMPLES, count + 1)
        # Reads of an AP are posted: the answer of read n is word n - 1, and RDBUFF has the last one.
        for index in range(1, count + 1 if failed is None else failed):
            struct.pack_into("<I", buf, 4 * (index - 1), self._data(answers, index))
        if failed is None:
            self._leave_if_refused(answers[-3:])
            return count
        acknowledge = answers[_READ_SAMPLES * failed :][:3]
        self._give_up_batch(acknowledge, max(failed - 1, 0))
        if failed:
            struct.pack_into("<I", buf, 4 * (failed - 1), self._one_word(failed - 1))
        return failed

    def _write_ahead(self, a32: int, buf: memoryview) -> int:
        """Write `buf` until something is answered WAIT; returns the words that were taken."""
        count = len(buf) // 4
        head = _write_head(WRITE_REQUESTS[4 | a32 >> 2])
        chars = b"".join([head + data_chars(word) for (word,) in struct.iter_unpack("<I", buf)]) + SKIP * _IDLE_CYCLES
        answers = self._send_ahead(chars, 3 * count, count)
        self._pins.cycles += _IDLE_CYCLES
        failed = _first_refused(answers, 3, count)
        if failed is None:
            # A FAULT of the write that ends the batch tells of the last word, which the bus refused.
            if answers[-3:] == _FAULT:
                self._give_up_batch(_FAULT, count - 1)
            self._leave_if_refused(answers[-3:])
            return count
        acknowledge = answers[3 * failed :][:3]
        self._give_up_batch(acknowledge, max(failed - (acknowledge == _FAULT), 0))
        return failed

    def _send_ahead(self, chars: bytes, samples: int, transfers: int) -> bytes:
        """Transfers between switching overrun detection on and off; the last three answers are of the switching off."""
        control = self._control or 0
        super().write(0, _CTRL_STAT, control | ORUNDETECT)
        self._overrun_left_on = True
        self._pins.drive()
        self._pins.cycles += _CYCLES * (transfers + 1)
        return self._pins.ask(chars + _write_chars(_CTRL_STAT, control), samples + 3)

    def _data(self, answers: bytes, index: int) -> int:
        """The 32 bits of read number `index`, in a batch whose acknowledges are all OK so far."""
        start = _READ_SAMPLES * index + 3
        bits = samples_value(answers[start : start + 33])
        if bits.bit_count() & 1:
            self._leave_overrun()
            raise WireError("parity", "the chip's answer was damaged", done=index - 1)
        return bits & 0xFFFFFFFF

    def _one_word(self, done: int) -> int:
        """The word whose read was taken but not yet fetched when the batch ended."""
        try:
            return int(super().read(0, _RDBUFF))
        except WireError as error:
            error.done = done
            raise

    def _give_up_batch(self, acknowledge: bytes, done: int) -> None:
        """Leave overrun detection after a refusal; returns after a WAIT, when it is worth going on one by one."""
        if acknowledge not in (_WAIT, _FAULT):
            raise self._failure(acknowledge, done)
        try:
            self._leave_overrun()
        except WireError as error:
            # The chip took what came after its refusal for something else than data phases: one by one from now on.
            self._overrun_honoured = False
            error.done = done
            raise
        if acknowledge == _FAULT:
            raise self._failure(acknowledge, done)
        self.waits += 1

    def _failure(self, acknowledge: bytes, done: int) -> WireError:
        error: WireError = self._refused(samples_value(acknowledge))
        error.done = done
        return error

    # --- overrun detection --------------------------------------------------------------------------------------------

    def _can_send_ahead(self, length: int) -> bool:
        if not self._overrun_honoured or length < 4 * _FEWEST_WORDS or self._dp_bank != 0 or self._control is None:
            return False
        if self._keeps_overrun is None:
            super().write(0, _CTRL_STAT, self._control | ORUNDETECT)
            self._keeps_overrun = bool(super().read(0, _CTRL_STAT) & ORUNDETECT)
            self._leave_overrun()
        return self._keeps_overrun

    def _leave_if_refused(self, acknowledge: bytes) -> None:
        """The batch is through; its last write, which ends overrun detection, may have met a busy AP."""
        if acknowledge == _OK:
            self._overrun_left_on = False
        else:
            self._leave_overrun()

    def _leave_overrun(self) -> None:
        """Clear the sticky flags and ORUNDETECT, with data phases as the chip expects them until then."""
        chars = _write_chars(_ABORT, _CLEAR_STICKY) + _write_chars(_CTRL_STAT, self._control or 0)
        self._overrun_left_on = True
        self._pins.drive()
        for _ in range(self.wait_limit):
            self._pins.cycles += 2 * _CYCLES
            acknowledge = self._pins.ask(chars, 6)[3:]
            if acknowledge == _OK:
                self._overrun_left_on = False
                return
            if acknowledge not in (_WAIT, _FAULT):
                raise self._failure(acknowledge, 0)
        raise WireError("wait", "the chip does not leave overrun detection", next_step="power the unit off and on")


@cache
def _read_chars(request: int) -> bytes:
    return OUT_BYTE[request] + LET_GO + SKIP + SAMPLE * _READ_SAMPLES + SKIP + DRIVE


@cache
def _write_head(request: int) -> bytes:
    return OUT_BYTE[request] + LET_GO + SKIP + SAMPLE * 3 + SKIP + DRIVE


def _write_chars(a32: int, value: int) -> bytes:
    """One write of a DP register."""
    return _write_head(WRITE_REQUESTS[a32 >> 2]) + data_chars(value)


def _first_refused(answers: bytes, samples: int, transfers: int) -> int | None:
    """Number of the first transfer whose acknowledge is not OK, when each has `samples` answers."""
    end = samples * transfers
    first, second, third = answers[0:end:samples], answers[1:end:samples], answers[2:end:samples]
    if first.count(b"1") == second.count(b"0") == third.count(b"0") == transfers:
        return None
    return next(n for n in range(transfers) if answers[samples * n :][:3] != _OK)
