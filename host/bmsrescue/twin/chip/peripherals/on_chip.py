"""All peripherals of one chip, wired to each other, to the bus and to the pins."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.bus import Bus
from bmsrescue.twin.chip.core.cortex_m7 import CortexM7
from bmsrescue.twin.chip.dbgmcu import Dbgmcu
from bmsrescue.twin.chip.reset import ResetKind
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import VirtualClock

from . import gpio, usart
from . import rcc_registers as rcc
from .gpio import GpioPort
from .iwdg import Iwdg
from .pwr import Pwr
from .quiet import SPANS, QuietPeripherals
from .rcc import ClockGate, Rcc
from .register_block import RegisterBlock
from .simple import make_syscfg
from .tim2 import Tim2
from .usart import Usart
from .wwdg import Wwdg

_BLOCK_SIZE = 0x400


class OnChipPeripherals:
    """``on_pin`` and ``on_uart`` are called with the clock at the moment the core did it."""

    def __init__(self, clock: VirtualClock, bus: Bus, system: System, core: CortexM7, dbgmcu: Dbgmcu) -> None:
        self.on_pin: Callable[[str, bool | None], None] = lambda name, level: None
        self.on_uart: Callable[[str, bytes], None] = lambda name, data: None
        self._clock = clock
        self._system = system
        self._core = core
        self.rcc = Rcc(clock, system)
        self.pwr = Pwr(clock, system)
        self.ports = {letter: GpioPort(letter, self._pin_changed) for letter in gpio.PORTS}
        self.tim2 = Tim2(clock, lambda: self.rcc.timer1_hz)
        self.iwdg = Iwdg(clock, self._catch_up, lambda: system.request_reset("iwdg"), lambda: dbgmcu.freezes_iwdg)
        self.usarts = {
            name: Usart(name, base, clock, hz, self._byte_sent)
            for name, base, hz in (
                ("USART1", usart.USART1_BASE, lambda: self.rcc.pclk2_hz),
                ("USART2", usart.USART2_BASE, lambda: self.rcc.pclk1_hz),
                ("USART3", usart.USART3_BASE, lambda: self.rcc.pclk1_hz),
            )
        }
        self.quiet = QuietPeripherals()
        self.syscfg = make_syscfg()
        self.wwdg = Wwdg(
            clock, lambda: self.rcc.pclk3_hz, self._catch_up, self._wwdg_bites, lambda: dbgmcu.freezes_wwdg
        )
        self.rcc.on_core_hz = core.set_frequency
        self.rcc.on_clock_change += [self.tim2.rebase, self.wwdg.rebase]
        core.on_halted = self._core_halted
        core.on_sleep = self._core_sleeps
        core.on_wake = lambda: system.set_low_power("run")
        self._attach(bus)

    # --- reset --------------------------------------------------------------------------------------------------------

    def reset(self, kind: ResetKind) -> None:
        """A system reset begins."""
        self.rcc.note_reset(kind)
        self.pwr.note_reset(kind, bor_is_power_reset=self._system.config.bor_is_power_reset)
        blocks: list[RegisterBlock] = [self.tim2, self.iwdg, self.syscfg, self.wwdg, self.quiet]
        for block in (*blocks, *self.usarts.values(), *self.ports.values()):
            block.reset()

    def release(self) -> None:
        """The reset is over; call it before the core starts."""
        if self._system.hardware_watchdog:
            self.iwdg.start()

    def power_off(self) -> None:
        """No supply: nothing drives a pin any more, and no watchdog counts."""
        self.iwdg.reset()
        self.wwdg.reset()
        for port in self.ports.values():
            port.reset()

    # --- pins ---------------------------------------------------------------------------------------------------------

    def set_pin(self, name: str, level: bool | None) -> None:
        """The board drives an input pin ("PC13"), or lets it go."""
        port, pin = self._port(name)
        port.drive(pin, level)

    def pin(self, name: str) -> bool | None:
        """The level the chip drives; None is high impedance."""
        port, pin = self._port(name)
        return port.output(pin)

    def _port(self, name: str) -> tuple[GpioPort, int]:
        return self.ports[name[1]], int(name[2:])

    def _pin_changed(self, name: str, level: bool | None) -> None:
        self.on_pin(name, level)

    def _byte_sent(self, name: str, byte: int) -> None:
        self.on_uart(name, bytes([byte]))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _attach(self, bus: Bus) -> None:
        for start, length in SPANS:
            bus.attach_behind(start, length, self.quiet)
        for always_on in (self.rcc, self.pwr, self.iwdg):
            bus.attach(always_on.base, _BLOCK_SIZE, always_on)
        gated: list[tuple[RegisterBlock, int, int]] = [
            (self.tim2, rcc.APB1LENR, rcc.TIM2EN),
            (self.usarts["USART1"], rcc.APB2ENR, rcc.USART1EN),
            (self.usarts["USART2"], rcc.APB1LENR, rcc.USART2EN),
            (self.usarts["USART3"], rcc.APB1LENR, rcc.USART3EN),
            (self.syscfg, rcc.APB4ENR, rcc.SYSCFGEN),
            (self.wwdg, rcc.APB3ENR, rcc.WWDG1EN),
        ]
        gated += [(port, rcc.AHB4ENR, bit) for bit, port in enumerate(self.ports.values()) if port.letter != "A"]
        for device, register, bit in gated:
            bus.attach(device.base, _BLOCK_SIZE, ClockGate(device, self.rcc, register, bit))
        port_a = _SwdPins(self.ports["A"], self._system)
        bus.attach(port_a.base, _BLOCK_SIZE, ClockGate(port_a, self.rcc, rcc.AHB4ENR, 0))

    def _catch_up(self) -> None:
        self._core.run_to(self._clock.now_ns)

    def _core_halted(self, halted: bool) -> None:
        self.iwdg.core_halted(halted)
        self.wwdg.core_halted(halted)

    def _wwdg_bites(self) -> None:
        if self.rcc.wwdg_resets:
            self._system.request_reset("wwdg")

    def _core_sleeps(self, deep: bool) -> None:
        if deep:
            self._system.set_low_power("standby" if self.pwr.standby_wanted else "stop")


class _SwdPins(RegisterBlock):
    """Port A, with a look at whether firmware took PA13 and PA14 away from the debug port."""

    def __init__(self, port: GpioPort, system: System) -> None:
        super().__init__(port.base)
        self._port = port
        self._system = system

    def reset(self) -> None:
        self._port.reset()

    def read_word(self, offset: int) -> int:
        return self._port.read_word(offset)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        self._port.write_word(offset, value, lanes)
        self._system.assign_swd_pins(self._port.swd_assigned)
