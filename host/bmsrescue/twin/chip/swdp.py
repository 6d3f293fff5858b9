"""The chip's SWD line, bit by bit, with whole fields taken at once where nothing can happen inside them.

Arm IHI 0031 (ADIv5.2), chapters B4 and B5. One SWCLK cycle is: the target's bit (if it drives) is on the line, both
sides sample it at the rising edge, the target changes its output after it. ``_cycle`` is the model; the fast paths in
``clock_out`` and ``clock_in`` are the same steps for a field that arrives whole, and are left whenever anything is due
on the clock before the field's end, so that any chopping of the same bits gives the same result at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ..clock import VirtualClock
from . import dp_registers as dp
from .config import ChipConfig
from .counters import Counters
from .debug_port import DebugPort
from .swd_protocol import ACK_OK, DP_READ, INVALID_REQUEST, LINE_RESET_ONES, REQUESTS
from .swd_selection import LineSelection

_IDLE: Final = 0
_REQUEST: Final = 1
_TURN_TO_TARGET: Final = 2
_ACK: Final = 3
_READ_DATA: Final = 4
_TURN_TO_HOST: Final = 5
_WRITE_TURN: Final = 6
_WRITE_DATA: Final = 7
_SILENT: Final = 8
"""After a protocol error: nothing but a line reset is heard."""
_AFTER_RESET: Final = 9
"""Fifty ones were seen: low cycles must follow."""
_DESELECTED: Final = 10
"""JTAG or dormant: only selection sequences are heard."""

_RELEASED: Final = 2
_DATA_BITS: Final = 33
_DATA_MASK: Final = (1 << _DATA_BITS) - 1
_WORD_MASK: Final = 0xFFFFFFFF
_NS_PER_S: Final = 1_000_000_000

_DPIDR_READ: Final = DP_READ | dp.DPIDR_ABORT
_TARGETSEL_WRITE: Final = dp.RDBUFF_TARGETSEL


class SwdPins(Protocol):
    """What everything that debugs drives, in whole SWCLK cycles; each advances the clock by one period."""

    frequency_hz: int

    def clock_out(self, value: int, count: int) -> None:
        """The helper drives ``count`` bits, least significant first."""

    def clock_in(self, count: int) -> int:
        """The helper listens: ``count`` samples, least significant first; an undriven line reads 1."""


class SwdPort:
    """The SWJ-DP's serial wire side. ``level`` is what a probe on the line would see now."""

    def __init__(self, clock: VirtualClock, debug_port: DebugPort, counters: Counters, config: ChipConfig) -> None:
        self._clock = clock
        self._dp = debug_port
        self._counters = counters
        self._config = config
        self._selection = LineSelection()
        self._alive = False
        self._dead_level = config.unpowered_line_level
        self._remainder = 0
        self.frequency_hz = 1_000_000
        self.power_on_reset()

    @property
    def frequency_hz(self) -> int:
        """SWCLK; setting it starts a new period."""
        return self._frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        if hz <= 0:
            raise ValueError(f"SWCLK of {hz} Hz")
        self._frequency_hz = hz
        self._remainder = 0

    def power_on_reset(self) -> None:
        """The port comes up in JTAG mode and waits to be switched."""
        self._phase = _DESELECTED
        self._left = 0
        self._shift = 0
        self._ones = 0
        self._request = 0
        self._ack = 0
        self._out = 0
        self._zeros = 0
        self._drain_left = 0
        self._dpidr_due = True
        self._selection.power_on_reset()

    def set_alive(self, alive: bool, dead_level: int) -> None:
        """Whether the port works at all; if not, a released line reads ``dead_level``."""
        self._alive = alive
        self._dead_level = dead_level

    # --- pins ---------------------------------------------------------------------------------------------------------

    @property
    def driven_level(self) -> int | None:
        """The bit the chip drives for the coming rising edge, or None while it leaves the line alone."""
        if not self._alive:
            return None
        if self._phase == _ACK:
            return self._ack >> (3 - self._left) & 1
        if self._phase == _READ_DATA and self._out >= 0:
            return self._out >> (_DATA_BITS - self._left) & 1
        return None

    @property
    def released_level(self) -> int:
        """What a host that has let go of SWDIO reads now."""
        if not self._alive:
            return self._dead_level
        driven = self.driven_level
        return 1 if driven is None else driven

    def clock_out(self, value: int, count: int) -> None:
        self._counters.swclk_cycles += count
        value &= (1 << count) - 1
        while count:
            phase = self._phase
            if not self._alive:
                if self._tick(count):
                    return
            elif phase == _IDLE:
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
            elif phase == _WRITE_DATA and self._left == _DATA_BITS and count >= _DATA_BITS:
                word = value & _DATA_MASK
                if word != _DATA_MASK and self._tick(_DATA_BITS):
                    self._ones = _DATA_BITS - (word ^ _DATA_MASK).bit_length()
                    self._take_data(word)
                    value >>= _DATA_BITS
                    count -= _DATA_BITS
                    continue
            self._cycle(value & 1)
            value >>= 1
            count -= 1

    def clock_in(self, count: int) -> int:
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
            elif phase == _TURN_TO_TARGET:
                # The answer follows at once: take both.
                if got + left + 3 <= count and self._tick(left + 3):
                    result |= ((1 << left) - 1 | self._ack << left) << got
                    self._ones = self._ack >> 2  # OK and WAIT end low, FAULT with one high bit
                    self._after_ack()
                    got += left + 3
                    continue
            elif phase == _READ_DATA:
                if left == _DATA_BITS and self._out >= 0:
                    # The turnaround that follows comes along when it is asked for.
                    turn = self._dp.turnaround_cycles
                    if got + _DATA_BITS + turn <= count and self._tick(_DATA_BITS + turn):
                        result |= (self._out | ((1 << turn) - 1) << _DATA_BITS) << got
                        self._ones = _DATA_BITS - (self._out ^ _DATA_MASK).bit_length() + turn
                        self._phase = _IDLE
                        got += _DATA_BITS + turn
                        continue
                    if got + _DATA_BITS <= count and self._tick(_DATA_BITS):
                        result |= self._out << got
                        self._ones = _DATA_BITS - (self._out ^ _DATA_MASK).bit_length()
                        self._turn_to_host()
                        got += _DATA_BITS
                        continue
            elif phase in (_TURN_TO_HOST, _WRITE_TURN) and got + left <= count and self._tick(left):
                result |= ((1 << left) - 1) << got
                self._ones += left
                self._turned()
                got += left
                continue
            result |= self._cycle(_RELEASED) << got
            got += 1
        return result

    # --- one cycle ----------------------------------------------------------------------------------------------------

    def _tick(self, cycles: int) -> bool:
        """Let ``cycles`` periods pass at once, unless something is due on the way: then do nothing and say False."""
        elapsed_ns, remainder = divmod(cycles * _NS_PER_S + self._remainder, self._frequency_hz)
        clock = self._clock
        target_ns = clock.now_ns + elapsed_ns
        if target_ns >= clock.due_ns:
            return False
        clock.now_ns = target_ns
        self._remainder = remainder
        return True

    def _cycle(self, driven: int) -> int:
        """One SWCLK cycle with the host driving 0 or 1, or _RELEASED; returns what is on the line."""
        elapsed_ns, self._remainder = divmod(_NS_PER_S + self._remainder, self._frequency_hz)
        self._clock.advance(elapsed_ns)
        if not self._alive:
            return self._dead_level if driven == _RELEASED else driven
        output = self.driven_level
        if output is None:
            level = 1 if driven == _RELEASED else driven
        elif driven == _RELEASED:
            level = output
        else:
            level = output & driven
            self._counters.violation("line contention", "host drives while the chip does")
        if self._drain_left:
            self._drain_left -= 1
            if not self._drain_left:
                self._drain()
        ones = self._ones
        self._ones = ones + 1 if level else 0
        if self._selection.step(level, ones):
            self._selected()
        elif self._phase == _DESELECTED:
            pass
        elif level and ones + 1 >= LINE_RESET_ONES:
            if ones + 1 == LINE_RESET_ONES:
                self._line_reset()
        else:
            _STEPS[self._phase](self, level)
        return level

    def _drain(self) -> None:
        self._drain_left = 0
        self._dp.flush()

    def _selected(self) -> None:
        """A selection sequence has switched the port; in SWD it waits for a line reset."""
        self._phase = _SILENT if self._selection.swd else _DESELECTED

    def _line_reset(self) -> None:
        self._counters.line_resets += 1
        self._phase = _AFTER_RESET
        self._zeros = 0
        self._dpidr_due = True

    # --- phases, one cycle each ---------------------------------------------------------------------------------------

    def _step_idle(self, level: int) -> None:
        if level:
            self._phase = _REQUEST
            self._shift = 1
            self._left = 7

    def _step_request(self, level: int) -> None:
        self._left -= 1
        self._shift |= level << (7 - self._left)
        if self._left:
            return
        request = REQUESTS[self._shift]
        if request == INVALID_REQUEST:
            # A host that lets go of the line clocks ones into it: that is no malformed request of its own making.
            if self._shift != 0xFF and not self._selection.switching:
                self._counters.violation("malformed request", f"0x{self._shift:02x}")
            self._phase = _SILENT
        else:
            self._take_request(request)

    def _step_turn(self, _level: int) -> None:
        self._left -= 1
        if not self._left:
            self._turned()

    def _step_ack(self, _level: int) -> None:
        self._left -= 1
        if not self._left:
            self._after_ack()

    def _step_read(self, _level: int) -> None:
        self._left -= 1
        if not self._left:
            self._turn_to_host()

    def _step_write(self, level: int) -> None:
        self._left -= 1
        self._shift |= level << (_DATA_BITS - 1 - self._left)
        if not self._left:
            self._take_data(self._shift)

    def _step_silent(self, _level: int) -> None:
        pass

    def _step_after_reset(self, level: int) -> None:
        if not level:
            self._zeros += 1
            if self._zeros >= self._config.line_reset_idle_cycles:
                self._phase = _IDLE
        elif self._zeros:
            # Too few low cycles; or this is a switching sequence, which begins with one.
            self._phase = _SILENT

    # --- ends of fields -----------------------------------------------------------------------------------------------

    def _take_request(self, request: int) -> None:
        """Eight good bits: answer, or stay silent."""
        if self._dpidr_due:
            if request == _DPIDR_READ:
                self._dpidr_due = False
            elif self._config.first_access_must_be_dpidr or request == _TARGETSEL_WRITE:
                if request != _TARGETSEL_WRITE:
                    self._counters.violation("first access not DPIDR")
                self._phase = _SILENT
                return
        elif request == _TARGETSEL_WRITE:
            # Outside a line reset TARGETSEL is a malformed use of the register; nobody answers it.
            self._counters.violation("TARGETSEL outside a line reset")
            self._phase = _SILENT
            return
        self._drain_left = 0
        self._request = request
        self._ack = self._dp.request(request)
        self._phase = _TURN_TO_TARGET
        self._left = self._dp.turnaround_cycles

    def _after_ack(self) -> None:
        """The three bits are out."""
        ack = self._ack
        if ack == ACK_OK or self._dp.overrun_detect:
            if self._request & DP_READ:
                self._phase = _READ_DATA
                self._left = _DATA_BITS
                data = self._dp.data
                # Refused, but the data phase is clocked all the same: the chip leaves the line alone.
                self._out = data | (data.bit_count() & 1) << 32 if ack == ACK_OK else -1
                return
            self._phase = _WRITE_TURN
        else:
            self._phase = _TURN_TO_HOST
        self._left = self._dp.turnaround_cycles

    def _turn_to_host(self) -> None:
        self._phase = _TURN_TO_HOST
        self._left = self._dp.turnaround_cycles

    def _turned(self) -> None:
        """A turnaround is over."""
        if self._phase == _TURN_TO_TARGET:
            self._phase = _ACK
            self._left = 3
        elif self._phase == _WRITE_TURN:
            self._phase = _WRITE_DATA
            self._left = _DATA_BITS
            self._shift = 0
        else:
            self._phase = _IDLE

    def _take_data(self, word: int) -> None:
        """32 data bits and their parity are in."""
        self._phase = _IDLE
        if self._ack != ACK_OK:
            return
        if word.bit_count() & 1:
            self._dp.write_parity_error()
            return
        self._dp.write(self._request, word & _WORD_MASK)
        if self._dp.posted is not None:
            self._drain_left = self._config.ap_write_drain_cycles
            if not self._drain_left:
                self._drain()


_STEPS: Final[tuple[Callable[[SwdPort, int], None], ...]] = (
    SwdPort._step_idle,
    SwdPort._step_request,
    SwdPort._step_turn,
    SwdPort._step_ack,
    SwdPort._step_read,
    SwdPort._step_turn,
    SwdPort._step_turn,
    SwdPort._step_write,
    SwdPort._step_silent,
    SwdPort._step_after_reset,
    SwdPort._step_silent,
)
"""What one cycle does, by phase."""
