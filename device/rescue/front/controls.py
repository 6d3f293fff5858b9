# Light, sound and button of the front. A result is never told by colour alone: text, pattern and sound say it as well
# (docs/reference/unit.md#front).

from micropython import const

_LONG_MS = const(1500)
_DEBOUNCE_MS = const(30)
_POLL_MS = const(20)
_LOOK_MS = const(10)

OFF = (0, 0, 0)
_RED = (255, 0, 0)
_GREEN = (0, 255, 0)
YELLOW = (255, 160, 0)
_BLUE = (0, 0, 255)
_CYAN = (0, 255, 255)
_MAGENTA = (255, 0, 255)

# Colour word of the outcome: the two colours that alternate, half a period in ms (0: solid), beeps as (on, off) in ms.
PATTERNS = {
    "green": (_GREEN, _GREEN, 0, ((400, 0),)),
    "yellow": (_GREEN, YELLOW, 500, ((400, 200), (100, 0))),
    "blue": (_BLUE, YELLOW, 500, ((200, 150), (200, 0))),
    "magenta": (_GREEN, _MAGENTA, 1000, ((400, 100), (100, 100), (100, 0))),
    "cyan": (_CYAN, OFF, 1000, ((100, 100), (100, 100), (400, 0))),
    "red": (_RED, OFF, 500, ((100, 100), (100, 100), (100, 0))),
}


def light(panel, colour, now_ms):
    """Sets the LED as the pattern of a colour word has it at this instant."""
    first, second, half_ms, _ = PATTERNS[colour]
    shown = first if not half_ms or now_ms // half_ms % 2 == 0 else second
    panel.led(*shown)


def breathe(panel, now_ms):
    """Idle: a slow white glow, brighter and darker within 4 s."""
    phase = now_ms % 4000
    level = (phase if phase < 2000 else 4000 - phase) * 60 // 2000
    panel.led(level, level, level)


def sound(panel, clock, colour):
    """The beeps of a colour word."""
    for on_ms, pause_ms in PATTERNS[colour][3]:
        panel.beep(on_ms)
        clock.sleep_ms(on_ms + pause_ms)


class Button:
    """One button: `wait` returns "short" or "long", or None when nobody pressed before the wait ended."""

    def __init__(self, panel, clock):
        self._panel = panel
        self._clock = clock

    def wait(self, limit_ms, idle, left=None):
        """`idle(now_ms)` is called between looks. `limit_ms` None waits for ever, which is what a dongle does, or
        until `left()` is true."""
        clock = self._clock
        start = clock.ms()
        while limit_ms is None or clock.since_ms(start) < limit_ms:
            clock.feed()
            if self._panel.pressed():
                kind = self._held()
                if kind is not None:
                    return kind
            idle(clock.ms())
            clock.sleep_ms(_POLL_MS)
            if left is not None and left():
                break
        return None

    def _held(self):
        # How long it stays down; "long" as soon as that is certain, None for a bounce.
        clock = self._clock
        start = clock.ms()
        down_ms = 0
        while self._panel.pressed():
            clock.feed()
            down_ms = clock.since_ms(start)
            if down_ms >= _LONG_MS:
                return "long"
            clock.sleep_ms(_LOOK_MS)
        return "short" if down_ms >= _DEBOUNCE_MS else None
