"""A whole chip without a board: powered, its pins and lines collected, its bus read as a debugger would."""

from __future__ import annotations

from bmsrescue.twin import firmware
from bmsrescue.twin.board.display_frame import DisplayFrame, FrameReader
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.clock import VirtualClock

SERIAL = "BR16S-24000007"
_STEP_NS = 5_000_000


class ChipBench:
    def __init__(self, config: ChipConfig | None = None, *, image: bytes = b"", calibration: bytes = b"") -> None:
        self.clock = VirtualClock()
        self.chip = Stm32H7(self.clock, 7, config)
        self.sent = bytearray()
        self.edges: list[tuple[int, str, bool | None]] = []
        self.chip.on_uart = self._uart
        self.chip.on_pin = lambda name, level: self.edges.append((self.clock.now_ns // 1_000_000, name, level))
        if image:
            self.chip.flash.load(firmware.IMAGE_ADDRESS, image)
        if calibration:
            self.chip.flash.load(firmware.CALIBRATION_ADDRESS, calibration)
        self.chip.set_pin(firmware.PINS["button"], True)

    def power(self, mv: int = 3300) -> None:
        self.chip.set_vdd_mv(mv)
        self.run_ms(1)

    def run_ms(self, ms: int) -> None:
        """Let time pass, looking at the chip every 5 ms as a board does."""
        end_ns = self.clock.now_ns + ms * 1_000_000
        while self.clock.now_ns < end_ns:
            self.clock.advance(min(_STEP_NS, end_ns - self.clock.now_ns))
            self.chip.core.run_to(self.clock.now_ns)

    def peek(self, address: int, size: int = 4) -> int:
        self.chip.core.run_to(self.clock.now_ns)
        return self.chip.bus.read(address, size)

    def poke(self, address: int, value: int, size: int = 4) -> None:
        self.chip.core.run_to(self.clock.now_ns)
        self.chip.bus.write(address, size, value)

    def halt(self) -> None:
        self.poke(r.DHCSR, 0xA05F0003)

    def resume(self) -> None:
        self.poke(r.DHCSR, 0xA05F0001)

    def core_hz(self, window_ms: int = 20) -> float:
        """Measured with the cycle counter, as a debugger does."""
        self.poke(r.DEMCR, r.TRCENA)
        self.poke(r.DWT_CTRL, 1)
        before = self.peek(r.DWT_CYCCNT)
        self.run_ms(window_ms)
        return ((self.peek(r.DWT_CYCCNT) - before) & 0xFFFFFFFF) * 1000 / window_ms

    @property
    def frames(self) -> list[DisplayFrame]:
        return FrameReader().feed(bytes(self.sent))

    def _uart(self, name: str, data: bytes) -> None:
        if name == firmware.PINS["display_uart"]:
            self.sent += data


def working_chip(version: str = firmware.VERSION) -> ChipBench:
    """A chip as a healthy unit has it, not yet powered."""
    return ChipBench(image=firmware.image_bytes(version), calibration=firmware.calibration_block(SERIAL, 7))
