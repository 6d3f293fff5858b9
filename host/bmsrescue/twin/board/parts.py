"""The parts of the modelled unit and bench, with their values.

Sources in docs/reference/unit.md, and standing as there: "document" can be read, "calculated" is arithmetic from such,
"judgement" the usual value of such a part; "chosen" was picked so that the whole behaves as that page describes.
SI units throughout: volts, amperes, farads, ohms, seconds.
"""

from dataclasses import dataclass, field

RAILS = ("bplus", "v12", "v5iso", "v3v3", "vcap")


@dataclass(frozen=True)
class NodeParts:
    """What hangs on a rail by itself: its capacitors, its bleeder, the ripple of what drives it (peak to peak)."""

    capacitance_f: float
    bleed_ohm: float
    ripple_vpp: float


@dataclass(frozen=True)
class BenchSupply:
    """The bench supply behind the helper's high-side switch."""

    output_v: float = 18.0  # judgement: unit.md#first-supply
    limit_a: float = 0.150  # judgement: unit.md#first-supply
    resistance_ohm: float = 0.3  # judgement: leads, fuse and switch
    rise_s: float = 0.001  # judgement: how fast the output switch turns on
    discharge_ohm: float = (
        1000.0  # chosen: quick discharge across B+ while the switch is off, so that off can be proven
    )
    blocked_v: float = -0.7  # judgement: reversed leads conduct through the input TVS, one diode drop below B-


@dataclass(frozen=True)
class Converter:
    """A step-down converter: soft start, current limit, and a fixed loss voltage in series with its output current.

    Input power is Iout * (Vout + loss_v), so the efficiency is Vout / (Vout + loss_v) and a shorted output still
    draws what the switch and the diode burn.
    """

    output_v: float
    start_v: float  # input voltage at which it starts
    stop_v: float  # and below which it stops
    dropout_v: float
    soft_start_s: float
    limit_a: float
    resistance_ohm: float
    loss_v: float
    quiescent_a: float


@dataclass(frozen=True)
class IsolatedConverter:
    """Mornsun B1205S-1WR2: unregulated, so its output follows the input and rises when unloaded."""

    ratio: float = 5.62 / 12.0  # calculated: no-load characteristic extrapolated from 10 %..100 % load
    resistance_ohm: float = 3.6  # calculated: 10..15 % load regulation between 20 and 200 mA (unit.md#isolated-5v)
    light_load_a: float = 0.020  # document: minimum load; below it the output climbs
    light_load_v: float = 0.45  # document: 5.5 to 6 V with no load is not a fault
    idle_a: float = 0.018  # document: 15..30 mA with no load, 110..116 mA at 200 mA
    start_v: float = 7.5  # judgement
    stop_v: float = 6.0  # judgement


@dataclass(frozen=True)
class CoreRegulator:
    """The chip's own LDO as VCAP sees it; the chip says what voltage it makes."""

    resistance_ohm: float = 1.0  # chosen: VCAP follows within some 0.1 ms
    limit_a: float = 0.055  # document: inrush of the LDO, 55 mA typical


@dataclass(frozen=True)
class NrstNet:
    """The reset net: the chip's internal pull-up with the usual capacitor, read through a gate."""

    pull_up_ohm: float = 40_000.0  # document: 30/40/50 k
    capacitance_f: float = 100e-9  # judgement: the value of every reference design
    high_fraction: float = 0.7  # document: unit.md#nrst-watch, > 0.7 VDD is released


@dataclass(frozen=True)
class Loads:
    """What the board draws beside the chip."""

    v3v3_base_a: float = 0.003  # chosen: AFE interface, EEPROM, references
    led_a: float = 0.003  # chosen
    display_boot_a: float = 0.045  # chosen: backlight comes first
    display_on_a: float = 0.055  # chosen: backlight on; keeps half-on at 18 V within 20..60 mA (calculated)
    display_start_v: float = 4.0  # judgement: its own controller
    display_stop_v: float = 3.5  # judgement
    display_boot_s: float = 0.3  # chosen


@dataclass(frozen=True)
class Parts:
    """The whole bill of materials."""

    supply: BenchSupply = BenchSupply()
    # B+ bulk: 470 uF at 18 V and 150 mA takes 56 ms (unit.md#inrush); bleed is the sense divider.
    bplus: NodeParts = NodeParts(470e-6, 310_000.0, 0.020)
    # 12 V bulk with its 1 k bleeder: 3.7 tau = 1.7 s to 0.3 V at most (unit.md#proven-off).
    v12: NodeParts = NodeParts(470e-6, 1000.0, 0.030)
    v5iso: NodeParts = NodeParts(47e-6, 4700.0, 0.100)  # document: cap load below 220 uF, ripple class 75..200 mVpp
    v3v3: NodeParts = NodeParts(100e-6, 2200.0, 0.010)
    vcap: NodeParts = NodeParts(4.4e-6, 500.0, 0.004)  # document: 2 x 2.2 uF; the unit is wired for the LDO
    # Starts above 15 V on B+ (unit.md#half-on), some 86 % efficient.
    buck12: Converter = Converter(12.0, 15.0, 13.0, 0.5, 0.040, 0.9, 0.05, 1.95, 0.002)
    # Some 84 % efficient; a 1 A limit: a hard short on 3.3 V draws twice the healthy current from the bench.
    buck3v3: Converter = Converter(3.3, 4.5, 4.0, 0.2, 0.003, 1.0, 0.02, 0.65, 0.0005)
    iso: IsolatedConverter = IsolatedConverter()
    core: CoreRegulator = CoreRegulator()
    nrst: NrstNet = NrstNet()
    loads: Loads = field(default_factory=Loads)

    def node(self, rail: str) -> NodeParts:
        """The passive parts of one rail."""
        parts: NodeParts = getattr(self, rail)
        return parts
