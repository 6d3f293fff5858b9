"""A helper board's pins and what they are wired to, by its board.json: the unit, the card, the panel, the sense lines.

Whoever plays the microcontroller (an emulator, or the stand-in of `machine` on the unix port) drives pins here and asks
for levels; nothing here knows which. What no wiring may see (NRST driven high, SWDIO driven into a unit without power)
is kept in `violations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.chip.swd.pins import SwdPins
from bmsrescue.twin.helper.panel import PanelLog, Press
from bmsrescue.twin.rp2040.i2c_parts import I2cPart, Ina226, Ssd1306
from bmsrescue.twin.rp2040.sd_card import SpiSdCard

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit

Level = bool | None
"""What the helper drives: high, low, or None while it only listens."""

_MS: Final = 1_000_000
ADC_FULL_SCALE: Final = 4095
_NOISE_LSB_RMS: Final = 1.4  # RP2040, as twin/helper/adc.py
_UNPOWERED_MV: Final = 1000  # below this on 3.3 V the chip is without power


class CountingPins:
    """SwdPins that count their cycles."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.cycles = 0

    @property
    def frequency_hz(self) -> int:
        return self._unit.swd.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._unit.swd.frequency_hz = hz

    @property
    def released_level(self) -> int:
        return self._unit.swd.released_level

    def clock_out(self, value: int, count: int) -> None:
        self.cycles += count
        self._unit.swd.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        self.cycles += count
        return self._unit.swd.clock_in(count)


class BoardWiring:
    """config: the board.json. swclk_hz: what an SWCLK cycle costs; an emulator keeps time itself.

    edges: takes what SWCLK and SWDIO do to the chip.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        unit: Unit,
        card: ImageBytes | None,
        *,
        swclk_hz: int,
        seed: int = 0,
        presses: Sequence[Press] = (Press(),),
        on_screen: Callable[[bytes], None] | None = None,
        edges: Callable[[SwdPins], SwdEdges] = SwdEdges,
    ) -> None:
        self._unit = unit
        self.config: Mapping[str, Any] = config
        self._presses = presses
        self._on_screen = on_screen
        self._first_look_ns: int | None = None
        self._noise = Random(f"adc-{seed}")
        self.swd = CountingPins(unit)
        self.swd.frequency_hz = swclk_hz
        self.edges = edges(self.swd)
        self.edges.drive(False)
        self.card = SpiSdCard(card)
        self.panel = PanelLog()
        self.violations: list[str] = []
        self._checked_ns = -_MS
        self.power_ons = 0
        self._select = [0] * len(config["mux"]["select"])
        self._levels: dict[int, Level] = {}
        self._pulls: dict[int, bool] = {}
        self._duties: dict[int, int] = {}
        panel, lines, swd = config["panel"], config["lines"], config["swd"]
        self.i2c: dict[int, I2cPart] = {panel["address"]: Ssd1306(self._shown)}
        if meter := config.get("ina226"):
            self.i2c[meter["address"]] = Ina226(meter["shunt_mohm"], lambda: unit.supply_ma)
        self._outputs: dict[int, Callable[[Level], None]] = {
            lines["power"]: self._power,
            lines["nrst"]: self._nrst,
            lines["boot0"]: unit.set_boot0,
            lines["unit_button"]: lambda level: unit.press_button(bool(level)),
            swd["swclk"]: self._swclk,
            swd["swdio"]: self._swdio,
            config["card"]["cs"]: lambda level: self.card.select(level is False),
        }
        for index, pin in enumerate(config["mux"]["select"]):
            self._outputs[pin] = lambda level, index=index: self._select.__setitem__(index, int(bool(level)))  # type: ignore[misc]
        self._inputs: dict[int, Callable[[], bool]] = {
            lines["nrst"]: lambda: unit.nrst_level,
            swd["swdio"]: self._read_swdio,
            swd["swclk"]: self._read_swclk,
            panel["button"]: lambda: not self.button_pressed,
        }
        self._debug_pins = {swd["swclk"]: "SWCLK", swd["swdio"]: "SWDIO"}
        self._lights = {panel[name]: index for index, name in enumerate(("red", "green", "blue"))}
        self._buzzer = panel["buzzer"]
        self._colour = [0, 0, 0]

    # --- pins ---------------------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> frozenset[int]:
        """Pins that do something when they are driven."""
        return frozenset(self._outputs)

    def drive(self, pin: int, level: Level) -> None:
        """The helper drives `pin`, or lets go of it."""
        before = self._levels.get(pin)
        if before is level:
            return
        if before is None and pin in self._debug_pins:
            self._check_powered(self._debug_pins[pin])
        self._levels[pin] = level
        act = self._outputs.get(pin)
        if act:
            act(level)

    def pull(self, pin: int, up: bool) -> None:
        """The helper's weak pull at a pin that it does not drive."""
        self._pulls[pin] = up

    def level(self, pin: int) -> bool:
        """What the helper reads at `pin`."""
        read = self._inputs.get(pin)
        if read:
            return read()
        return bool(self._levels.get(pin))

    def adc(self, pin: int) -> int:
        """One conversion of 12 bits at `pin`."""
        vref_mv: int = self.config["vref_mv"]
        code = round(self._pin_mv(pin) * (ADC_FULL_SCALE + 1) / vref_mv + self._noise.gauss(0, _NOISE_LSB_RMS))
        return min(max(code, 0), ADC_FULL_SCALE)

    def pwm(self, pin: int, duty_u16: int) -> None:
        """The pulse width at a light or at the buzzer."""
        if self._duties.get(pin, 0) == duty_u16:
            return
        self._duties[pin] = duty_u16
        if pin in self._lights:
            self._colour[self._lights[pin]] = duty_u16 // 257
            self.panel.leds.append((self._now_ms(), (self._colour[0], self._colour[1], self._colour[2])))
        elif pin == self._buzzer and duty_u16:
            self.panel.beeps.append((self._now_ms(), 0))

    @property
    def button_pressed(self) -> bool:
        """The person presses some time after the helper has first looked (the ready screen is up)."""
        now_ns = self._unit.clock.now_ns
        if self._first_look_ns is None:
            self._first_look_ns = now_ns
        since_ms = (now_ns - self._first_look_ns) // _MS
        return any(p.after_ms <= since_ms < p.after_ms + p.duration_ms for p in self._presses)

    def release_all(self) -> None:
        """What pull resistors make of a helper in reset."""
        for pin in self._outputs:
            self.drive(pin, None)

    # --- what the pins do ---------------------------------------------------------------------------------------------

    def _read_swdio(self) -> bool:
        pin = self.config["swd"]["swdio"]
        if self._levels.get(self.config["swd"]["swclk"]) is None and self._levels.get(pin) is None:
            return self._unit.swd_levels(self._pulls.get(pin, False))[0]
        return bool(self.edges.sample())

    def _read_swclk(self) -> bool:
        pin = self.config["swd"]["swclk"]
        level = self._levels.get(pin)
        return self._unit.swd_levels(self._pulls.get(pin, False))[1] if level is None else level

    def _power(self, level: Level) -> None:
        self.power_ons += bool(level)
        self._unit.set_power(bool(level))

    def _nrst(self, level: Level) -> None:
        if level:
            self.violations.append("NRST driven high")
        self._unit.set_nrst(level is False)

    def _swclk(self, level: Level) -> None:
        if level is not None:
            self.edges.swclk(int(level))

    def _swdio(self, level: Level) -> None:
        self.edges.drive(level is not None)
        if level is not None:
            self.edges.swdio(int(level))

    def _check_powered(self, name: str) -> None:
        # SWDIO turns round in every transfer: a look each millisecond is enough.
        if self._unit.clock.now_ns - self._checked_ns < _MS:
            return
        self._checked_ns = self._unit.clock.now_ns
        if self._unit.true_mv("v3v3") < _UNPOWERED_MV:
            self.violations.append(f"{name} driven into a unit without power")

    def _pin_mv(self, pin: int) -> float:
        mux = self.config["mux"]
        for name, rail in self.config["rails"].items():
            if "mux" in rail:
                chosen = pin == mux["adc"] and rail["mux"] == sum(bit << i for i, bit in enumerate(self._select))
            else:
                chosen = pin == rail["adc"]
            if chosen:
                bottom: int = rail["bottom_ohm"]
                top: int = rail["top_ohm"]
                return self._unit.rail_mv(name) * bottom / (bottom + top)
        return 0.0

    def _shown(self, frame: bytes) -> None:
        if not self.panel.screens or self.panel.screens[-1][1] != frame:
            self.panel.screens.append((self._now_ms(), frame))
            if self._on_screen:
                self._on_screen(frame)

    def _now_ms(self) -> int:
        return self._unit.clock.now_ns // _MS
