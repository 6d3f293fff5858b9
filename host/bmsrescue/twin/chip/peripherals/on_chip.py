"""All peripherals of one chip, wired to each other, to the bus and to the pins."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.bus import Bus
from bmsrescue.twin.chip.core.cortex_m7 import CortexM7
from bmsrescue.twin.chip.dbgmcu import Dbgmcu
from bmsrescue.twin.chip.reset import ResetKind
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import VirtualClock

from . import interrupts
from .blocks import blocks_of
from .crc import CrcUnit
from .gpio import GpioPort
from .iwdg import Iwdg
from .pwr import Pwr
from .quiet import Backup, quiet_block
from .rcc import ClockGate, Rcc
from .register_block import RegisterBlock
from .simple import make_syscfg
from .timer import Timer
from .usart import Usart
from .wwdg import Wwdg

_LONG_TIMERS = ("TIM2", "TIM5", "TIM23", "TIM24")
"""Those of 32 bits; the others have 16."""
_LOW_POWER_UART = "LPUART1"
_APB2_START = 0x40010000


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
        part = system.config.sold_as
        self._blocks = blocks_of(part.die.blocks, crypto=part.crypto)
        self._places: dict[str, tuple[GpioPort, int]] = {}
        """Where the pins are that somebody has asked for, by name."""
        self.ports = {
            name[-1]: GpioPort(name[-1], self._pin_changed) for name in self._blocks if name.startswith("GPIO")
        }
        self.iwdg = Iwdg(clock, self._catch_up, lambda: system.request_reset("iwdg"), lambda: dbgmcu.freezes_iwdg)
        self._interrupts = interrupts.Interrupts(core.set_interrupt)
        self.timers = {name: self._make_timer(name) for name in interrupts.TIMERS if name in self._blocks}
        lines = interrupts.USARTS | interrupts.USARTS_OF_DIE.get(part.die.blocks, {})
        self.usarts = {name: self._make_usart(name, line) for name, line in lines.items()}
        self.syscfg = make_syscfg()
        self.wwdg = Wwdg(
            clock, lambda: self.rcc.pclk3_hz, self._catch_up, self._wwdg_bites, lambda: dbgmcu.freezes_wwdg
        )
        modelled: dict[str, RegisterBlock] = {
            "RCC": self.rcc,
            "PWR": self.pwr,
            "IWDG1": self.iwdg,
            "WWDG1": self.wwdg,
            "SYSCFG": self.syscfg,
            "CRC": CrcUnit(self._blocks["CRC"].start),
            **{f"GPIO{letter}": port for letter, port in self.ports.items()},
            **self.timers,
            **self.usarts,
        }
        self._devices = {
            name: modelled[name] if name in modelled else quiet_block(name, block.start)
            for name, block in self._blocks.items()
        }
        self.rcc.on_core_hz = core.set_frequency
        for timer in self.timers.values():
            self.rcc.on_clock_change.append(timer.rebase)
            self.rcc.on_clock_changed.append(timer.rearm)
        self.rcc.on_clock_change.append(self.wwdg.rebase)
        self.rcc.on_clock_changed.append(self.wwdg.rearm)
        core.on_halted = self._core_halted
        core.on_sleep = self._core_sleeps
        core.on_wake = lambda: system.set_low_power("run")
        self._attach(bus)

    # --- reset --------------------------------------------------------------------------------------------------------

    def reset(self, kind: ResetKind) -> None:
        """A system reset begins."""
        self.rcc.note_reset(kind)
        self.pwr.note_reset(kind, bor_is_power_reset=self._system.config.bor_is_power_reset)
        for device in self._devices.values():
            if device not in (self.rcc, self.pwr):
                device.reset()
            if kind == "power" and isinstance(device, Backup):
                device.power_on_reset()

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
        found = self._places.get(name)
        if found is None:
            found = self._places[name] = self._port(name)
        port, pin = found
        return port.output(pin)

    def receive(self, name: str, data: bytes) -> None:
        """Somebody sends bytes to a serial port ("USART3"), which hears them while it is on."""
        self.usarts[name].receive(data)

    def _port(self, name: str) -> tuple[GpioPort, int]:
        return self.ports[name[1]], int(name[2:])

    def _pin_changed(self, name: str, level: bool | None) -> None:
        self.on_pin(name, level)

    def _byte_sent(self, name: str, byte: int) -> None:
        self.on_uart(name, bytes([byte]))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _make_timer(self, name: str) -> Timer:
        start = self._blocks[name].start
        on_apb2 = start >= _APB2_START
        return Timer(
            start,
            32 if name in _LONG_TIMERS else 16,
            self._clock,
            (lambda: self.rcc.timer2_hz) if on_apb2 else (lambda: self.rcc.timer1_hz),
            self._catch_up,
            [(flags, self._interrupts.source(line)) for flags, line in interrupts.TIMERS[name]],
        )

    def _make_usart(self, name: str, line: int) -> Usart:
        return Usart(
            name,
            self._blocks[name].start,
            self._clock,
            lambda: self.rcc.usart_hz(name),
            self._byte_sent,
            self._catch_up,
            self._interrupts.source(line),
            fractional=256 if name == _LOW_POWER_UART else 1,
        )

    def _attach(self, bus: Bus) -> None:
        for name, block in self._blocks.items():
            device = self._devices[name]
            if device is self.ports["A"]:
                device = _SwdPins(self.ports["A"], self._system)
            if block.register is None:
                bus.attach(block.start, block.size, device)
            else:
                bus.attach(block.start, block.size, ClockGate(device, self.rcc, block.register, block.bits))

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
