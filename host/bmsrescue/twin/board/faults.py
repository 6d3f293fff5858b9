"""What can be wrong with a board or with the wiring to it; a healthy board has none of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dip:
    """One brown-out: `at_ms` after the first energising the rail is pulled down through `ohm` for `for_ms`.

    `in_flash_work`: after the flash has begun to erase or program for the first time, instead.
    """

    rail: str
    at_ms: float
    for_ms: float
    ohm: float
    in_flash_work: bool = False


@dataclass(frozen=True)
class Backfeed:
    """A second source on a rail that does not go away with the power switch (USB, RS485, a logic pin's diode)."""

    mv: int
    ohm: float


@dataclass(frozen=True)
class BoardFaults:
    """Every fault the board model knows. Rails are named as in `Unit.rail_names`."""

    # The bench side.
    supply_absent: bool = False
    supply_reversed: bool = False
    supply_mv: int | None = None
    supply_ramp_ms: float | None = None
    # The rails.
    shorts_ohm: dict[str, float] = field(default_factory=dict)
    open_rails: frozenset[str] = frozenset()  # its regulator gives nothing
    regulator_mv: dict[str, int] = field(default_factory=dict)  # its regulator gives this instead
    backfeeds: dict[str, Backfeed] = field(default_factory=dict)
    dip: Dip | None = None
    core_supply_dead: bool = False  # its input pin is open: VCAP stays at zero and the chip in reset
    # Around the chip.
    latch_shorted: bool = False  # the high-side MOSFET: 12 V is on whenever B+ is
    nrst_held: bool = False  # a supervisor or the AFE holds it low
    nrst_pulse_period_ms: float | None = None  # a supervisor that keeps firing
    afe_watchdog_ms: float | None = None  # the AFE switches 3.3 V off so long after power-on unless the MCU talks
    display_dead: bool = False
    # The wires between helper and unit.
    nrst_stuck_high: bool = False  # shorted to 3.3 V: nobody can pull it low
    sense_open: frozenset[str] = frozenset()  # the helper's sense wire of that rail is off: it reads nothing
    swd_swapped: bool = False
    swdio_open: bool = False
    swd_off_in_reset: bool = False  # a buffer in the two wires that is off while NRST is low
    swd_bit_error_rate: float = 0.0  # per bit at 1 MHz; falls with the square of the clock, as ringing does
