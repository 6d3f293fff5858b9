"""A scripted unit for the engine on CPython: time that passes when asked, rails that follow a script, nothing else."""

from collections.abc import Callable

from bmsrescue.agent.files import make_importable

make_importable()

GOOD_MV = {"bplus": 18_000, "v12": 12_000, "v5iso": 5_000, "v3v3": 3_300, "vcap": 1_000}
RISE_MS = 30


class ScriptedClock:
    def __init__(self) -> None:
        self.now_ms = 0

    def ms(self) -> int:
        return self.now_ms

    def us(self) -> int:
        return self.now_ms * 1000

    def since_ms(self, start: int) -> int:
        return self.now_ms - start

    def sleep_ms(self, n: int) -> None:
        self.now_ms += n

    def feed(self) -> None: ...


class ScriptedLines:
    def __init__(self, clock: ScriptedClock) -> None:
        self._clock = clock
        self.on_since: int | None = None
        self.off_since = -1_000_000
        self.powers_on: list[int] = []
        self.nrst_is_low = False
        self.log: list[str] = []

    def power(self, on: bool) -> None:
        if on and self.on_since is None:
            self.on_since = self._clock.now_ms
            self.powers_on.append(self._clock.now_ms)
        elif not on and self.on_since is not None:
            self.on_since = None
            self.off_since = self._clock.now_ms
        self.log.append(f"power {int(on)}")

    def nrst(self, low: bool) -> None:
        self.nrst_is_low = low

    def nrst_level(self) -> bool:
        return not self.nrst_is_low

    def nrst_edges(self) -> int:
        return 0

    def boot0(self, level: bool | None) -> None: ...

    def unit_button(self, pressed: bool) -> None: ...

    def release_all(self) -> None:
        self.power(False)
        self.nrst(False)
        self.log.append("release")


class ScriptedRails:
    """`volts(name, on_ms, off_ms)` gives mV: on_ms since power on or None, off_ms since power off."""

    names = tuple(GOOD_MV)

    def __init__(self, clock: ScriptedClock, lines: ScriptedLines) -> None:
        self._clock = clock
        self._lines = lines
        self.volts: Callable[[str, int | None, int], int] = healthy
        self.current: Callable[[int | None], int | None] = lambda on_ms: 40 if on_ms is not None else 0
        self.spans = {name: 3300 * GOOD_MV[name] // 1000 for name in GOOD_MV}
        self.ground: int | None = None
        self.zero_raw = 0
        self.armed: list[int | None] = []

    def grounded(self) -> int | None:
        return self.ground

    def set_zero(self, raw: int) -> None:
        self.zero_raw = raw

    def arm_trip(self, ma: int | None) -> None:
        self.armed.append(ma)

    def read_mv(self, name: str, quick: bool = False) -> int:
        on_ms = None if self._lines.on_since is None else self._clock.now_ms - self._lines.on_since
        return self.volts(name, on_ms, self._clock.now_ms - self._lines.off_since)

    def capture(self, window_ms: int, period_ms: int) -> dict[str, tuple[int, int, int]]:
        seen: dict[str, list[int]] = {name: [] for name in self.names}
        for _ in range(max(window_ms // period_ms, 1)):
            for name in self.names:
                seen[name].append(self.read_mv(name))
            self._clock.now_ms += period_ms
        return {name: (min(mv), sum(mv) // len(mv), max(mv)) for name, mv in seen.items()}

    def current_ma(self) -> int | None:
        return self.current(None if self._lines.on_since is None else self._clock.now_ms - self._lines.on_since)


def healthy(name: str, on_ms: int | None, off_ms: int) -> int:
    """Up within 30 ms, down within 200 ms."""
    if on_ms is None:
        return max(GOOD_MV[name] * (200 - off_ms) // 200, 0)
    return GOOD_MV[name] * min(on_ms, RISE_MS) // RISE_MS


class ScriptedWire:
    cycles = 0
    resends = 0
    frequency_hz = 1_000_000

    def __init__(self) -> None:
        self.engaged = False

    def release(self) -> None:
        self.engaged = False


class ListeningObserver:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, data: dict[str, object]) -> None:
        self.events.append((name, data))


class ScriptedPorts:
    def __init__(self) -> None:
        self.clock = ScriptedClock()
        self.lines = ScriptedLines(self.clock)
        self.rails = ScriptedRails(self.clock, self.lines)
        self.wire = ScriptedWire()
        self.observer = ListeningObserver()
        self.missing: tuple[str, ...] = ()
        self.hands = None
