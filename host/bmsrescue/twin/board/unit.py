"""The unit on the bench: chip, rails, latch, reset net, button, LEDs and display on one clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from ..clock import Event, VirtualClock
from .external_watchdog import ExternalWatchdog
from .faults import BoardFaults, Dip, HelperTraits
from .latch import PowerLatch
from .nrst import NrstLine
from .parts import RAILS, Parts
from .pins import UnitPins
from .rails import Demand, Rails
from .swd_wiring import Contact, levels_under_pull, wired
from .unit_display import UnitDisplay

if TYPE_CHECKING:
    from bmsrescue.twin.chip.stm32h7 import Stm32H7
    from bmsrescue.twin.chip.swd.pins import SwdPins


_MS = 1_000_000
_GLANCE_NS = 20 * _MS  # how often the board looks at what the firmware has done meanwhile
_LOAD_CHANGE_A = 0.0005  # smaller changes of a load do not move a rail enough to see
_VCAP_CHANGE_V = 0.002
_LOGIC_V = 1.0  # below this on 3.3 V nothing on the board has levels
_PULSE_LOW_NS = 2 * _MS  # how long a firing supervisor holds NRST low


class Unit:
    """A unit and the bench supply it hangs on."""

    def __init__(
        self,
        clock: VirtualClock,
        chip: Stm32H7,
        pins: UnitPins,
        seed: int = 0,
        parts: Parts | None = None,
    ) -> None:
        parts = Parts() if parts is None else parts
        self.clock = clock
        self.chip = chip
        self.rng = Random(f"unit {seed}")
        self.swd: SwdPins = chip.swd
        self.faults = BoardFaults()
        self.display = UnitDisplay(clock, parts.loads)
        self._parts = parts
        self._pins = pins
        self._leds = dict.fromkeys(pins.leds, False)
        self._latch = PowerLatch()
        self._pressed = False
        self._boot0 = False
        self._contact = Contact(clock)
        self._dip_scheduled = False
        self._latch_line: bool | None = None
        self._disturbance: Event | None = None
        self._glance: Event | None = None
        self._afe_watchdog: Event | None = None
        self._mcu_heard = False
        self._asked = Demand(False, 0.0, 0.0, 0.0)
        self._rails = Rails(clock, parts, self._ask, Random(f"ripple {seed}"))
        self._nrst = NrstLine(clock, parts.nrst, self.chip.set_nrst)
        self._rails.on_step = self._follow_rails
        self.chip.on_nrst = self._chip_pulls_nrst
        self.chip.on_pin = self._pin_changed
        self.chip.on_uart = self._uart_sent
        self._nrst.pull("chip", self.chip.nrst_low)
        self._watchdog = ExternalWatchdog(clock, lambda low: self._nrst.pull("watchdog", low))
        self.chip.set_pin(pins.button, not pins.button_pressed)

    # What the helper does.

    def set_power(self, on: bool) -> None:
        """Switch the bench supply's output."""
        self._rails.switch_supply(on)
        self._watch_by_afe(on)
        dip = self.faults.dip
        if on and dip is not None and not dip.in_flash_work:
            self._schedule_dip(dip)
        if on:
            self._contact.begin(self.faults.contact_loss, in_flash_work=False)

    def set_boot0(self, level: bool | None) -> None:
        """Drive BOOT0; None releases it to its pull-down."""
        self._boot0 = bool(level)
        self.chip.set_boot0(self._boot0 or self.faults.boot0_strapped)

    def set_nrst(self, low: bool) -> None:
        """Pull NRST low (open drain), or let it go."""
        self._nrst.pull("helper", low)

    def press_button(self, pressed: bool) -> None:
        """Press the unit's power button, or let it go."""
        self._pressed = pressed
        self.chip.set_pin(self._pins.button, pressed == self._pins.button_pressed)
        self._follow_latch()

    def swd_levels(self, pulled_up: bool) -> tuple[bool, bool]:
        """SWDIO and SWCLK as the helper reads them while it only pulls them weakly."""
        self._look()
        return levels_under_pull(self.chip, self.faults, pulled_up)

    @property
    def rail_names(self) -> tuple[str, ...]:
        """The rails the helper has sense wires to."""
        return tuple(rail for rail in RAILS if rail not in self.faults.helper.missing_rails)

    @property
    def helper_traits(self) -> HelperTraits:
        """In what the helper of this bench is another one."""
        return self.faults.helper

    @property
    def contact_lost(self) -> bool:
        """Has SWCLK no contact at this moment?"""
        return self._contact.lost

    # What the helper and a person see.

    @property
    def nrst_level(self) -> bool:
        """The level of the reset net."""
        self._look()
        return self._nrst.level

    @property
    def nrst_falls(self) -> int:
        """Falling edges of NRST since the beginning."""
        self._look()
        return self._nrst.falling_edges

    @property
    def supply_on(self) -> bool:
        """Is the bench supply's output on?"""
        return self._rails.switched_on

    @property
    def supply_ma(self) -> int:
        """Current the bench supply gives."""
        self._look()
        return round(1000 * self._rails.supply_a)

    @property
    def peak_supply_ma(self) -> int:
        """Highest supply current since the supply was last switched on: the inrush."""
        return round(1000 * self._rails.peak_supply_a)

    @property
    def leds(self) -> dict[str, bool]:
        """Which LEDs are lit now."""
        self._look()
        return dict(self._leds)

    def rail_mv(self, name: str) -> int:
        """One sample of a rail on the helper's sense wire, ripple included; an open wire reads nothing.

        Raises:
            KeyError: the unit has no such rail.
        """
        if name not in RAILS:
            raise KeyError(f"no rail {name!r}; the unit has {', '.join(RAILS)}")
        self._look()
        if name in self.faults.sense_open:
            return 0
        return round(self._rails.measured_mv(name) * self.faults.sense_ratio.get(name, 1.0))

    def true_mv(self, name: str) -> int:
        """The voltage of a rail itself, whatever the wires say."""
        self._look()
        return round(1000 * self._rails.volts(name))

    @property
    def settled(self) -> bool:
        """No rail moves."""
        return self._rails.settled

    # What a scenario does.

    def break_board(self, **faults: object) -> None:
        """Set fields of `BoardFaults`, before power or while it is on.

        Raises:
            TypeError: no such fault.
        """
        self.faults = replace(self.faults, **faults)  # type: ignore[arg-type]
        self._rails.faults = self.faults
        self._latch.shorted = self.faults.latch_shorted
        self._latch.kind = self.faults.latch_kind
        self.display.dead = self.faults.display_dead
        self.chip.set_boot0(self._boot0 or self.faults.boot0_strapped)
        self._watchdog.fit(self.faults)
        nanofarads = self.faults.nrst_capacitance_nf
        self._nrst.set_capacitance(None if nanofarads is None else nanofarads * 1e-9)
        self._nrst.supervisor_ns = int(self.faults.nrst_supervisor_ms * _MS)
        self._nrst.stuck_high = self.faults.nrst_stuck_high
        self._nrst.pull("board", self.faults.nrst_held or self.faults.core_supply_dead)
        if self.faults.nrst_pulse_period_ms is not None:
            self._pulse_nrst()
        self.swd = wired(self.clock, self.chip.swd, self.faults, self.rng, lambda: not self._nrst.level, self._contact)
        self._rails.disturb()

    # The board reacts.

    def _look(self) -> None:
        """Let the firmware catch up with the clock, and take over what it does to its pins."""
        line = self.chip.pin(self._pins.latch) if self._supplied() else None
        if line != self._latch_line:
            self._latch_line = line
            self._follow_latch()

    def _supplied(self) -> bool:
        return self._rails.volts("v3v3") > _LOGIC_V

    def _ask(self) -> Demand:
        self._asked = self._demand()
        return self._asked

    def _demand(self) -> Demand:
        loads = self._parts.loads
        supplied = self._supplied()
        logic_a = loads.v3v3_base_a + loads.led_a * sum(self._leds.values()) if supplied else 0.0
        return Demand(
            v12_enabled=self._latch.enabled,
            v3v3_a=logic_a + self.chip.supply_ua * 1e-6,
            v5iso_a=self.display.current_a,
            vcap_v=self.chip.vcap_mv / 1000,
        )

    def _follow_rails(self) -> None:
        v3v3 = self._rails.volts("v3v3")
        supplied = v3v3 > _LOGIC_V
        self.chip.set_vdd_mv(0 if self.faults.core_supply_dead else max(0, round(1000 * v3v3)))
        self._nrst.supply(v3v3)
        self._watchdog.supply(supplied)
        self.display.supply(self._rails.volts("v5iso"))
        self._latch_line = self.chip.pin(self._pins.latch) if supplied else None
        self._latch.update(self._rails.volts("bplus"), self._latch_line, self._pressed)
        if not supplied:
            self._leds = dict.fromkeys(self._leds, False)
        elif self._glance is None:
            self._glance = self.clock.at(self.clock.now_ns + _GLANCE_NS, self._glance_at_chip)

    def _glance_at_chip(self) -> None:
        self._glance = None
        if not self._supplied():
            return
        self._glance = self.clock.at(self.clock.now_ns + _GLANCE_NS, self._glance_at_chip)
        before = self._asked
        self._look()
        now = self._demand()
        dip, loss = self.faults.dip, self.faults.contact_loss
        if dip is not None and dip.in_flash_work and self.chip.flash_controller.busy:
            self._schedule_dip(dip)
        if loss is not None and loss.in_flash_work and self.chip.flash_controller.busy:
            self._contact.begin(loss, in_flash_work=True)
        if (
            abs(now.v3v3_a - before.v3v3_a) > _LOAD_CHANGE_A
            or abs(now.v5iso_a - before.v5iso_a) > _LOAD_CHANGE_A
            or abs(now.vcap_v - before.vcap_v) > _VCAP_CHANGE_V
        ):
            self._rails.disturb()

    def _follow_latch(self) -> None:
        before = self._latch.enabled
        self._latch.update(self._rails.volts("bplus"), self._latch_line, self._pressed)
        if self._latch.enabled != before:
            self._disturb_soon()

    # The chip calls back from the middle of its own work: note it, and act at the next turn of the clock.

    def _pin_changed(self, name: str, level: bool | None) -> None:
        if name == self._pins.latch:
            self._latch_line = level
            self._follow_latch()
            return
        for led, (pin, lit_level) in self._pins.leds.items():
            if pin == name:
                if led == "run":
                    self._watchdog.edge(level)
                self._leds[led] = level == lit_level
                self._disturb_soon()

    def _uart_sent(self, name: str, data: bytes) -> None:
        self._mcu_heard = True
        if name == self._pins.display_uart:
            self.display.receive(data)

    def _chip_pulls_nrst(self, low: bool) -> None:
        self.clock.at(self.clock.now_ns, lambda: self._nrst.pull("chip", low))

    def _disturb_soon(self) -> None:
        if self._disturbance is None:
            self._disturbance = self.clock.at(self.clock.now_ns, self._disturb)

    def _disturb(self) -> None:
        self._disturbance = None
        self._rails.disturb()

    # Faults that have a course in time.

    def _watch_by_afe(self, on: bool) -> None:
        if self._afe_watchdog is not None:
            self._afe_watchdog.cancel()
            self._afe_watchdog = None
        self._rails.faults = self.faults  # its regulator is on again
        if on and self.faults.afe_watchdog_ms is not None:
            self._mcu_heard = False
            self._afe_watchdog = self.clock.after(int(self.faults.afe_watchdog_ms * _MS), self._afe_bites)

    def _afe_bites(self) -> None:
        self._afe_watchdog = None
        if not self._mcu_heard:
            self._rails.faults = replace(self.faults, open_rails=self.faults.open_rails | {"v3v3"})
            self._rails.disturb()

    def _schedule_dip(self, dip: Dip) -> None:
        if self._dip_scheduled:
            return
        self._dip_scheduled = True
        start_ns = self.clock.now_ns + int(dip.at_ms * _MS)
        self.clock.at(start_ns, lambda: self._rails.start_dip(True))
        self.clock.at(start_ns + int(dip.for_ms * _MS), lambda: self._rails.start_dip(False))

    def _pulse_nrst(self) -> None:
        period_ms = self.faults.nrst_pulse_period_ms
        if period_ms is None:
            return
        self._nrst.pull("supervisor", True)
        now_ns = self.clock.now_ns
        self.clock.at(now_ns + _PULSE_LOW_NS, lambda: self._nrst.pull("supervisor", False))
        self.clock.at(now_ns + int(period_ms * _MS), self._pulse_nrst)
