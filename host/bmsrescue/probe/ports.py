"""The agent's ports (device/rescue/hal/ports.py) where a probe, a host's clock and its folders replace a helper."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from bmsrescue.probe.faults import translated
from bmsrescue.probe.supply import Supply
from rescuelink.errors import CardError, RescueError

VTREF_RAIL = "v3v3"
_US_MASK = 0x3FFFFFFF


class Clock(Protocol):
    """The `Clock` port."""

    def ms(self) -> int: ...

    def us(self) -> int: ...

    def since_ms(self, start: int) -> int: ...

    def sleep_ms(self, n: int) -> None: ...

    def sleep_us(self, n: int) -> None: ...

    def feed(self) -> None: ...

    def stop_watchdog(self) -> bool: ...


class HostClock:
    """Wall time. There is no watchdog: what is powered is somebody else's to switch off."""

    def ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def us(self) -> int:
        return time.monotonic_ns() // 1_000 & _US_MASK

    def since_ms(self, start: int) -> int:
        return self.ms() - start

    def sleep_ms(self, n: int) -> None:
        time.sleep(n / 1e3)

    def sleep_us(self, n: int) -> None:
        time.sleep(n / 1e6)

    def feed(self) -> None:
        """Nobody waits for it."""

    def stop_watchdog(self) -> bool:
        return True


class ProbeLines:
    """NRST by the probe, power by `supply`. Most probes cannot read NRST back: then it is what we made of it.

    reads_nrst: whether is_reset_asserted() tells of the pin and not of the last order.
    """

    def __init__(self, probe: Any, supply: Supply | None, reads_nrst: bool) -> None:
        self._probe = probe
        self._supply = supply
        self._reads_nrst = reads_nrst
        self._low = False
        self._was_high = True
        self._edges = 0

    def power(self, on: bool) -> None:
        if self._supply is not None:
            self._supply.switch(on)

    def nrst(self, low: bool) -> None:
        self._low = low
        with translated():
            self._probe.assert_reset(low)

    def hold_nrst(self) -> None:
        """As it was, after something that may have let go of it."""
        if self._low:
            with translated():
                self._probe.assert_reset(True)

    def nrst_level(self) -> bool:
        if not self._reads_nrst:
            return not self._low
        with translated():
            high = not self._probe.is_reset_asserted()
        if self._was_high and not high:
            self._edges += 1
        self._was_high = high
        return high

    def nrst_edges(self) -> int:
        """Falls that were seen at a look: a probe has no counter."""
        self.nrst_level()
        edges, self._edges = self._edges, 0
        return edges

    def boot0(self, level: bool | None) -> None:
        """No probe has such a wire."""

    def unit_button(self, pressed: bool) -> None:
        """No probe has such a wire."""

    def release_all(self) -> None:
        self._low = False
        with suppress(RescueError), translated():
            self._probe.assert_reset(False)
        if self._supply is not None:
            self._supply.switch(False)


class ProbeRails:
    """VTref is the unit's 3.3 V, where the probe measures it. `read`: in mV; None where it does not."""

    spans: dict[str, int] = {}  # noqa: RUF012 - the port's: nothing here is calibrated

    def __init__(self, clock: Clock, read: Callable[[], int] | None) -> None:
        self._clock = clock
        self._read = read
        self.names: tuple[str, ...] = (VTREF_RAIL,) if read is not None else ()

    def read_mv(self, name: str, quick: bool = False) -> int:
        if self._read is None or name not in self.names:
            raise KeyError(name)
        with translated():
            return self._read()

    def capture(self, window_ms: int, period_ms: int) -> dict[str, tuple[int, int, int]]:
        start = self._clock.ms()
        seen: list[int] = []
        while not seen or self._clock.since_ms(start) < window_ms:
            seen += [self.read_mv(name) for name in self.names]
            self._clock.sleep_ms(period_ms)
            if not self.names and self._clock.since_ms(start) >= window_ms:
                return {}
        return {VTREF_RAIL: (min(seen), sum(seen) // len(seen), max(seen))}

    def current_ma(self) -> int | None:
        return None

    def grounded(self) -> int | None:
        return None

    def set_zero(self, raw: int) -> None:
        """The probe's own measuring is not ours to correct."""

    def arm_trip(self, ma: int | None) -> None:
        """No probe measures the supply's current."""


class FolderCard:
    """A folder of this host, made like a card (docs/job-format.md)."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def mount(self) -> None:
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CardError(
                "unreadable", f"{self.root} cannot be used as a card: {error.strerror}", next_step="name another folder"
            ) from None

    def unmount(self) -> None:
        """A folder stays."""

    def free_bytes(self, feed: Callable[[], None] | None = None) -> int:
        return shutil.disk_usage(self.root).free


class Folder:
    """The `Store` port: journal and mirror of the records, in this host's data folder."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        root.mkdir(parents=True, exist_ok=True)


class NoPanel:
    """The terminal tells, and Ctrl-C stops."""

    def show(self, framebuffer: bytes) -> None: ...

    def led(self, red: int, green: int, blue: int) -> None: ...

    def beep(self, ms: int) -> None: ...

    def pressed(self) -> bool:
        return False
