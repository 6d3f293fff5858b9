# Light, sound and button of the front. A result is never told by colour alone: text, pattern and sound say it as well
# (docs/reference/unit.md#front). The sound is the outcome's code, long and short; a helper without a display blinks the
# same code (rescuelink.outcomes).

from micropython import const

_LONG_MS = const(1500)
_DEBOUNCE_MS = const(30)
_POLL_MS = const(20)
_LOOK_MS = const(10)
_LONG_BEEP_MS = const(400)
_SHORT_BEEP_MS = const(100)
_BEEP_PAUSE_MS = const(150)
_LONG_BLINK_MS = const(1200)
_SHORT_BLINK_MS = const(300)
_BLINK_PAUSE_MS = const(400)
_CODE_PAUSE_MS = const(2000)

OFF = (0, 0, 0)
_RED = (255, 0, 0)
_GREEN = (0, 255, 0)
YELLOW = (255, 160, 0)
_BLUE = (0, 0, 255)
_CYAN = (0, 255, 255)
_MAGENTA = (255, 0, 255)

# Colour word of the outcome: the two colours that alternate, half a period in ms (0: solid).
PATTERNS = {
    "green": (_GREEN, _GREEN, 0),
    "yellow": (_GREEN, YELLOW, 500),
    "blue": (_BLUE, YELLOW, 500),
    "magenta": (_GREEN, _MAGENTA, 1000),
    "cyan": (_CYAN, OFF, 1000),
    "red": (_RED, OFF, 500),
}
_STEADY = "-"


def light(panel, colour, now_ms):
    """Sets the LED as the pattern of a colour word has it at this instant."""
    first, second, half_ms = PATTERNS[colour]
    shown = first if not half_ms or now_ms // half_ms % 2 == 0 else second
    panel.led(*shown)


def blink(panel, colour, code, now_ms):
    """Sets the LED as the code has it at this instant, again and again; a single long one is a steady light."""
    first, second, _ = PATTERNS[colour]
    lit = second if first == _GREEN else first
    panel.led(*(lit if code == _STEADY or is_lit(code, now_ms) else OFF))


def is_lit(code, now_ms):
    """Whether a light that blinks `code` is on."""
    at = now_ms % (sum([_blink_ms(sign) + _BLINK_PAUSE_MS for sign in code]) + _CODE_PAUSE_MS)
    for sign in code:
        if at < _blink_ms(sign):
            return True
        at -= _blink_ms(sign) + _BLINK_PAUSE_MS
        if at < 0:
            break
    return False


def _blink_ms(sign):
    return _LONG_BLINK_MS if sign == "-" else _SHORT_BLINK_MS


def breathe(panel, now_ms):
    """Idle: a slow white glow, brighter and darker within 4 s."""
    phase = now_ms % 4000
    level = (phase if phase < 2000 else 4000 - phase) * 60 // 2000
    panel.led(level, level, level)


def sound(panel, clock, code):
    """The code of an outcome, once."""
    for sign in code:
        on_ms = _LONG_BEEP_MS if sign == "-" else _SHORT_BEEP_MS
        panel.beep(on_ms)
        clock.sleep_ms(on_ms + _BEEP_PAUSE_MS)


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

    def let_go(self, limit_ms):
        """Waits until it is up: a long press is told while it is still down."""
        clock = self._clock
        start = clock.ms()
        while self._panel.pressed() and clock.since_ms(start) < limit_ms:
            clock.feed()
            clock.sleep_ms(_POLL_MS)

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
