# The display of 128x64 pixels, eight lines of sixteen characters: how work goes on. What is shown before and after it
# is in pages.py, which is in the heap for those moments only.
#
# A refresh of an SSD1306 takes some 25 ms at 400 kHz, so that the picture is sent at most twice a second while working.

import framebuf
from micropython import const

_WIDTH = const(128)
_HEIGHT = const(64)
_COLUMNS = const(16)
_REFRESH_MS = const(500)
_BAR_TOP = const(30)
_BAR_HEIGHT = const(10)


class Screen:
    """Draws into one buffer and sends it to the panel."""

    def __init__(self, front, clock):
        self._front = front
        self._clock = clock
        self._bytes = bytearray(_WIDTH * _HEIGHT // 8)
        self.frame = framebuf.FrameBuffer(self._bytes, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._sent_ms = None
        self._work = None
        self._work_ms = 0

    def idle(self, note, prompt="press: start"):
        """Waiting for the button. `note`: one line about the card, the last run or the host."""
        from rescue.front import pages

        pages.idle(self, note, prompt)

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
        from rescue.front import pages

        pages.result(self, record)

    def page(self, title, lines):
        """A title in a bar and five lines below it, sent at once."""
        from rescue.front import pages

        pages.page(self, title, lines)

    def tell(self, title, text):
        """As page(), of a text in words."""
        from rescue.front import pages

        pages.tell(self, title, text)

    def ask(self, run):
        """Whether a person agreed to what `run` needs their consent for."""
        from rescue.front import consent_prompt

        return consent_prompt.ask(run)

    def person(self, ports):
        """Who does by hand what the helper has no part for; None where nobody can be told, or answer."""
        from rescue.front import hand_prompt

        return hand_prompt.person(self, ports)

    def _draw_work(self, step, index, count, text, percent, left):
        self.clear()
        self.frame.text(("%d/%d %s" % (index + 1, count, step))[:_COLUMNS], 0, 2, 1)
        self.frame.text(text[:_COLUMNS], 0, 16, 1)
        if percent is not None:
            self.frame.rect(0, _BAR_TOP, _WIDTH, _BAR_HEIGHT, 1)
            self.frame.fill_rect(2, _BAR_TOP + 2, (_WIDTH - 4) * min(percent, 100) // 100, _BAR_HEIGHT - 4, 1)
            self.frame.text("%d%%" % percent, 0, 46, 1)
            self.frame.text(left, _WIDTH - 8 * len(left), 46, 1)
        self.send()

    def _blink(self):
        # 5 Hz blue: work is going on.
        self._front.led(0, 0, 0 if self._clock.ms() // 100 % 2 else 255)

    def clear(self):
        self.frame.fill(0)

    def _too_soon(self):
        return self._sent_ms is not None and self._clock.since_ms(self._sent_ms) < _REFRESH_MS

    def send(self):
        self._sent_ms = self._clock.ms()
        self._front.show(self._bytes)
