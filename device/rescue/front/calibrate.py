# Two points of a rail by a meter, at the dongle alone. Short: the next rail, or the digit one higher; long: take it.
# What comes of it is written into board.json and counts from the next start on (docs/face.md).

import json
import time

from micropython import const

from rescue import board_file
from rescue.front import pages
from rescuelink import two_points

TITLE = "menu.calibrate"
_LIMIT_MS = 120_000  # a meter is to be put on
_READ_MS = 10_000
_READINGS = const(8)
_STEADY = const(655)  # a hundredth of the ADC's range: more is a rail that still moves
_METER_MV = const(10)  # as the host takes it where nobody says
_DIGITS = const(5)  # 12.345 V
_YEAR = const(2025)  # a clock that nobody has set says less


def show(app, waiting):
    """Until it is done, or nobody presses."""
    rails = app.ports.rails
    name = _choose(app.screen, waiting, [name for name in rails.names if rails.read_raw(name) is not None])
    if name is None:
        return
    points, readings = [], []
    text = None
    for asked in ("cal.low", "cal.high"):
        app.screen.tell(TITLE, asked)
        if waiting.for_press(_LIMIT_MS) is None:
            return
        seen = _read(rails, name)
        mv = _typed(app.screen, waiting, name, rails.read_mv(name))
        if mv is None:
            return
        seen += _read(rails, name)  # the rail was to stand still while the digits were set
        if two_points.is_at_end(seen):
            text = "cal.end"
        elif max(seen) - min(seen) > _STEADY:
            text = "cal.moves"
        if text is not None:
            break
        points.append((sum(seen) // len(seen), mv))
        readings.append(seen)
    app.screen.tell(TITLE, text or keep(name, points, readings))
    waiting.for_press(_READ_MS)


def keep(name, points, readings):
    """The key of what is to be said: kept, or why not."""
    low, high = sorted(points)
    try:
        with open(board_file.path()) as file:
            config = json.load(file)
        rail = config["rails"][name]
        fault = two_points.fault_of([low, high], rail, config.get("vref_mv", 3300))
        if fault is not None:
            return "cal." + fault
        rail["calibration"] = [low, high]
        rail["calibrated"] = {
            "date": _today(),
            "uncertainty_mv": two_points.uncertainty_mv(readings, points, _METER_MV),
        }
        board_file.write(json.dumps(config).encode())
    except (OSError, ValueError, KeyError, TypeError):
        return "cal.unkept"
    return "cal.kept"


def draw_rails(screen, names, at):
    """The rails by their names with number `at` marked, and the way back."""
    pages.choices(screen, TITLE, [pages.rail_label(name) for name in names] + [pages.said(screen, "menu.back")], at)


def draw_digits(screen, name, digits, at):
    """What the meter reads, with the digit that a short press changes marked."""
    screen.clear()
    y = pages.title(screen, pages.said(screen, "cal.meter"))
    screen.frame.text(pages.rail_label(name), 0, y + 16, 1)
    x = 56
    for number, digit in enumerate(digits):
        if number == at:
            screen.frame.fill_rect(x - 1, y + 15, 10, 10, 1)
        screen.frame.text(str(digit), x, y + 16, 0 if number == at else 1)
        x += 10
        if number == 1:
            screen.frame.text(".", x - 2, y + 16, 1)
            x += 6
    screen.frame.text("V", x, y + 16, 1)
    screen.send()


def _choose(screen, waiting, names):
    # A rail of its own on an ADC; None for none.
    at = 0
    while True:
        draw_rails(screen, names, at)
        pressed = waiting.for_press(_LIMIT_MS)
        if pressed == "short":
            at = (at + 1) % (len(names) + 1)
        else:
            return names[at] if pressed == "long" and at < len(names) else None


def _typed(screen, waiting, name, mv):
    # What the meter reads, from what the helper reads now; None where nobody presses.
    digits = [mv // 10**power % 10 for power in range(_DIGITS - 1, -1, -1)]
    at = 0
    while at < _DIGITS:
        draw_digits(screen, name, digits, at)
        pressed = waiting.for_press(_LIMIT_MS)
        if pressed is None:
            return None
        if pressed == "long":
            at += 1
        else:
            digits[at] = (digits[at] + 1) % 10
    mv = 0
    for digit in digits:
        mv = mv * 10 + digit
    return mv


def _read(rails, name):
    return [rails.read_raw(name) for _ in range(_READINGS)]


def _today():
    # None on a helper whose clock nobody has set: it has no battery.
    year, month, day = time.localtime()[:3]
    return "%d-%02d-%02d" % (year, month, day) if year >= _YEAR else None
