# What a person at the dongle is to do by hand: the screen says it, the light waits with them, the button answers. A
# short press: it is done; a long one: I cannot. Where the helper sees it happen, nobody has to press anything.

from rescue.front import controls

_WAIT_MS = 60_000
_LOOK_MS = 50
_READ_MS = 1000


def person(screen, ports):
    """None where nobody can be told, or answer."""
    if "display" in ports.missing or "button" in ports.missing:
        return None
    return Person(screen, ports)


class Person:
    """The `Person` port of a helper with display and button."""

    def __init__(self, screen, ports):
        self._screen = screen
        self._ports = ports

    def ask(self, what, text, is_so):
        """See hal/ports.py."""
        ports = self._ports
        clock, panel = ports.clock, ports.panel
        ports.observer.event("ask", {"words": [what], "scope": text, "unit": None, "by": "person", "given": False})
        self.draw(what, text)
        start = clock.ms()
        answer = None
        button = controls.Button(panel, clock)
        fresh = False
        while answer is None and clock.since_ms(start) < _WAIT_MS:
            if is_so is not None and is_so():
                answer = "seen"
            elif not fresh:
                # Nobody has read it yet: a press now is for what was asked before.
                fresh = clock.since_ms(start) >= _READ_MS and not panel.pressed()
                clock.feed()
                clock.sleep_ms(_LOOK_MS)
            else:
                pressed = button.wait(_LOOK_MS, self._blink)
                if pressed is not None:
                    answer = "done" if pressed == "short" else "cannot"
        self._screen.tell("hand.title", "hand." + (answer or "none"))
        ports.observer.event("answer", {"words": [what], "answer": answer})
        return answer

    def read(self, _text):
        """A dongle has no keys to type a reading with."""

    def draw(self, what, text):
        """What is to be done, and how to answer."""
        from rescue.front import words  # for this moment: a run goes on meanwhile

        language = self._screen.language
        if language != "en":
            # What is asked for, of the few things that can be.
            key = ("on" if "on" in text.split() else "off") if what == "power" else "hold" if "hold" in text else "free"
            text = words.say(language, "hand." + key)
        lines = words.wrap(text, 16, 2 if words.is_high(text) else 4)
        answer = words.say(language, "hand.answer")
        if not words.is_high(answer):
            lines += [""] * (4 - len(lines))
        self._screen.page("hand.title", lines + [answer])

    def _blink(self, now_ms):
        self._ports.panel.led(*(controls.YELLOW if now_ms // 250 % 2 else controls.OFF))
