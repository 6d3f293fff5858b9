# The display of 128x64 pixels, eight lines of sixteen characters: how work goes on. What is shown before and after it
# is in pages.py, which is in the heap for those moments only; so are the texts (words.py), but for the names of the
# steps, which are one text for the time of a run.
#
# A refresh of an SSD1306 takes some 25 ms at 400 kHz, so that the picture is sent at most twice a second while working.

import framebuf
from micropython import const

_WIDTH = const(128)
_HEIGHT = const(64)
_COLUMNS = const(16)
_REFRESH_MS = const(500)
_HEAD = const(16)
_BAR_TOP = const(30)
_BAR_HEIGHT = const(10)
_LEFT_PERCENT = const(5)  # before that nobody knows how long it will take
# What each step takes of a whole job, in tenths of a second: half-on on the twin, 1 MiB, with backup and proof
# (docs/performance.md). By steps.STEPS, then safe-off and record.
_SHARES = b"\x04\x01\x03\x03\x01\x01\x07\x01\x01\x14\x2a\x02\x61\x00\x02\x06"


class Screen:
    """Draws into one buffer and sends it to the panel. `language`: of a catalogue in flash (words.py)."""

    def __init__(self, front, clock, language="en"):
        self._front = front
        self._clock = clock
        self.language = language
        self._bytes = bytearray(_WIDTH * _HEIGHT // 8)
        self.frame = framebuf.FrameBuffer(self._bytes, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._sent_ms = None
        self._names = None
        self._index = None  # of the step whose name stands in the frame
        self._percent = 0
        self._start_ms = 0

    def idle(self, note, prompt="idle.start"):
        """Waiting for the button. `note`: a line about the card, the last run or the host, or a key of the texts."""
        from rescue.front import pages

        pages.idle(self, note, prompt)

    def working(self, step, index, count, text):
        """A step begins, or goes on with something else."""
        self._blink()
        if index == 0 and not text:
            self._begin()
        if self._too_soon() and self._index is not None:
            return
        self._draw_work(step, index, count, text, 0, 1)

    def progress(self, step, index, count, what, done, total):
        """How far it is, and how long the whole job will take at this rate."""
        self._blink()
        if not self._too_soon():
            self._draw_work(step, index, count, what, done, max(total, 1))

    def result(self, record):
        """How it ended: the outcome large, the reason, and what to do now. Returns the pages that say more."""
        from rescue.front import pages

        return pages.result(self, record)

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

    def _begin(self):
        # A run: the names of its steps, in the language of whoever looks.
        from rescue.front import words

        self._names = words.say(self.language, "steps").split(",")
        self._index = None
        self._percent = 0
        self._start_ms = self._clock.ms()

    def _draw_work(self, step, index, count, text, done, total):
        if index != self._index:
            self.clear()
            self._index = index
            self._head(step, index, count)
        else:
            self.frame.fill_rect(0, _HEAD, _WIDTH, _HEIGHT - _HEAD, 0)
        shares = sum(_SHARES[:index]) * total + _SHARES[index] * done
        percent = self._percent = max(self._percent, shares * 100 // (sum(_SHARES) * total))
        if self.language != "en":
            text = ""  # the engine's own words are English
        if total > 1:
            text = "%s %d%%" % (text[: _COLUMNS - 5], done * 100 // total)
        self.frame.text(text[:_COLUMNS], 0, 18, 1)
        self.frame.rect(0, _BAR_TOP, _WIDTH, _BAR_HEIGHT, 1)
        self.frame.fill_rect(2, _BAR_TOP + 2, (_WIDTH - 4) * percent // 100, _BAR_HEIGHT - 4, 1)
        self.frame.text("%d%%" % percent, 0, 46, 1)
        if percent >= _LEFT_PERCENT:
            left = "%d s" % (self._clock.since_ms(self._start_ms) * (100 - percent) // percent // 1000 + 1)
            self.frame.text(left, _WIDTH - 8 * len(left), 46, 1)
        self.send()

    def _head(self, step, index, count):
        if self._names is not None and index < len(self._names):
            step = self._names[index]
        step = "%d/%d %s" % (index + 1, count, step)
        if self.language == "en":
            self.frame.text(step[:_COLUMNS], 0, 4, 1)
            return
        from rescue.front import words

        words.draw(self.frame, step, 0, 0 if words.is_high(step) else 4)

    def _blink(self):
        # 5 Hz blue: work is going on.
        self._front.led(0, 0, 0 if self._clock.ms() // 100 % 2 else 255)

    def clear(self):
        self._index = None
        self.frame.fill(0)

    def _too_soon(self):
        return self._sent_ms is not None and self._clock.since_ms(self._sent_ms) < _REFRESH_MS

    def send(self):
        self._sent_ms = self._clock.ms()
        self._front.show(self._bytes)
