"""What a unit does by itself: power on, hands off, and one looks at it as a person does.

A unit that runs blinks, shows fresh values on its display and is not reset meanwhile. This asks neither the agent nor
any rule, only the twin.
"""

from __future__ import annotations

from dataclasses import dataclass

from bmsrescue.twin.board.unit import Unit

_MS = 1_000_000
_BUTTON_MS = (150, 1300)
_START_MS = 1_900
_WATCH_MS = 900
_LOOK_MS = 50
OFF_MS = 8_000
_OFF_LOOK_MS = 400
_WITHOUT_DISCHARGE_MV = 300


@dataclass(frozen=True)
class Life:
    """`shows_mv`: the pack voltage on the display, which tells which build runs; None without fresh values."""

    runs: bool
    blinks: bool
    shows_mv: int | None
    resets: int
    rails_off: bool
    """All rails went down after the supply was switched off."""


def look_alone(unit: Unit, watch_ms: int = _WATCH_MS) -> Life:
    """Switch the unit on by itself, press its button as a person does, watch it, and switch it off."""
    clock = unit.clock
    unit.set_nrst(False)
    unit.set_boot0(None)
    unit.set_power(True)
    clock.advance(_BUTTON_MS[0] * _MS)
    unit.press_button(True)
    clock.advance((_BUTTON_MS[1] - _BUTTON_MS[0]) * _MS)
    unit.press_button(False)
    clock.advance((_START_MS - _BUTTON_MS[1]) * _MS)
    falls = unit.nrst_falls
    lit: set[bool] = set()
    for _ in range(watch_ms // _LOOK_MS):
        lit.add(unit.leds["run"])
        clock.advance(_LOOK_MS * _MS)
    resets = unit.nrst_falls - falls
    shows = unit.display.pack_mv if unit.display.fresh else None
    unit.set_power(False)
    off = False
    for _ in range(OFF_MS // _OFF_LOOK_MS):
        clock.advance(_OFF_LOOK_MS * _MS)
        off = all(unit.true_mv(rail) < _WITHOUT_DISCHARGE_MV for rail in ("v12", "v3v3", "vcap"))
        if off:
            break  # with nothing that drives them they do not rise again
    blinks = len(lit) == 2
    return Life(blinks and shows is not None and not resets, blinks, shows, resets, off)
