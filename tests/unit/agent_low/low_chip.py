"""The twin's chip with the agent's lower half on it, both on CPython and on one virtual clock; no board in between."""

from collections.abc import Callable
from typing import Any

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.stm32h7 import Stm32H7 as TwinChip
from bmsrescue.twin.clock import VirtualClock

make_importable()

from rescue.chips.families import prepare  # noqa: E402
from rescue.chips.stm32h7.chip import Stm32H7  # noqa: E402
from rescue.debug import connect as rungs  # noqa: E402
from rescue.hal.ports import Ports  # noqa: E402
from rescue.hal.swd import SwdWire  # noqa: E402
from rescuelink.consent import ERASE, PROGRAM, Consent  # noqa: E402

FLASH = 0x08000000
SECTOR = 0x20000
ALL_SECTORS = Consent((ERASE, PROGRAM), "policy:test", tuple(range(8)))


class PinBits:
    """`bits` for SwdWire over the chip's pins. `spoil(kind, value)` may change what passes, for noise."""

    def __init__(self, chip: TwinChip) -> None:
        self._pins = chip.swd
        self.cycles = 0
        self.spoil: Callable[[str, int, int], int] = lambda _direction, value, _count: value

    def engage(self) -> None:
        pass

    def release(self) -> None:
        pass

    def set_frequency(self, hz: int) -> int:
        self._pins.frequency_hz = hz
        return hz

    def clock_out(self, value: int, count: int) -> None:
        self.cycles += count
        self._pins.clock_out(self.spoil("out", value, count), count)

    def clock_in(self, count: int) -> int:
        self.cycles += count
        return self.spoil("in", self._pins.clock_in(count), count)


class VirtualTime:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def ms(self) -> int:
        return self._clock.now_ns // 1_000_000

    def us(self) -> int:
        return self._clock.now_ns // 1_000

    def since_ms(self, start: int) -> int:
        return self.ms() - start

    def sleep_ms(self, n: int) -> None:
        self._clock.advance(n * 1_000_000)

    def sleep_us(self, n: int) -> None:
        self._clock.advance(n * 1_000)

    def feed(self) -> None:
        pass


class ChipLines:
    """NRST and BOOT0 straight on the chip; what was done to them is kept in `log`."""

    def __init__(self, chip: TwinChip) -> None:
        self._chip = chip
        self._low = False
        self.held_low = False  # somebody else keeps NRST down
        self.log: list[tuple[str, Any]] = []

    def nrst(self, low: bool) -> None:
        self.log.append(("nrst", low))
        self._low = low
        self._chip.set_nrst(low or self.held_low)

    def nrst_level(self) -> bool:
        return not (self._low or self.held_low or self._chip.nrst_low)

    def boot0(self, level: bool | None) -> None:
        self.log.append(("boot0", level))
        self._chip.set_boot0(bool(level))


class Bench:
    """A powered chip on the bench. `connect()` gives the Target, `h7()` the chip's driver, reset into halt."""

    def __init__(self, image: bytes = b"", config: ChipConfig | None = None, hz: int = 4_000_000) -> None:
        self.clock = VirtualClock()
        self.chip = TwinChip(self.clock, seed=1, config=config or ChipConfig())
        if image:
            self.chip.flash.load(FLASH, image)
        self.bits = PinBits(self.chip)
        self.time = VirtualTime(self.clock)
        self.lines = ChipLines(self.chip)
        self.hz = hz
        wire = SwdWire(self.bits)
        self.ports = Ports(self.time, wire, self.lines, None, None, None, None)
        self.power_on()

    def power_on(self) -> None:
        self.chip.set_vdd_mv(3300)
        self.clock.advance(20_000_000)

    def power_cycle(self) -> None:
        self.chip.set_vdd_mv(0)
        self.clock.advance(100_000_000)
        self.power_on()

    def connect(self, how: str = rungs.UNDER_RESET) -> Any:
        return rungs.connect(self.ports, how, self.hz, prepare, self.power_cycle)

    def h7(self, how: str = rungs.UNDER_RESET) -> Any:
        h7 = Stm32H7(self.connect(how), self.time)
        h7.freeze_watchdogs()
        return h7
