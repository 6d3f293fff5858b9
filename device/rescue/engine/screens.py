# The three screens on 128x64 pixels: idle, working, result. Eight lines of sixteen characters.
#
# A refresh of an SSD1306 takes some 25 ms at 400 kHz, so that the picture is sent at most twice a second while working.

import framebuf
from micropython import const

_WIDTH = const(128)
_HEIGHT = const(64)
_COLUMNS = const(16)
_LINE = const(8)
_REFRESH_MS = const(500)
_BAR_TOP = const(30)
_BAR_HEIGHT = const(10)


class Screen:
    """Draws into one buffer and sends it to the panel."""

    def __init__(self, front, clock):
        self._front = front
        self._clock = clock
        self._bytes = bytearray(_WIDTH * _HEIGHT // 8)
        self._frame = framebuf.FrameBuffer(self._bytes, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._sent_ms = None
        self._work = None
        self._work_ms = 0

    def idle(self, note, prompt="press: start"):
        """Waiting for the button. `note`: one line about the card, the last run or the host."""
        self._clear()
        self._centred("bmsrescue", 4)
        self._frame.hline(0, 16, _WIDTH, 1)
        for number, line in enumerate(wrap(note, _COLUMNS, 2)):
            self._centred(line, 22 + number * 10)
        self._centred(prompt, 52)
        self._send()

    def working(self, step, index, count, text):
        """A step begins, or goes on with something else."""
        self._blink()
        if self._too_soon() and self._work is not None:
            return
        self._draw_work(step, index, count, text, None, "")

    def progress(self, step, index, count, what, done, total):
        """How far it is, and how long it will take at this rate."""
        now = self._clock.ms()
        self._blink()
        if what != self._work:
            self._work, self._work_ms = what, now
        if self._too_soon():
            return
        elapsed = self._clock.since_ms(self._work_ms)
        left = "" if not done or elapsed < 1000 else "%d s left" % (elapsed * (total - done) // done // 1000 + 1)
        self._draw_work(step, index, count, what, done * 100 // max(total, 1), left)

    def result(self, record):
        """How it ended: the outcome large, the reason, and what to do now."""
        from rescuelink.outcomes import OUTCOMES  # only now: the heap is tight until the run is over

        outcome = OUTCOMES[record["outcome"]]
        lines = wrap(record["diagnosis"]["cause"], _COLUMNS, 1)
        lines += wrap(record["next_step"] or outcome.sentence, _COLUMNS, 5 - len(lines))
        self.page(outcome.name.replace("_", " "), lines)

    def page(self, title, lines):
        """A title in a bar and five lines below it, sent at once."""
        self._clear()
        self._frame.fill_rect(0, 0, _WIDTH, 11, 1)
        self._frame.text(title[:_COLUMNS], max(0, (_WIDTH - 8 * len(title[:_COLUMNS])) // 2), 2, 0)
        for number, line in enumerate(lines):
            self._frame.text(line, 0, 14 + number * 10, 1)
        self._send()

    def _draw_work(self, step, index, count, text, percent, left):
        self._clear()
        self._frame.text(("%d/%d %s" % (index + 1, count, step))[:_COLUMNS], 0, 2, 1)
        self._frame.text(text[:_COLUMNS], 0, 16, 1)
        if percent is not None:
            self._frame.rect(0, _BAR_TOP, _WIDTH, _BAR_HEIGHT, 1)
            self._frame.fill_rect(2, _BAR_TOP + 2, (_WIDTH - 4) * min(percent, 100) // 100, _BAR_HEIGHT - 4, 1)
            self._frame.text("%d%%" % percent, 0, 46, 1)
            self._frame.text(left, _WIDTH - 8 * len(left), 46, 1)
        self._send()

    def _blink(self):
        # 5 Hz blue: work is going on.
        self._front.led(0, 0, 0 if self._clock.ms() // 100 % 2 else 255)

    def _clear(self):
        self._frame.fill(0)

    def _centred(self, text, y):
        self._frame.text(text[:_COLUMNS], (_WIDTH - 8 * len(text[:_COLUMNS])) // 2, y, 1)

    def _too_soon(self):
        return self._sent_ms is not None and self._clock.since_ms(self._sent_ms) < _REFRESH_MS

    def _send(self):
        self._sent_ms = self._clock.ms()
        self._front.show(self._bytes)


def wrap(text, columns, lines):
    """Words on at most `lines` lines of `columns` characters; a text that is too long ends in "..."."""
    result = []
    line = ""
    for word in text.split():
        joined = line + " " + word if line else word
        if len(joined) <= columns:
            line = joined
            continue
        if line:
            result.append(line)
        line = word[:columns]
    if line:
        result.append(line)
    if len(result) > lines:
        result = result[:lines]
        if result:
            result[-1] = result[-1][: columns - 3] + "..."
    return result
