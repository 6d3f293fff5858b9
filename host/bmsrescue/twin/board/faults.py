"""What can be wrong with a board or with the wiring to it; a healthy board has none of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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
class ContactLoss:
    """SWCLK has no contact for `for_ms`, `at_ms` after the first energising, and again every `every_ms` where given.

    `in_flash_work`: `at_ms` counts from when the flash has begun to erase or program for the first time.
    """

    at_ms: float
    for_ms: float
    every_ms: float | None = None
    in_flash_work: bool = False


LatchKind = Literal["remembers", "held"]
"""remembers: on when B+ arrives or the button is pressed, until the MCU drives its line low.
held: on only while the button is pressed or the MCU drives its line high."""


@dataclass(frozen=True)
class HelperTraits:
    """In what the helper of this bench is not the one the twin was made after."""

    adc_zero_lsb: float = 0.0
    """What its ADC reads at 0 V and adds to everything: 12 to 19 on five of five RP2040 boards measured in public
    (github.com/kitanokitsune/rp2040adc_correction)."""
    grounded_channel: bool = False
    """A channel of its multiplexer is tied to ground, so that it can read its zero."""
    input_threshold_v: float = 1.5
    """Where its inputs decide: anywhere between V_IL 0.8 V and V_IH 2.0 V."""
    adc_spike_rate: float = 0.0
    """How many of its readings are off by `adc_spike_lsb`, up or down; a reading is already a trimmed mean."""
    adc_spike_lsb: float = 0.0
    missing_rails: frozenset[str] = frozenset()
    """Rails it has no sense wire for."""
    rail_labels: Mapping[str, str] = field(default_factory=dict)
    """What its board.json calls a rail, where that is not our name of it."""
    missing_parts: frozenset[str] = frozenset()
    """Other parts it does without, by the names of `rescue.hal.ports.PARTS`, and "current". Without "power" somebody
    else has switched the unit on."""
    pull_ohm: float = 60_000.0
    """Its weak pulls: 50 to 80 kohm on an RP2040."""
    pull_down_latches: bool = False
    """RP2350 A2, erratum E9: a pad that was high stays near 2.2 V under its pull-down."""


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
    latch_kind: LatchKind = "remembers"  # of the board's design, not a fault
    latch_shorted: bool = False  # the high-side MOSFET: 12 V is on whenever B+ is
    boot0_strapped: bool = False  # a jumper or a bridge to 3.3 V that no helper pulls down
    nrst_held: bool = False  # a supervisor or the AFE holds it low
    nrst_pulse_period_ms: float | None = None  # a supervisor that keeps firing
    nrst_supervisor_ms: float = 0.0  # it holds NRST low so long after power-on and after each pull by anybody
    nrst_capacitance_nf: float | None = None  # another capacitor than 100 nF: 1 uF takes 48 ms to rise
    watchdog_ms: float | None = None  # a watchdog chip on the run LED's line: pulls NRST when no edge comes for so long
    watchdog_pulse_ms: float = 200.0  # how long it then pulls
    watchdog_off_when_floating: bool = True  # as the MAX823 and TPS3823: an input that floats switches it off
    afe_watchdog_ms: float | None = None  # the AFE switches 3.3 V off so long after power-on unless the MCU talks
    display_dead: bool = False
    # The wires between helper and unit.
    nrst_stuck_high: bool = False  # shorted to 3.3 V: nobody can pull it low
    sense_open: frozenset[str] = frozenset()  # the helper's sense wire of that rail is off: it reads nothing
    sense_ratio: dict[str, float] = field(default_factory=dict)  # that divider is off by so much: 0.8 reads a fifth low
    swd_swapped: bool = False
    swdio_open: bool = False
    swclk_open: bool = False
    swd_off_in_reset: bool = False  # a buffer in the two wires that is off while NRST is low
    swd_bit_error_rate: float = 0.0  # per bit at 1 MHz; falls with the square of the clock, as ringing does
    swd_extra_clock_rate: float = 0.0  # per cycle at 4 MHz: the chip counts it twice; falls with the square, too
    swd_ringing_rate: float = 0.0  # the same at any clock: it is the edge that rings, not the frequency
    contact_loss: ContactLoss | None = None
    swdio_pull_up_ohm: float | None = None  # on the board, beside the chip's own
    swclk_pull_up_ohm: float | None = None
    swclk_pull_down_ohm: float | None = None
    swd_translator: bool = False  # a level translator with 10 kohm pull-ups of its own, as the TXS0102 has
    chip_pull_ohm: float = 40_000.0  # the chip's own pulls: 30 to 50 kohm
    # The helper.
    helper: HelperTraits = HelperTraits()
