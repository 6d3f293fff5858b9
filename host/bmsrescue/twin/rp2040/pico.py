"""A Raspberry Pi Pico with unmodified MicroPython firmware in an emulator, its pins wired to a unit of the twin.

The emulator keeps the time; the unit's clock follows it before anything on a pin is looked at or changed. Cycle counts
are those of a Cortex-M0+ at 125 MHz without flash wait states (docs/rp2040.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

from rp2040py.boards import BoardSpec
from rp2040py.device.base_device import BaseDevice
from rp2040py.execute_batch import execute_batch
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.peripherals.i2c import RPI2C
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import LogLevel

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rp2040.i2c_parts import I2cPart
from bmsrescue.twin.rp2040.spi_dma import SpiDma
from bmsrescue.twin.rp2040.swd_wires import LONGEST_WAIT_NS, WaitingEdges
from bmsrescue.twin.rp2040.usb_serial import UsbSerial
from bmsrescue.twin.rp2040.wiring import BoardWiring, Level

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit

FLASH_BYTES: Final = 0x20_0000
"""Firmware at its beginning, files at its end (MicroPython ports/rp2)."""

_FREE_CYCLES_HZ: Final = 1_000_000_000_000
_PERIPHERAL_HZ: Final = 48_000_000
"""SPI's and UART's clock: MicroPython's start sets it (ports/rp2/main.c); the emulator keeps the 125 MHz it has."""

_GLANCE_NS: Final = 1_000_000
_I2C_BYTE_NS: Final = 22_500  # nine bits at 400 kHz
_ADC_PIN: Final = 26


class _WiredChip(RP2040):
    """The pins read back what is on the wires; the emulator's own reads only inputs."""

    look: Callable[[], int]

    @property
    def gpio_values(self) -> int:
        return self.look()


class _Running:
    """What the emulator's inner loop looks at for every instruction: with slots, that costs a tenth of the run less."""

    __slots__ = ("clock", "rp2040", "stopped")

    def __init__(self, chip: RP2040) -> None:
        self.rp2040 = chip
        self.clock = chip.clock
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


class _PioView:
    """The chip as its PIO state machines see it: SWDIO and SWCLK as they are now, other pins as they were last seen.

    A state machine looks at its pins for every bit; asking the whole unit each time would take most of the run.
    """

    def __init__(self, chip: Any, look: Callable[[], int]) -> None:
        self.gpio = chip.gpio
        self.dma = chip.dma
        self._look = look

    @property
    def gpio_values(self) -> int:
        return self._look()


class EmulatedPico:
    """config: the board.json that describes the wiring. files: the image of the internal flash's file system."""

    def __init__(
        self,
        uf2: Path,
        files: bytes,
        config: Mapping[str, Any],
        unit: Unit,
        card: ImageBytes | None,
        *,
        seed: int = 0,
        presses: Sequence[Press] = (Press(),),
        on_output: Callable[[bytes], None] | None = None,
        on_screen: Callable[[bytes], None] | None = None,
    ) -> None:
        self._unit = unit
        self.wiring = BoardWiring(
            config,
            unit,
            card,
            swclk_hz=_FREE_CYCLES_HZ,
            seed=seed,
            presses=presses,
            on_screen=on_screen,
            edges=lambda port: WaitingEdges(port, self._follow, lambda: self._edges_alarm.schedule(LONGEST_WAIT_NS)),
        )
        self._edges = cast(WaitingEdges, self.wiring.edges)
        device = BaseDevice(board=BoardSpec(mcu=_WiredChip, image=uf2), log_level=LogLevel.ERROR)
        self._device = device
        self._mcu = cast(Any, device.mcu)
        self._mcu.clk_peri = _PERIPHERAL_HZ
        self._running: Any = _Running(device.mcu)
        self._files_at = FLASH_BYTES - len(files)
        self._mcu.flash[self._files_at : FLASH_BYTES] = files
        self.output = bytearray()
        self.on_output = on_output
        self.usb = UsbSerial(device.cdc, self._received)
        self.resets = 0
        device.mcu.watchdog.on_watchdog_trigger = self._watchdog_bites
        self._behind_ns = unit.clock.now_ns  # the unit is older than the Pico
        self._nrst_pin: int = config["lines"]["nrst"]
        self._falls_seen = unit.nrst_falls
        self._nrst_given: bool | None = None
        self._mcu.look = self._look
        for machine in (machine for pio in self._mcu.pio for machine in pio.machines):
            machine.rp2040 = _PioView(self._mcu, self._look_at_wire)
        self._driven = 0
        self._driving = 0
        self._debug_pins = (config["swd"]["swclk"], config["swd"]["swdio"])
        self._other_inputs = (config["lines"]["nrst"], config["panel"]["button"])
        self._others_seen = 0
        self._edges_alarm = self._mcu.clock.create_alarm(self._edges.flush)
        self._wire_pins()
        self._wire_spi(self._mcu.spi[config["card"]["spi"]])
        self._wire_i2c(self._mcu.i2c[config["i2c"]["id"]])
        self._wire_adc()
        self._glance_alarm = self._mcu.clock.create_alarm(self._glance)
        self._glance_alarm.schedule(_GLANCE_NS)
        self._limit_alarm = self._mcu.clock.create_alarm(self._running.stop)
        self._mcu.core.pc = FLASH_START_ADDRESS

    # --- running ------------------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Emulated time since power-on."""
        return int(self._mcu.clock.nanos)

    @property
    def cycles(self) -> int:
        """Core clock cycles so far, at 125 MHz."""
        return self.now_ns // 8

    def run_until(self, is_done: Callable[[], bool], emulated_s: float, wall_s: float) -> bool:
        """Let it run until `is_done` (looked at every few ms of wall time); False when a limit came first."""
        until_s = monotonic() + wall_s
        self._limit_alarm.schedule(emulated_s * 1e9)
        self._running.stopped = False
        try:
            while not is_done():
                if self._running.stopped or monotonic() >= until_s:
                    return False
                execute_batch(self._running, 1)
        finally:
            self._limit_alarm.cancel()
        return True

    def files(self) -> bytes:
        """The image of its file system as it is now."""
        return bytes(self._mcu.flash[self._files_at : FLASH_BYTES])

    def power_off(self) -> None:
        """Pull the helper's plug: the wires fall to what their resistors make of them."""
        self._catch_up()
        self.wiring.release_all()

    # --- time ---------------------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        self._edges.flush()
        self._to_now()

    def _to_now(self) -> None:
        clock = self._unit.clock
        ahead_ns = self._behind_ns + int(self._mcu.clock.nanos) - clock.now_ns
        if ahead_ns > 0:
            clock.advance(ahead_ns)

    def _glance(self) -> None:
        """Now and then the unit moves on by itself, and edges of NRST reach the pin that counts them."""
        self._catch_up()
        self._glance_alarm.schedule(_GLANCE_NS)
        pin = self._mcu.gpio[self._nrst_pin]
        falls = self._unit.nrst_falls
        for _ in range(falls - self._falls_seen):
            pin.set_input_value(True)
            pin.set_input_value(False)
            self._nrst_given = False
        self._falls_seen = falls
        level = self._unit.nrst_level
        if level != self._nrst_given:  # the emulator takes a low level that is given again for another edge
            self._nrst_given = level
            pin.set_input_value(level)

    def _follow(self) -> None:
        """For the wire: the unit's clock may stay behind by less than anybody there can tell."""
        if self._behind_ns + self._mcu.clock.nanos - self._unit.clock.now_ns > LONGEST_WAIT_NS:
            self._to_now()

    # --- pins ---------------------------------------------------------------------------------------------------------

    def _wire_pins(self) -> None:
        for number in self.wiring.outputs:
            self._mcu.gpio[number].add_listener(self._listener(number))

    def _listener(self, number: int) -> Callable[[GPIOPinState, GPIOPinState], None]:
        bit = 1 << number
        drive = self.wiring.drive
        high, low = GPIOPinState.HIGH, GPIOPinState.LOW

        def changed(now: GPIOPinState, _before: GPIOPinState) -> None:
            self._catch_up()
            level: Level = None
            if now == high:
                level = True
                self._driving |= bit
                self._driven |= bit
            elif now == low:
                level = False
                self._driving |= bit
                self._driven &= ~bit
            else:
                self._driving &= ~bit
            if level is None:
                self.wiring.pull(number, now == GPIOPinState.INPUT_PULL_UP)
            drive(number, level)

        if number not in self._debug_pins:
            return changed
        put = self._edges.swclk if number == self._debug_pins[0] else self._edges.swdio

        def toggled(now: GPIOPinState, before: GPIOPinState) -> None:
            # While the helper drives the pin before and after, the edge is all there is to it.
            if now <= high and before <= high:
                self._driven ^= bit
                put(int(now))
            else:
                changed(now, before)

        return toggled

    def _look(self) -> int:
        """What the core reads at the pins."""
        self._catch_up()
        self._others_seen = 0
        for pin in self._other_inputs:
            if not self._driving >> pin & 1 and self.wiring.level(pin):
                self._others_seen |= 1 << pin
        return self._look_at_wire()

    def _look_at_wire(self) -> int:
        """The same, with all but SWCLK and SWDIO as the core saw them last."""
        values = self._driven & self._driving | self._others_seen
        for pin in self._debug_pins:
            if not self._driving >> pin & 1 and self.wiring.level(pin):
                values |= 1 << pin
        return values

    # --- buses --------------------------------------------------------------------------------------------------------

    def _wire_spi(self, spi: Any) -> None:
        answers: list[int] = []
        done = self._mcu.clock.create_alarm(lambda: spi.complete_transmit(answers.pop()))
        card = self.wiring.card

        def transmit(value: int) -> None:
            answers.append(card.exchange(value))
            done.schedule(8e9 / (spi.clock_frequency or 1e6))

        spi.on_transmit = transmit
        SpiDma(self._mcu, spi, card.transfer)

    def _wire_i2c(self, bus: RPI2C) -> None:
        transfer = _I2cTransfer(bus, self.wiring.i2c, self._catch_up)
        alarm = self._mcu.clock.create_alarm(transfer.byte_done)
        transfer.later = lambda: alarm.schedule(_I2C_BYTE_NS)

    def _wire_adc(self) -> None:
        adc = self._mcu.adc
        convert = adc.on_adc_read

        def read(channel: int) -> None:
            self._catch_up()
            if channel < 4:
                adc.channel_values[channel] = self.wiring.adc(_ADC_PIN + channel)
            convert(channel)

        adc.on_adc_read = read

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        self.output += data
        if self.on_output:
            self.on_output(data)

    def _watchdog_bites(self) -> None:
        self.resets += 1
        self._catch_up()
        self._device._on_watchdog_trigger()
        self.wiring.release_all()


class _I2cTransfer:
    """The emulator's I2C controller as host of the parts on the bus: one byte after the other, each in its time."""

    def __init__(self, bus: RPI2C, parts: Mapping[int, I2cPart], catch_up: Callable[[], None]) -> None:
        self._bus: Any = bus
        self._parts = parts
        self._catch_up = catch_up
        self._part: I2cPart | None = None
        self._sent = bytearray()
        self._answer = b""
        self._read_at = 0
        self._then: Callable[[], None] | None = None
        self.later: Callable[[], None]
        self._bus.on_start = self._start
        self._bus.on_connect = self._connect
        self._bus.on_write_byte = self._write
        self._bus.on_read_byte = self._read
        self._bus.on_stop = self._stop

    def byte_done(self) -> None:
        then, self._then = self._then, None
        if then:
            then()

    def _start(self, _repeated: bool) -> None:
        self._flush()
        self._bus.complete_start()

    def _connect(self, address: int, _mode: int) -> None:
        self._part = self._parts.get(address)
        acknowledged = self._part is not None
        self._answer, self._read_at = b"", 0
        self._after_byte(lambda: self._bus.complete_connect(acknowledged))

    def _write(self, value: int) -> None:
        self._sent.append(value)
        self._after_byte(lambda: self._bus.complete_write(True))

    def _read(self, _acknowledged: bool) -> None:
        if not self._read_at and self._part:
            self._catch_up()
            self._answer = self._part.read(16)
        value = self._answer[self._read_at] if self._read_at < len(self._answer) else 0xFF
        self._read_at += 1
        self._after_byte(lambda: self._bus.complete_read(value))

    def _stop(self) -> None:
        self._flush()
        self._bus.complete_stop()

    def _flush(self) -> None:
        if self._part and self._sent:
            self._part.write(bytes(self._sent))
        self._sent.clear()

    def _after_byte(self, then: Callable[[], None]) -> None:
        self._then = then
        self.later()
