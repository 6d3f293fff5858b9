"""The helper's front: a 128x64 display, one three-colour LED, a buzzer, a button - and the person who presses it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.rpc import Refused, Reply

WIDTH = 128
HEIGHT = 64
FRAME_BYTES = WIDTH * HEIGHT // 8
# A full refresh of an SSD1306 over I2C at 400 kHz: 1025 bytes of 9 bits.
_REFRESH_NS = 23_000_000
_MS = 1_000_000

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Press:
    """One press of the button, `after_ms` after the agent first looked at it (a person waits for the idle screen)."""

    after_ms: int = 500
    duration_ms: int = 200


@dataclass
class PanelLog:
    """What the front has shown, with virtual times in ms. `most`: so many of each are kept, the newest; None: all."""

    screens: list[tuple[int, bytes]] = field(default_factory=list)
    leds: list[tuple[int, tuple[int, int, int]]] = field(default_factory=list)
    beeps: list[tuple[int, int]] = field(default_factory=list)
    most: int | None = None


def keep(log: list[Entry], entry: Entry, most: int | None) -> None:
    """Append to a log of which only the newest `most` entries are kept (None: all)."""
    log.append(entry)
    if most is not None:
        del log[:-most]


class PanelPort:
    """The calls `PANEL_*`."""

    def __init__(
        self,
        clock: VirtualClock,
        presses: Sequence[Press],
        on_screen: Callable[[bytes], None] | None = None,
        log_most: int | None = None,
        to_come: Sequence[tuple[int, int]] = (),
    ) -> None:
        self._clock = clock
        self._presses = presses
        self._to_come = to_come  # presses from one virtual time (ns) to another, as they are decided on
        self._on_screen = on_screen
        self._first_look_ns: int | None = None
        self.log = PanelLog(most=log_most)

    def show(self, _small: int, _number: int, _wide: int, payload: bytes) -> Reply:
        if len(payload) != FRAME_BYTES:
            raise Refused(f"a frame has {FRAME_BYTES} bytes, not {len(payload)}")
        self._clock.advance(_REFRESH_NS)
        if not self.log.screens or self.log.screens[-1][1] != payload:
            keep(self.log.screens, (self._now_ms(), payload), self.log.most)
            if self._on_screen:
                self._on_screen(payload)
        return 0

    def led(self, _small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        colour = (number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF)
        keep(self.log.leds, (self._now_ms(), colour), self.log.most)
        return 0

    def beep(self, _small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        keep(self.log.beeps, (self._now_ms(), number), self.log.most)
        return 0

    def pressed(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if self._first_look_ns is None:
            self._first_look_ns = self._clock.now_ns
        since_ms = (self._clock.now_ns - self._first_look_ns) // _MS
        pressed = any(p.after_ms <= since_ms < p.after_ms + p.duration_ms for p in self._presses)
        return int(pressed or any(start <= self._clock.now_ns < end for start, end in self._to_come))

    def _now_ms(self) -> int:
        return self._clock.now_ns // _MS
