"""The unit's own display: a small controller on the isolated 5 V that shows what the main MCU sends it.

It boots by itself and then shows zeros until a frame comes, which is what makes a half-on unit look alive.
"""

from ..clock import Event, VirtualClock
from .display_frame import CELLS, DisplayFrame, FrameReader
from .parts import Loads

_STALE_NS = 2_000_000_000
_BOOT_ONLY_A = 0.002  # below its start voltage the controller hardly draws
_NOTHING = DisplayFrame(pack_mv=0, soc_percent=0, cells_mv=(0,) * CELLS)
_ROW = 4


class UnitDisplay:
    """What a person sees on the unit's screen."""

    def __init__(self, clock: VirtualClock, parts: Loads) -> None:
        self._clock = clock
        self._parts = parts
        self._reader = FrameReader()
        self._frame: DisplayFrame | None = None
        self._frame_ns = 0
        self._supplied = False
        self._booting: Event | None = None
        self._booted = False
        self.frames = 0
        """Valid frames since the display was last powered."""
        self.dead = False
        """The panel is broken: dark whatever its supply."""

    # The board's side.

    @property
    def current_a(self) -> float:
        """What it draws from the isolated 5 V."""
        if not self._supplied or self.dead:
            return _BOOT_ONLY_A
        return self._parts.display_on_a if self._booted else self._parts.display_boot_a

    def supply(self, v5iso: float) -> None:
        """The isolated 5 V as it is now."""
        if self._supplied and v5iso < self._parts.display_stop_v:
            self._supplied = self._booted = False
            self._frame = None
            self.frames = 0
            if self._booting is not None:
                self._booting.cancel()
                self._booting = None
        elif not self._supplied and v5iso >= self._parts.display_start_v:
            self._supplied = True
            self._booting = self._clock.after(int(self._parts.display_boot_s * 1e9), self._boot)

    def receive(self, data: bytes) -> None:
        """Bytes from the main MCU; what comes before the controller has booted is lost."""
        for frame in self._reader.feed(data):
            if self._booted:
                self._frame = frame
                self._frame_ns = self._clock.now_ns
                self.frames += 1

    def _boot(self) -> None:
        self._booting = None
        self._booted = True

    # The person's side.

    @property
    def powered(self) -> bool:
        """Is anything to be seen on it?"""
        return self._booted and not self.dead

    @property
    def fresh(self) -> bool:
        """Has the main MCU said anything within the last two seconds?"""
        return self._frame is not None and self._clock.now_ns - self._frame_ns < _STALE_NS

    @property
    def pack_mv(self) -> int:
        return self._shown().pack_mv

    @property
    def soc_percent(self) -> int:
        return self._shown().soc_percent

    @property
    def cells_mv(self) -> list[int]:
        return list(self._shown().cells_mv)

    @property
    def lines(self) -> list[str]:
        """The lines on the screen; none while it is dark."""
        if not self.powered:
            return []
        shown = self._shown()
        lines = [f"PACK {shown.pack_mv / 1000:4.1f} V   SOC {shown.soc_percent:3d} %"]
        cells = [f"{mv / 1000:05.3f}" if mv else "00.0 " for mv in shown.cells_mv]
        for first in range(0, CELLS, _ROW):
            lines.append(f"{first + 1:02d} " + " ".join(cells[first : first + _ROW]).rstrip())
        return lines

    def _shown(self) -> DisplayFrame:
        """The last frame while it is fresh; without one the controller shows its defaults, all zero."""
        frame = self._frame
        return frame if frame is not None and self.fresh and self.powered else _NOTHING
