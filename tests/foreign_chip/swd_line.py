"""The serial wire, one SWCLK edge at a time: selection, line reset, request, ACK, data (IHI 0031 B4).

A bit is what SWDIO holds at a rising edge of SWCLK; the chip changes its output after one. The machine is a set of
`_state` methods, each eating one bit. What a debugger does that the protocol forbids is counted in `violations`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from dap import OK, DebugPort

LINE_RESET_ONES = 50
JTAG_TO_SWD, SWD_TO_JTAG, SWD_TO_DORMANT = 0xE79E, 0xE73C, 0xE3BC
# 128-bit selection alert, four zeros, activation code 0x1A; first bit on the wire is bit 0.
ALERT = bytes.fromhex("92F30962 952D8586 E9AFDDE3 A20EBC19")
WAKE_UP = int.from_bytes(ALERT, "little") | 0x1A << 132
WAKE_UP_BITS = 128 + 4 + 8
_ALL_ONES = (1 << 33) - 1


class SwdLine:
    def __init__(self, port: DebugPort, bit_error_rate: float, rng: random.Random) -> None:
        self._port, self._ber, self._rng = port, bit_error_rate, rng
        self.violations: Counter[str] = Counter()
        self.driving = False
        self.out = 1
        self.power_on_reset()

    def power_on_reset(self) -> None:
        """The port wakes up in JTAG: silent until it is switched to serial wire."""
        self._selected = "jtag"
        self._state: Callable[[int], None] = self._deaf
        self._ones = 0
        self._shift = self._count = 0
        self._history = 0
        self._window = 0  # bits of a possible switch sequence still to come after >= 50 ones
        self._sequence = 0
        self._watching = False  # `_window` runs, or the port is dormant
        self._suspicion = ""  # a bad request that may turn out to be a switch sequence or the start of a line reset
        self._released = False  # the host let go of SWDIO somewhere in its own phase
        self._fresh = False  # after a line reset, before DPIDR was read
        self.driving = False

    def edge(self, level: int, host_drives: bool) -> None:
        """SWCLK rises; `level` is what the host holds SWDIO at, if it drives."""
        if self.driving:
            bit = self.out
            if host_drives:
                self.violations["both sides drive SWDIO"] += 1
        elif host_drives:
            bit = level
        else:
            bit = 1
            self._released = True
        if self._ber and not self.driving and self._rng.random() < self._ber:
            bit ^= 1
        if bit:
            self._ones += 1
            if self._ones == LINE_RESET_ONES:
                self._line_reset()
        elif self._ones:
            self._after_ones()
        if self._watching:
            self._watch(bit)
        self._state(bit)
        if self._ber and self.driving and self._rng.random() < self._ber:
            self.out ^= 1

    @property
    def word_begins(self) -> bool:
        """The first data bit of a read is on the line, and nothing else is being watched."""
        return self._count == 1 and self._state == self._read_data and not (self._watching or self._ber)

    def whole_word(self) -> bytes:
        """32 samples with an edge after each, as if one by one; the parity bit is then on the line."""
        word = self._data & 0xFFFF_FFFF
        self._ones = 32 - (~word & 0xFFFF_FFFF).bit_length()
        self._released = True
        self.out, self._count = self._data >> 32, 33
        return format(word, "032b")[::-1].encode()

    # -- whole transfers, as if their bits had come one by one

    @property
    def is_free(self) -> bool:
        """A request may come, and nothing is watched, doubted or disturbed meanwhile."""
        return self._state == self._idle and not (
            self._watching or self._ber or self._fresh or self._released or self._suspicion or self._ones > 31
        )

    def whole_idle(self, clocks: int) -> None:
        """So many low bits between two transfers."""
        self.edge(0, host_drives=True)
        self._count += clocks - 1

    def whole_request(self, request: int) -> int:
        """Eight bits of a well-formed request. Returns the ACK, which the turnaround is still before."""
        self._shift, self._count, self._ones = request, 8, 1
        self._is_ap, self._is_read, self._register = bool(request & 2), bool(request & 4), request >> 1 & 0xC
        self._ack, self._data = self._port.begin(self._is_ap, self._is_read, self._register)
        self._state = self._turn_to_chip
        return self._ack

    def whole_answer(self) -> bytes:
        """What follows the request of a read that was acknowledged: 36 samples, and a turnaround at each end."""
        self._data |= (self._data.bit_count() & 1) << 32
        self._ones = _ones_at_the_end(self._data) + 1
        self.out, self._count, self._state = self._data >> 32, 0, self._idle
        return b"100" + format(self._data, "033b")[::-1].encode()

    def whole_write(self, bits: int) -> bytes:
        """What follows the request of a write that was acknowledged: three samples, two turnarounds, 33 bits."""
        self.out = self._ack >> 2
        self._shift = bits
        self._ones = _ones_at_the_end(bits) + (bits == _ALL_ONES)  # the turnaround before them is one more
        self._end_of_write()
        return b"100"

    # -- selection

    def _line_reset(self) -> None:
        self._suspicion = ""
        self.driving = False
        if self._selected == "swd":
            self._fresh, self._state = True, self._in_line_reset

    def _after_ones(self) -> None:
        if self._ones >= LINE_RESET_ONES:
            self._window, self._sequence, self._watching = 16, 0, True
        elif not self._window:
            self._confirm_suspicion()
        self._ones = 0

    def _watch(self, bit: int) -> None:
        """Sixteen bits after a line reset may switch the port; in the dormant state 140 bits wake it."""
        if self._selected == "dormant":
            self._history = (self._history >> 1) | bit << (WAKE_UP_BITS - 1)
            if self._history == WAKE_UP:
                self._selected, self._ones, self._watching = "swd", 0, False
            return
        self._sequence |= bit << (16 - self._window)
        self._window -= 1
        if self._window:
            return
        selects = {JTAG_TO_SWD: "swd", SWD_TO_JTAG: "jtag", SWD_TO_DORMANT: "dormant"}
        if self._sequence in selects:
            self._suspicion = ""
            self._selected = selects[self._sequence]
            self._state = self._deaf  # serial wire still wants its line reset
        self._watching = self._selected == "dormant"
        self._confirm_suspicion()

    def _complain(self, what: str) -> None:
        """The chip falls silent until the next line reset."""
        self._state = self._deaf
        if self._window or self._ones >= 8:
            self._suspicion = what
        else:
            self.violations[what] += 1

    def _confirm_suspicion(self) -> None:
        if self._suspicion:
            self.violations[self._suspicion] += 1
            self._suspicion = ""

    def _check_driven(self) -> None:
        if self._released:
            self.violations["host let go of SWDIO in its own phase"] += 1
            self._released = False

    # -- states

    def _deaf(self, bit: int) -> None:
        pass

    def _in_line_reset(self, bit: int) -> None:
        if not bit:
            self._count, self._state = 1, self._idle

    def _idle(self, bit: int) -> None:
        host_released, self._released = self._released, False
        if not bit:
            self._count += 1
            return
        if self._fresh and self._count < 2:
            self._complain("fewer than two idle cycles after a line reset")
            return
        if host_released:
            self._complain("clocked with nobody driving SWDIO")
            return
        self._shift, self._count, self._state = 1, 1, self._request

    def _request(self, bit: int) -> None:
        self._shift |= bit << self._count
        self._count += 1
        if self._count < 8:
            return
        self._check_driven()
        request = self._shift
        if (request >> 1 & 0x1F).bit_count() & 1 or request & 0xC0 != 0x80:
            self._complain("malformed request")
            return
        self._is_ap, self._is_read, self._register = bool(request & 2), bool(request & 4), request >> 1 & 0xC
        if request == 0x99:
            self._shift, self._count, self._state = 0, -5, self._target_select
            return
        if self._fresh and request != 0xA5:
            self._complain("first request after a line reset is not a read of DPIDR")
            return
        self._fresh = False
        self._ack, self._data = self._port.begin(self._is_ap, self._is_read, self._register)
        self._state = self._turn_to_chip

    def _turn_to_chip(self, bit: int) -> None:
        self.driving, self.out, self._count, self._state = True, self._ack & 1, 1, self._acknowledge

    def _acknowledge(self, bit: int) -> None:
        if self._count < 3:
            self.out = self._ack >> self._count & 1
            self._count += 1
            return
        if self._ack == OK and self._is_read:
            self._data |= (self._data.bit_count() & 1) << 32
            self.out, self._count, self._state = self._data & 1, 1, self._read_data
            return
        self.driving = False
        if self._ack != OK and self._port.data_phase_always and self._is_read:
            self._count, self._state = 34, self._skip
        else:
            self._state = self._turn_to_host

    def _read_data(self, bit: int) -> None:
        if self._count < 33:
            self.out = self._data >> self._count & 1
            self._count += 1
            return
        self.driving, self._count, self._state = False, 1, self._skip

    def _skip(self, bit: int) -> None:
        """Clocks in which nobody means anything, then the line is the host's."""
        self._count -= 1
        if not self._count:
            self._released, self._state = False, self._idle

    def _turn_to_host(self, bit: int) -> None:
        self._shift = self._count = 0
        self._released = False
        data_follows = not self._is_read and (self._ack == OK or self._port.data_phase_always)
        self._state = self._write_data if data_follows else self._idle

    def _write_data(self, bit: int) -> None:
        self._shift |= bit << self._count
        self._count += 1
        if self._count == 33:
            self._end_of_write()

    def _end_of_write(self) -> None:
        self._count, self._state = 0, self._idle
        self._check_driven()
        if self._ack == OK:
            good = self._shift.bit_count() & 1 == 0
            if not good:
                self.violations["write data with wrong parity"] += 1
            self._port.finish_write(self._is_ap, self._register, self._shift & 0xFFFF_FFFF, good)

    def _target_select(self, bit: int) -> None:
        """TARGETSEL is never acknowledged: five undriven clocks, then data; any other chip's name silences this one."""
        if self._count >= 0:
            self._shift |= bit << self._count
        self._count += 1
        if self._count == 33:
            named_us = self._shift & 0xFFFF_FFFF == 0x0483_0041
            self._count, self._state = 2, self._idle if named_us else self._deaf


def _ones_at_the_end(bits: int) -> int:
    """Of 33 bits, the first of which is bit 0."""
    return 33 - (bits ^ _ALL_ONES).bit_length()
