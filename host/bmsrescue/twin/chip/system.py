"""Supply, reset and clock-domain state of the chip: what every part of it has to agree on.

The board drives VDD, NRST and BOOT0; peripherals ask for resets, report the supply they were told to use and gate RAM
clocks; the core, the debug port and the flash controller are told through callbacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from bmsrescue.twin.chip.reset import BOR_THRESHOLDS_MV, ResetKind

if TYPE_CHECKING:
    from bmsrescue.twin.chip.bus import RamBlock
    from bmsrescue.twin.chip.config import ChipConfig, Supply
    from bmsrescue.twin.clock import Event, VirtualClock

LowPowerMode = Literal["run", "stop", "standby"]

_FITTING_SUPPLY: dict[Supply, frozenset[int]] = {
    "ldo": frozenset({0x02, 0x06}),
    "smps": frozenset({0x04, 0x06}),
    "smps_1v8_ldo": frozenset({0x16, 0x06}),
    "smps_2v5_ldo": frozenset({0x26, 0x06}),
    "external": frozenset({0x01, 0x1D, 0x2D}),
}
"""PWR_CR3 bits 5:0 that keep VCORE alive, by board wiring (docs/reference/chip.md#cr3-values)."""


class System:
    """State shared by all parts of one chip. Lists of callbacks are run in the order of registration.

    ``on_power(up)``        VDD crossed the power-on threshold; on False everything volatile is lost.
    ``on_reset(kind)``      a system reset begins: registers take their reset values, the core stops.
    ``on_vcore_lost()``     a supply selection that does not fit the board has stopped the core regulator.
    ``on_release()``        the reset is over: BOOT0 has been latched, the core starts.
    ``on_debug_access()``   ``debug_port_alive`` may have changed.
    ``on_nrst(low)``        the chip pulls its own NRST low, or lets go.
    """

    def __init__(self, clock: VirtualClock, config: ChipConfig) -> None:
        self.clock = clock
        self.config = config
        self.vdd_mv = 0
        self.powered = False
        self.vcore_ok = False
        self.vcore_mv = 1000
        """What the regulator makes while it works; set by PWR with the voltage scaling (VOS3 1.0 V after reset)."""
        self.in_reset = True
        self.nrst_pulled_low = True
        """The chip itself holds NRST low."""
        self.boot0_pin = False
        self.boot0_latched = False
        self.low_power: LowPowerMode = "run"
        self.swd_pins_assigned = True
        """False once PA13/PA14 have been given another function by GPIO."""
        self.readout_level = 0
        self.bor_level = 0
        self.boot_addresses = (0x08000000, 0x1FF00000)
        """(BOOT_ADD0, BOOT_ADD1) as addresses; option bytes loaded at reset."""
        self.debugger_seen = False
        """A debugger has used a MEM-AP since power-on (matters at RDP level 1)."""
        self.hardware_watchdog = False
        """OPTSR.IWDG1_SW = 0: IWDG1 runs from reset on."""
        self.keeps_debug_clock: Callable[[LowPowerMode], bool] = lambda mode: False
        """Whether DBGMCU keeps debug alive in Stop or Standby."""
        self.gates: dict[str, RamBlock] = {}
        """RAMs whose clock RCC gates, by name."""
        self.on_power: list[Callable[[bool], None]] = []
        self.on_reset: list[Callable[[ResetKind], None]] = []
        self.on_vcore_lost: list[Callable[[], None]] = []
        self.on_release: list[Callable[[], None]] = []
        self.on_debug_access: list[Callable[[], None]] = []
        self.on_nrst: list[Callable[[bool], None]] = []
        self._nrst_pin_low = False
        self._pulse: Event | None = None
        self._collapse: Event | None = None
        self._below_bor = False

    # --- what others ask ----------------------------------------------------------------------------------------------

    @property
    def debug_port_alive(self) -> bool:
        """Whether anything at all answers on SWDIO."""
        vcore = self.vcore_ok or self.config.debug_survives_wrong_supply
        pins = self.swd_pins_assigned or self.in_reset
        awake = self.low_power == "run" or self.keeps_debug_clock(self.low_power)
        return self.powered and vcore and pins and awake and self.readout_level != 2

    @property
    def readout_closed(self) -> bool:
        """RDP level 1 with a debugger: flash is closed until the next power-on."""
        return self.readout_level == 1 and self.debugger_seen

    @property
    def boot_address(self) -> int:
        """Where the core fetches its vectors after reset."""
        return self.boot_addresses[1 if self.boot0_latched else 0]

    @property
    def vcap_mv(self) -> int:
        """What the core regulator makes; nothing in Standby, unless a debugger has asked for it to stay on."""
        off = self.low_power == "standby" and not self.keeps_debug_clock("standby")
        return self.vcore_mv if self.vcore_ok and not off else 0

    # --- what the board drives ----------------------------------------------------------------------------------------

    def set_vdd_mv(self, mv: int) -> None:
        self.vdd_mv = mv
        if not self.powered:
            if mv >= self.config.por_rise_mv:
                self._power_up()
            return
        if mv < self.config.por_fall_mv:
            self._power_down()
            return
        thresholds = BOR_THRESHOLDS_MV.get(self.bor_level)
        if thresholds is None:
            return
        rising_mv, falling_mv = thresholds
        if not self._below_bor and mv < falling_mv:
            self._below_bor = True
            self._begin_reset("bor")
        elif self._below_bor and mv >= rising_mv:
            self._below_bor = False
            self._pulse_for(self.config.power_on_delay_us)

    def set_nrst(self, low: bool) -> None:
        """The board pulls NRST low, or lets it go."""
        if low == self._nrst_pin_low:
            return
        self._nrst_pin_low = low
        if not self.powered:
            return
        if low:
            if not self.in_reset:
                self._begin_reset("pin")
                self._pulse_for(self.config.reset_pulse_us)
        else:
            self._try_release()

    # --- what the chip's own parts ask for ----------------------------------------------------------------------------

    def request_reset(self, kind: ResetKind) -> None:
        """A system reset from inside: software (SYSRESETREQ), iwdg, wwdg or lowpower; NRST is pulled for ~20 us."""
        if not self.powered or self.in_reset:
            return
        self._begin_reset(kind)
        self._pulse_for(self.config.reset_pulse_us)

    def select_supply(self, cr3: int) -> None:
        """PWR_CR3 was written (its one accepted time): a choice that does not fit the board takes VCORE away."""
        if self._collapse is not None:
            self._collapse.cancel()
            self._collapse = None
        if (cr3 & 0x3F) not in _FITTING_SUPPLY[self.config.board_supply]:
            self._collapse = self.clock.after(self.config.vcore_collapse_us * 1000, self._vcore_gone)

    def set_low_power(self, mode: LowPowerMode) -> None:
        self.low_power = mode
        self._debug_access_changed()

    def assign_swd_pins(self, assigned: bool) -> None:
        """GPIO gave PA13/PA14 to the debug port (reset state) or took them away."""
        if assigned != self.swd_pins_assigned:
            self.swd_pins_assigned = assigned
            self._debug_access_changed()

    def set_gate(self, name: str, enabled: bool) -> None:
        """RCC switches the clock of a RAM."""
        self.gates[name].enabled = enabled

    def set_readout_level(self, level: int) -> None:
        self.readout_level = level
        self._debug_access_changed()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _power_up(self) -> None:
        self.powered = True
        self.vcore_ok = True
        self.vcore_mv = 1000
        self.low_power = "run"
        self.in_reset = True
        self._below_bor = False
        self.debugger_seen = False
        for power in self.on_power:
            power(True)
        self._begin_reset("power")
        thresholds = BOR_THRESHOLDS_MV.get(self.bor_level)
        if thresholds is not None and self.vdd_mv < thresholds[0]:
            self._below_bor = True
        else:
            self._pulse_for(self.config.power_on_delay_us)
        self._debug_access_changed()

    def _power_down(self) -> None:
        self.powered = False
        self.vcore_ok = False
        self.in_reset = True
        self._cancel_timers()
        for power in self.on_power:
            power(False)
        self._pull_nrst(True)
        self._debug_access_changed()

    def _cancel_timers(self) -> None:
        for event in (self._pulse, self._collapse):
            if event is not None:
                event.cancel()
        self._pulse = None
        self._collapse = None

    def _begin_reset(self, kind: ResetKind) -> None:
        self.in_reset = True
        self.low_power = "run"
        self.swd_pins_assigned = True
        if kind == "bor" and self.config.bor_is_power_reset:
            self.vcore_ok = True
            self._cancel_timers()
        for reset in self.on_reset:
            reset(kind)
        self._pull_nrst(True)
        self._debug_access_changed()

    def _pulse_for(self, duration_us: int) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
        self._pulse = self.clock.after(duration_us * 1000, self._pulse_over)

    def _pulse_over(self) -> None:
        self._pulse = None
        self._pull_nrst(False)
        self._try_release()

    def _try_release(self) -> None:
        """The core starts once nobody holds NRST any more: neither the board nor the chip."""
        held = self._nrst_pin_low or self._pulse is not None or self._below_bor
        if not self.in_reset or not self.powered or held:
            return
        self.in_reset = False
        self.boot0_latched = self.boot0_pin
        if self.vcore_ok:
            for release in self.on_release:
                release()
        self._debug_access_changed()

    def _pull_nrst(self, low: bool) -> None:
        if low != self.nrst_pulled_low:
            self.nrst_pulled_low = low
            for notify in self.on_nrst:
                notify(low)

    def _vcore_gone(self) -> None:
        self._collapse = None
        self.vcore_ok = False
        for lost in self.on_vcore_lost:
            lost()
        self._debug_access_changed()

    def _debug_access_changed(self) -> None:
        for changed in self.on_debug_access:
            changed()
