"""Anybody's firmware on a bare chip: no unit around it, only its pins and serial ports to look at.

The chip has the crystals, the supply and nothing else that a board would have: an input reads its pull, a bus has no
partner. Time is virtual; a second of waiting costs none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bmsrescue.errors import UsageError
from bmsrescue.image.read import Firmware
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.clock import VirtualClock

_VDD_MV: Final = 3300
_STEP_NS: Final = 1_000_000
_NS: Final = 1_000_000_000
_QUIET_NS: Final = 100_000_000
"""Nothing was sent for so long: the firmware waits for somebody to type."""
_BOOT_STEP: Final = 0x10000
_FAULTS: Final = {3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault"}


@dataclass
class Pin:
    """What the chip drove on a pin: its level (None: nothing), how often it changed and when."""

    level: bool | None = None
    changes: int = 0
    first_ns: int = 0
    last_ns: int = 0


@dataclass
class FirmwareRun:
    """How it stood at the end, and what it did on its way there."""

    state: str
    """running, sleeping, lock-up, fault, or no-core-supply."""
    exception: int
    """The active exception's number, 0 in thread mode."""
    pc: int
    core_hz: int
    virtual_ns: int
    faults: dict[str, int]
    """CFSR, HFSR, MMFAR and BFAR, where one of the first two says something."""
    uart: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    pins: dict[str, Pin] = field(default_factory=dict[str, Pin])

    @property
    def well(self) -> bool:
        return self.state in ("running", "sleeping")

    def as_dict(self) -> dict[str, Any]:
        """JSON types; times in seconds."""
        return {
            "state": self.state,
            "exception": _FAULTS.get(self.exception, self.exception),
            "pc": self.pc,
            "core_hz": self.core_hz,
            "virtual_s": self.virtual_ns / _NS,
            "faults": self.faults,
            "uart": {name: sent.decode("utf-8", "replace") for name, sent in self.uart.items()},
            "pins": {
                name: {
                    "level": pin.level,
                    "changes": pin.changes,
                    "first_s": pin.first_ns / _NS,
                    "last_s": pin.last_ns / _NS,
                }
                for name, pin in sorted(self.pins.items())
            },
        }


class FirmwareRig:
    """A chip with that firmware in its flash, without power yet.

    ``on_bytes(port, data)`` is called as the firmware sends. Raises UsageError where the part cannot hold or start it.
    """

    def __init__(
        self,
        firmware: Firmware,
        config: ChipConfig,
        seed: int = 0,
        on_bytes: Callable[[str, bytes], None] = lambda port, data: None,
    ) -> None:
        self._clock = VirtualClock()
        self._chip = Stm32H7(self._clock, seed, config)
        self._on_bytes = on_bytes
        self._uart: dict[str, bytearray] = {}
        self._pins: dict[str, Pin] = {}
        self._quiet_ns = 0
        """When it counts as silent; 0 while nothing was sent yet."""
        self._chip.on_uart = self._sent
        self._chip.on_pin = self._pin_changed
        self._load(firmware, config)

    def run(self, seconds: float, typed: Iterable[tuple[str, bytes]] = ()) -> FirmwareRun:
        """Power on and run. Each of ``typed`` (port, bytes) is sent once the firmware has spoken and fallen silent.

        To firmware that says nothing at all it is sent a second before the end, or half way where that is later.
        """
        waiting = deque(typed)
        end_ns = round(seconds * _NS)
        last_ns = max(end_ns // 2, end_ns - _NS)
        self._chip.set_vdd_mv(_VDD_MV)
        while self._clock.now_ns < end_ns:
            self._clock.advance(min(_STEP_NS, end_ns - self._clock.now_ns))
            self._chip.core.run_to(self._clock.now_ns)
            if waiting and self._clock.now_ns >= (self._quiet_ns or last_ns):
                port, data = waiting.popleft()
                self._chip.send_to_uart(port, data)
                self._quiet_ns = self._clock.now_ns + _QUIET_NS
        return self._end()

    def has_port(self, name: str) -> bool:
        return name in self._chip.peripherals.usarts

    @property
    def port_names(self) -> list[str]:
        return list(self._chip.peripherals.usarts)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _load(self, firmware: Firmware, config: ChipConfig) -> None:
        chip = self._chip
        geometry = chip.flash.geometry
        for segment in firmware.segments:
            if segment.address + len(segment.data) > geometry.base + geometry.size:
                raise UsageError(
                    f"the firmware goes up to 0x{segment.address + len(segment.data):08x}, "
                    f"and an STM32{config.part} has {geometry.size >> 10} KiB of flash",
                    "Give the chip it is for: --chip.",
                )
            # Whole flash words, with what another segment has put into the first.
            start = segment.address - segment.address % geometry.word_size
            before = bytes(chip.flash.data[start - geometry.base : segment.address - geometry.base])
            chip.flash.load(start, before + bytes(segment.data))
        boot = firmware.boot_address
        if boot is None:
            boot = geometry.base
        if boot % _BOOT_STEP:
            raise UsageError(
                f"its vector table is at 0x{boot:08x}, where the chip cannot start", "Give a file with its bootloader."
            )
        factory = chip.options.factory
        chip.options.preset(replace(factory, boot=factory.boot & 0xFFFF0000 | boot >> 16))

    def _sent(self, port: str, data: bytes) -> None:
        self._quiet_ns = self._clock.now_ns + _QUIET_NS
        self._uart.setdefault(port, bytearray()).extend(data)
        self._on_bytes(port, data)

    def _pin_changed(self, name: str, level: bool | None) -> None:
        now_ns = self._clock.now_ns
        pin = self._pins.setdefault(name, Pin(first_ns=now_ns))
        pin.level, pin.last_ns = level, now_ns
        pin.changes += 1

    def _end(self) -> FirmwareRun:
        chip = self._chip
        faults = {name: chip.bus.read(address, 4) for name, address in _FAULT_REGISTERS.items()}
        exception = chip.bus.read(r.ICSR, 4) & 0x1FF
        if not chip.vcap_mv:
            state = "no-core-supply"
        elif chip.core.lockup:
            state = "lock-up"
        elif exception in _FAULTS:
            state = "fault"
        else:
            state = "sleeping" if chip.core.sleeping else "running"
        return FirmwareRun(
            state,
            exception,
            chip.core.pc,
            chip.core.frequency_hz,
            self._clock.now_ns,
            faults if faults["CFSR"] or faults["HFSR"] else {},
            self._uart,
            self._pins,
        )


_FAULT_REGISTERS: Final = {"CFSR": r.CFSR, "HFSR": r.HFSR, "MMFAR": r.MMFAR, "BFAR": r.BFAR}
