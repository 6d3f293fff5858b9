"""Benches for the board's tests: rails without a unit, and a chip that does only what it is told."""

import struct
from collections.abc import Callable
from random import Random

from bmsrescue.twin.board.display_frame import crc16
from bmsrescue.twin.board.faults import BoardFaults
from bmsrescue.twin.board.parts import Parts
from bmsrescue.twin.board.rails import Demand, Rails
from bmsrescue.twin.clock import VirtualClock

MS = 1_000_000


def display_frame(pack_mv: int, soc_percent: int, cells_mv: list[int]) -> bytes:
    """A frame as the unit's firmware sends it."""
    payload = struct.pack(f"<HhBB{len(cells_mv)}H", pack_mv // 10, 0, soc_percent, 0, *cells_mv)
    body = bytes([len(payload)]) + payload
    return b"\x55\xaa" + body + crc16(body).to_bytes(2, "little")


class RailBench:
    """The rails alone, with the loads of a half-on unit."""

    def __init__(self, seed: int = 1, **faults: object) -> None:
        self.clock = VirtualClock()
        self.steps = 0
        self.rails = Rails(self.clock, Parts(), self._demand, Random(seed))
        self.rails.faults = BoardFaults(**faults)  # type: ignore[arg-type]
        self.rails.on_step = self._count

    def _count(self) -> None:
        self.steps += 1

    def _demand(self) -> Demand:
        volts = self.rails.volts
        awake = volts("v3v3") > 1.7
        return Demand(
            v12_enabled=volts("bplus") > 8.0,
            v3v3_a=0.020 if awake else 0.0005,
            v5iso_a=0.055 if volts("v5iso") > 4.0 else 0.002,
            vcap_v=1.0 if awake else 0.0,
        )

    def run_ms(self, duration_ms: float) -> None:
        self.clock.advance(int(duration_ms * MS))

    def volts(self, rail: str) -> float:
        return self.rails.volts(rail)

    def ms_until(self, reached: Callable[[], bool], limit_ms: int) -> int:
        """Milliseconds until `reached`, looking once per millisecond."""
        for passed in range(limit_ms):
            if reached():
                return passed
            self.run_ms(1)
        raise TimeoutError(f"not within {limit_ms} ms")


class FakeSwd:
    """SWD pins that answer ones and remember what they were told."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.frequency_hz = 1_000_000
        self.sent: list[tuple[int, int]] = []

    def clock_out(self, value: int, count: int) -> None:
        self.sent.append((value, count))
        self._clock.advance(count * 1_000_000_000 // self.frequency_hz)

    def clock_in(self, count: int) -> int:
        self._clock.advance(count * 1_000_000_000 // self.frequency_hz)
        return (1 << count) - 1


class FakeChip:
    """A chip without firmware: powered above 1.67 V, pins wherever a test puts them."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.swd = FakeSwd(clock)
        self.vdd_mv = 0
        self.nrst_held = True
        self.boot0 = False
        self.inputs: dict[str, bool] = {}
        self.outputs: dict[str, bool] = {}
        self.nrst_low = True
        self.on_nrst: Callable[[bool], None] = lambda low: None
        self.on_pin: Callable[[str, bool | None], None] = lambda name, level: None
        self.on_uart: Callable[[str, bytes], None] = lambda name, data: None

    @property
    def powered(self) -> bool:
        return self.vdd_mv >= 1670

    @property
    def vcap_mv(self) -> int:
        return 1000 if self.powered else 0

    @property
    def supply_ua(self) -> int:
        return 20_000 if self.powered else 0

    def set_vdd_mv(self, mv: int) -> None:
        was, self.vdd_mv = self.powered, mv
        if self.powered != was:
            if not self.powered:
                self.outputs.clear()
            self.nrst_low = not self.powered
            self.on_nrst(self.nrst_low)

    def set_nrst(self, low: bool) -> None:
        self.nrst_held = low

    def set_boot0(self, high: bool) -> None:
        self.boot0 = high

    def set_pin(self, name: str, level: bool) -> None:
        self.inputs[name] = level

    def pin(self, name: str) -> bool | None:
        return self.outputs.get(name)

    def drive(self, name: str, level: bool) -> None:
        """What firmware would do."""
        self.outputs[name] = level
        self.on_pin(name, level)

    @property
    def runs(self) -> bool:
        return self.powered and not self.nrst_held
