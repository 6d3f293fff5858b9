"""Whole fields on the SWD line, taken at once where nothing can happen inside them.

``SwdLine._cycle`` is the model. The fast paths here are the same steps for a field that arrives whole, and are left
whenever anything is due on the clock before the field's end, so that any chopping of the same bits gives the same
result at the same time.
"""

from __future__ import annotations

from typing import Final

from bmsrescue.twin.chip.swd.line import DATA_BITS, IDLE_CYCLES, NS_PER_S, RELEASED, SwdLine
from bmsrescue.twin.chip.swd.phases import IDLE, READ_DATA, TURN_TO_HOST, TURN_TO_TARGET, WRITE_DATA, WRITE_TURN
from bmsrescue.twin.chip.swd.pins import SwdPins
from bmsrescue.twin.chip.swd.protocol import DP_READ, INVALID_REQUEST, REQUESTS

__all__ = ["READ_CYCLES", "WRITE_CYCLES", "WRITE_RUN_CYCLES", "SwdPins", "SwdPort"]

READ_CYCLES: Final = 8 + 1 + 3 + DATA_BITS + 1
"""SWCLK cycles of a read that is answered with OK, with turnarounds of one cycle."""
WRITE_RUN_CYCLES: Final = 8 + 1 + 3 + 1 + DATA_BITS
"""Those of a write that is answered with OK, with another transfer right behind it."""
WRITE_CYCLES: Final = WRITE_RUN_CYCLES + IDLE_CYCLES
"""Those of a write that is clocked through."""
_DATA_MASK: Final = (1 << DATA_BITS) - 1


class SwdPort(SwdLine):
    """The SWJ-DP's pins as ``SwdPins``."""

    def clock_out(self, value: int, count: int) -> None:
        if self._clock.now_ns != self._rest_ns:
            self._stopped()
        self._counters.swclk_cycles += count
        value &= (1 << count) - 1
        while count:
            phase = self._phase
            if not self._alive:
                if self._tick(count):
                    return
            elif phase == IDLE:
                if self._selection.watching:
                    pass
                elif not value:
                    # The rest is low: idle cycles, if need be with a write on its way through them.
                    if not self._drain_left:
                        if self._tick(count):
                            self._ones = 0
                            return
                    elif self._drain_left <= count and self._tick(self._drain_left):
                        self._ones = 0
                        count -= self._drain_left
                        self._drain()
                        continue
                elif not value & 1:
                    # Idle cycles before the next request: up to where a write gets through, then up to the request.
                    low = (value & -value).bit_length() - 1
                    if self._drain_left:
                        low = min(low, self._drain_left)
                    if self._tick(low):
                        self._ones = 0
                        if self._drain_left:
                            self._drain_left -= low
                            if not self._drain_left:
                                self._drain()
                        value >>= low
                        count -= low
                        continue
                elif count >= 8 and (not self._drain_left or self._drain_left == 8):
                    request = REQUESTS[value & 0xFF]
                    if request != INVALID_REQUEST and self._tick(8):
                        self._ones = 1
                        if self._drain_left:
                            self._drain()
                        self._take_request(request)
                        value >>= 8
                        count -= 8
                        continue
            elif phase == WRITE_DATA and count >= self._left:
                left = self._left
                mask = (1 << left) - 1
                rest = value & mask
                if rest != mask:
                    if self._tick(left):
                        self._ones = left - (rest ^ mask).bit_length()
                        self._take_data(self._shift | rest << DATA_BITS - left)
                        value >>= left
                        count -= left
                        continue
                    # Something is due within the word: the bits before that are taken at once.
                    early = min(left - 1, self._cycles_before_due())
                    if early > 0 and self._tick(early):
                        mask = (1 << early) - 1
                        low = ((value & mask) ^ mask).bit_length()
                        self._ones = early - low if low else self._ones + early
                        self._shift |= (value & mask) << DATA_BITS - left
                        self._left -= early
                        value >>= early
                        count -= early
                        continue
            self._cycle(value & 1)
            value >>= 1
            count -= 1

    def clock_in(self, count: int) -> int:
        if self._clock.now_ns != self._rest_ns:
            self._stopped()
        self._counters.swclk_cycles += count
        result = 0
        got = 0
        while got < count:
            phase = self._phase
            left = self._left
            if not self._alive:
                if self._tick(count - got):
                    if self._dead_level:
                        result |= ((1 << count - got) - 1) << got
                    return result
            elif phase == TURN_TO_TARGET:
                # The answer follows at once: take both, and for a write the second turnaround, too.
                turns = (1 << left) - 1
                if not self._request & DP_READ and got + 2 * left + 3 <= count and self._tick(2 * left + 3):
                    result |= (turns | self._ack << left | turns << left + 3) << got
                    self._after_ack()
                    self._ones = (self._ack >> 2) + left
                    self._turned()
                    got += 2 * left + 3
                    continue
                if got + left + 3 <= count and self._tick(left + 3):
                    result |= (turns | self._ack << left) << got
                    self._ones = self._ack >> 2  # OK and WAIT end low, FAULT with one high bit
                    self._after_ack()
                    got += left + 3
                    continue
            elif phase == READ_DATA:
                if left == DATA_BITS and self._out >= 0:
                    # The turnaround that follows comes along when it is asked for.
                    turn = self._dp.turnaround_cycles
                    if got + DATA_BITS + turn <= count and self._tick(DATA_BITS + turn):
                        result |= (self._out | ((1 << turn) - 1) << DATA_BITS) << got
                        self._ones = DATA_BITS - (self._out ^ _DATA_MASK).bit_length() + turn
                        self._phase = IDLE
                        self._done_at = self._cycles
                        got += DATA_BITS + turn
                        continue
                    if got + DATA_BITS <= count and self._tick(DATA_BITS):
                        result |= self._out << got
                        self._ones = DATA_BITS - (self._out ^ _DATA_MASK).bit_length()
                        self._turn_to_host()
                        got += DATA_BITS
                        continue
            elif phase in (TURN_TO_HOST, WRITE_TURN) and got + left <= count and self._tick(left):
                result |= ((1 << left) - 1) << got
                self._ones += left
                self._turned()
                got += left
                continue
            result |= self._cycle(RELEASED) << got
            got += 1
        return result

    def read_whole(self, request_byte: int) -> int:
        """The data, parity and turnaround of a read taken at once; -1 where it cannot be.

        As if clocked: 8 cycles out, 4 in, 34 in.
        """
        if not self._answers_ok(READ_CYCLES):
            return -1
        request = REQUESTS[request_byte]
        if request == INVALID_REQUEST:
            return -1
        self._counters.swclk_cycles += READ_CYCLES
        self._tick(8)
        self._ones = 1
        self._take_request(request)
        if not self._tick(READ_CYCLES - 8):
            # What the request has set going is due before the end.
            self._counters.swclk_cycles -= READ_CYCLES - 8
            self.clock_in(4)
            return self.clock_in(34)
        data = self._dp.data
        data |= (data.bit_count() & 1) << DATA_BITS - 1
        self._ones = DATA_BITS - (data ^ _DATA_MASK).bit_length() + 1
        self._phase = IDLE
        self._done_at = self._cycles
        return data | 1 << DATA_BITS

    def write_whole(self, request_byte: int, word: int) -> bool:
        """Take a write at once, `word` with its parity; False where it cannot be.

        As if clocked: 8 cycles out, 5 in, 33 out.
        """
        if word == _DATA_MASK or not self._answers_ok(WRITE_RUN_CYCLES):
            return False
        request = REQUESTS[request_byte]
        if request == INVALID_REQUEST:
            return False
        self._counters.swclk_cycles += WRITE_RUN_CYCLES
        self._tick(8)
        self._ones = 1
        self._take_request(request)
        if self._tick(WRITE_RUN_CYCLES - 8):
            self._ones = DATA_BITS - (word ^ _DATA_MASK).bit_length()
            self._take_data(word)
        else:
            self._counters.swclk_cycles -= WRITE_RUN_CYCLES - 8
            self.clock_in(5)
            self.clock_out(word, DATA_BITS)
        return True

    def _answers_ok(self, cycles: int) -> bool:
        """Whether a transfer of so many cycles, begun now, is answered with OK and nothing is due before its end."""
        clock = self._clock
        if clock.now_ns != self._rest_ns:
            self._stopped()
        return (
            self._alive
            and self._phase == IDLE
            and not self._drain_left
            and not self._selection.watching
            and not self._dpidr_due
            and self._dp.turnaround_cycles == 1
            and self._dp.is_free
            and clock.now_ns + (cycles + 1) * NS_PER_S // self._frequency_hz < clock.due_ns
        )

    def read_run(self, request_byte: int, count: int) -> bytes:
        """The answers to up to ``count`` equal AP reads one after the other, taken at once; empty where it cannot be.

        As if each had been clocked: request, turnaround, ACK, data with parity, turnaround.
        """
        if not self._alive or self._phase != IDLE or self._selection.watching or self._drain_left or self._dpidr_due:
            return b""
        if self._clock.now_ns != self._rest_ns:
            self._stopped()
        until_due_ns = self._clock.due_ns - self._clock.now_ns
        count = min(count, (until_due_ns * self._frequency_hz // NS_PER_S - 2) // READ_CYCLES)
        if count <= 0:
            return b""
        answers = self._dp.read_run(REQUESTS[request_byte], count)
        cycles = len(answers) // 4 * READ_CYCLES
        if not cycles:
            return b""
        self._tick(cycles)
        self._done_at = self._cycles
        self._counters.swclk_cycles += cycles
        last = int.from_bytes(answers[-4:], "little")
        last |= (last.bit_count() & 1) << DATA_BITS - 1
        self._ones = DATA_BITS - (last ^ _DATA_MASK).bit_length() + 1
        return answers

    def write_run(self, request_byte: int, data: bytes) -> int:
        """How many words of ``data`` were taken by equal AP writes one after the other, taken at once; may be 0.

        As if each had been clocked: request, turnaround, ACK, turnaround, data with parity. The last is on its way.
        """
        if self._clock.now_ns != self._rest_ns:
            self._stopped()
        if not self._alive or self._phase != IDLE or self._selection.watching or self._dpidr_due:
            return 0
        until_due_ns = self._clock.due_ns - self._clock.now_ns
        count = min(len(data) // 4, (until_due_ns * self._frequency_hz // NS_PER_S - 2) // WRITE_RUN_CYCLES)
        if count <= 1:
            return 0
        until_ns = self._clock.now_ns + (count * WRITE_RUN_CYCLES + 1) * NS_PER_S // self._frequency_hz + 1
        taken = self._dp.write_run(REQUESTS[request_byte], data[: 4 * count], until_ns)
        if not taken:
            return 0
        cycles = taken * WRITE_RUN_CYCLES
        self._tick(cycles)
        self._done_at = self._cycles
        self._counters.swclk_cycles += cycles
        last = int.from_bytes(data[4 * taken - 4 : 4 * taken], "little")
        last |= (last.bit_count() & 1) << DATA_BITS - 1
        self._ones = DATA_BITS - (last ^ _DATA_MASK).bit_length()
        self._drain_left = self._config.ap_write_drain_cycles
        if not self._drain_left:
            self._drain()
        return taken

    def is_certain(self, cycles: int) -> bool:
        """Whether a write of so many cycles that begins now is bound to be answered with OK.

        The port listens, nothing is on its way, held off or refused, and nothing is due before its end.
        """
        return (
            self._alive
            and self._phase == IDLE
            and not self._selection.watching
            and not self._drain_left
            and not self._dpidr_due
            and self._dp.is_free
            and self._clock.now_ns + (cycles + 1) * NS_PER_S // self._frequency_hz < self._clock.due_ns
        )

    def _cycles_before_due(self) -> int:
        """How many cycles are over before the next thing is due."""
        until_due_ns = self._clock.due_ns - self._clock.now_ns
        return max(0, (until_due_ns * self._frequency_hz - self._remainder - 1) // NS_PER_S)

    def _tick(self, cycles: int) -> bool:
        """Let ``cycles`` periods pass at once, unless something is due on the way: then do nothing and say False."""
        clock = self._clock
        period_ns = self._whole_period_ns
        if period_ns:
            target_ns = clock.now_ns + cycles * period_ns
            if target_ns >= clock.due_ns:
                return False
            clock.now_ns = self._rest_ns = target_ns
            self._cycles += cycles
            return True
        elapsed_ns, remainder = divmod(cycles * NS_PER_S + self._remainder, self._frequency_hz)
        target_ns = clock.now_ns + elapsed_ns
        if target_ns >= clock.due_ns:
            return False
        clock.now_ns = self._rest_ns = target_ns
        self._remainder = remainder
        self._cycles += cycles
        return True
