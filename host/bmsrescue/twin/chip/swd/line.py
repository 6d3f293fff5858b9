"""The chip's SWD line, bit by bit (Arm IHI 0031, ADIv5.2, chapters B4 and B5).

One SWCLK cycle is: the target's bit (if it drives) is on the line, both sides sample it at the rising edge, the target
changes its output after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.counters import Counters
from bmsrescue.twin.chip.swd import dp_registers as dp
from bmsrescue.twin.chip.swd.debug_port import DebugPort
from bmsrescue.twin.chip.swd.phases import (
    ACK,
    AFTER_RESET,
    DESELECTED,
    IDLE,
    READ_DATA,
    REQUEST,
    SILENT,
    TURN_TO_HOST,
    TURN_TO_TARGET,
    WRITE_DATA,
    WRITE_TURN,
)
from bmsrescue.twin.chip.swd.protocol import ACK_OK, DP_READ, INVALID_REQUEST, LINE_RESET_ONES, REQUESTS
from bmsrescue.twin.chip.swd.selection import LineSelection
from bmsrescue.twin.clock import VirtualClock

RELEASED: Final = 2
"""In place of a level: the host does not drive SWDIO."""
DATA_BITS: Final = 33
"""32 and their parity."""
NS_PER_S: Final = 1_000_000_000
IDLE_CYCLES: Final = 8
"""Idle cycles after which SWCLK may stop."""
_FASTEST_HZ: Final = 1_000_000_000
_SLOWEST_PERIOD_NS: Final = 50_000
"""Of an SWCLK that is clocked edge by edge, at a pace nobody tells (set "faster" than any wire): longer is a stop."""

_WORD_MASK: Final = 0xFFFFFFFF
_DPIDR_READ: Final = DP_READ | dp.DPIDR_ABORT
_TARGETSEL_WRITE: Final = dp.RDBUFF_TARGETSEL


class SwdLine:
    """The SWJ-DP's serial wire side, one SWCLK cycle at a time."""

    def __init__(self, clock: VirtualClock, debug_port: DebugPort, counters: Counters, config: ChipConfig) -> None:
        self._clock = clock
        self._dp = debug_port
        self._counters = counters
        self._config = config
        self._selection = LineSelection()
        self._alive = False
        self._dead_level = config.unpowered_line_level
        self._remainder = 0
        self._rest_ns = 0
        """When the last SWCLK cycle was over."""
        self._cycles = 0
        self._done_at: int | None = None
        """After how many cycles the last transfer was over."""
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
        period_ns, rest = divmod(NS_PER_S, hz)
        self._whole_period_ns = 0 if rest else period_ns
        self._stands_ns = 0 if hz <= _FASTEST_HZ else _SLOWEST_PERIOD_NS

    def power_on_reset(self) -> None:
        """The port comes up in JTAG mode and waits to be switched."""
        self._phase = DESELECTED
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
        if self._phase == ACK:
            return self._ack >> (3 - self._left) & 1
        if self._phase == READ_DATA and self._out >= 0:
            return self._out >> (DATA_BITS - self._left) & 1
        return None

    @property
    def released_level(self) -> int:
        """What a host that has let go of SWDIO reads now."""
        if not self._alive:
            return self._dead_level
        driven = self.driven_level
        return 1 if driven is None else driven

    # --- one cycle ----------------------------------------------------------------------------------------------------

    def _cycle(self, driven: int) -> int:
        """One SWCLK cycle with the host driving 0 or 1, or RELEASED; returns what is on the line."""
        elapsed_ns, self._remainder = divmod(NS_PER_S + self._remainder, self._frequency_hz)
        self._clock.advance(elapsed_ns)
        self._rest_ns = self._clock.now_ns
        self._cycles += 1
        if not self._alive:
            return self._dead_level if driven == RELEASED else driven
        output = self.driven_level
        if output is None:
            level = 1 if driven == RELEASED else driven
        elif driven == RELEASED:
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
        elif self._phase == DESELECTED:
            pass
        elif level and ones + 1 >= LINE_RESET_ONES:
            if ones + 1 == LINE_RESET_ONES:
                self._line_reset()
        else:
            _STEPS[self._phase](self, level)
        return level

    def _stopped(self) -> None:
        """SWCLK has stood still, and goes on: were there enough idle cycles before, to clock the last transfer through?

        IHI 0031 (ADIv5.2) B4.1.1 asks for at least eight.
        """
        stood_ns = self._clock.now_ns - self._rest_ns
        self._rest_ns = self._clock.now_ns
        if not self._alive or self._phase != IDLE or self._done_at is None or stood_ns < self._stands_ns:
            return
        idle = self._cycles - self._done_at
        if idle >= IDLE_CYCLES:
            return
        self._counters.violation("clock stopped too soon", f"{idle} idle cycles after a transfer")
        if self._drain_left and self._config.stopped_clock_loses_write:
            self._drain_left = 0
            self._dp.posted = None

    def _drain(self) -> None:
        self._drain_left = 0
        self._dp.flush()

    def _selected(self) -> None:
        """A selection sequence has switched the port; in SWD it waits for a line reset."""
        self._phase = SILENT if self._selection.swd else DESELECTED

    def _line_reset(self) -> None:
        self._done_at = None
        self._counters.line_resets += 1
        self._phase = AFTER_RESET
        self._zeros = 0
        self._dpidr_due = True
        self._dp.line_reset()

    # --- phases, one cycle each ---------------------------------------------------------------------------------------

    def _step_idle(self, level: int) -> None:
        if level:
            self._phase = REQUEST
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
            self._phase = SILENT
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
        self._shift |= level << (DATA_BITS - 1 - self._left)
        if not self._left:
            self._take_data(self._shift)

    def _step_silent(self, _level: int) -> None:
        pass

    def _step_after_reset(self, level: int) -> None:
        if not level:
            self._zeros += 1
            if self._zeros >= self._config.line_reset_idle_cycles:
                self._phase = IDLE
        elif self._zeros:
            # Too few low cycles; or this is a switching sequence, which begins with one.
            self._phase = SILENT

    # --- ends of fields -----------------------------------------------------------------------------------------------

    def _take_request(self, request: int) -> None:
        """Eight good bits: answer, or stay silent."""
        if self._dpidr_due:
            if request == _DPIDR_READ:
                self._dpidr_due = False
            elif self._config.first_access_must_be_dpidr or request == _TARGETSEL_WRITE:
                if request != _TARGETSEL_WRITE:
                    self._counters.violation("first access not DPIDR")
                self._phase = SILENT
                return
        elif request == _TARGETSEL_WRITE:
            # Outside a line reset TARGETSEL is a malformed use of the register; nobody answers it.
            self._counters.violation("TARGETSEL outside a line reset")
            self._phase = SILENT
            return
        self._drain_left = 0
        self._request = request
        self._ack = self._dp.request(request)
        self._phase = TURN_TO_TARGET
        self._left = self._dp.turnaround_cycles

    def _after_ack(self) -> None:
        """The three bits are out."""
        ack = self._ack
        if ack == ACK_OK or self._dp.overrun_detect:
            if self._request & DP_READ:
                self._phase = READ_DATA
                self._left = DATA_BITS
                data = self._dp.data
                # Refused, but the data phase is clocked all the same: the chip leaves the line alone.
                self._out = data | (data.bit_count() & 1) << 32 if ack == ACK_OK else -1
                return
            self._phase = WRITE_TURN
        else:
            self._phase = TURN_TO_HOST
        self._left = self._dp.turnaround_cycles

    def _turn_to_host(self) -> None:
        self._phase = TURN_TO_HOST
        self._left = self._dp.turnaround_cycles

    def _turned(self) -> None:
        """A turnaround is over."""
        if self._phase == TURN_TO_TARGET:
            self._phase = ACK
            self._left = 3
        elif self._phase == WRITE_TURN:
            self._phase = WRITE_DATA
            self._left = DATA_BITS
            self._shift = 0
        else:
            self._phase = IDLE
            self._done_at = self._cycles

    def _take_data(self, word: int) -> None:
        """32 data bits and their parity are in."""
        self._phase = IDLE
        self._done_at = self._cycles
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


_STEPS: Final[tuple[Callable[[SwdLine, int], None], ...]] = (
    SwdLine._step_idle,
    SwdLine._step_request,
    SwdLine._step_turn,
    SwdLine._step_ack,
    SwdLine._step_read,
    SwdLine._step_turn,
    SwdLine._step_turn,
    SwdLine._step_write,
    SwdLine._step_silent,
    SwdLine._step_after_reset,
    SwdLine._step_silent,
)
"""What one cycle does, by phase."""
