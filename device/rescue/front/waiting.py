# Waiting for the button, with a light that says how it stands. While it waits, a host on the stream is served; the
# modules for that are loaded when the first byte comes. In the heap only while the dongle waits.

from rescue.engine import modules
from rescue.front import controls

_READY = "idle.ready"
_HELD_MS = 10_000  # longer is a button that sticks
_PEEK_MS = 1500  # of idle, before the card is looked at: who presses at once need not wait for it
_CARD_MS = 500  # between two looks whether it is still the same


class Waiting:
    """The clock that the button waits with: its waiting serves the host."""

    def __init__(self, app):
        self._app = app
        self._ports = app.ports
        self._stale = app.ports.panel.pressed()  # what is down already was not pressed for this

    def until(self, what, limit_ms, sign):
        """As for_press(), or "ended" of the menu and a pile. `what`: "press", "menu", or "next": the next job or unit,
        or the end of the result `sign`."""
        if what == "menu":
            return self._open_menu()
        if what == "next" and self._app.pile is not None:
            return self._next_of_pile(sign)
        return self.for_job(limit_ms) if what == "next" and sign is None else self.for_press(limit_ms, sign)

    def _next_of_pile(self, sign):
        from rescue.front import piles

        app = self._app
        if piles.wait_for_unit(app, self) if sign is None else piles.wait_for_removal(app, self, sign):
            return "short"
        if self.is_wanted():
            return None
        app.pile = None
        return "ended"

    def _open_menu(self):
        # A long press starts a job where there is nothing to see.
        app = self._app
        if "display" in self._ports.missing or app.session is not None:
            return "short"
        from rescue.front import menu, tally

        app.tally = tally.read(self._ports.store.root)
        if menu.run(app, self):
            app.pile = [0, 0]
        return "ended"

    def for_press(self, limit_ms, sign=None):
        """ "short" or "long"; None when `limit_ms` has passed or a host wants something. `sign`: (colour word, code) of
        a result; a helper without a display blinks the code."""
        ports = self._ports

        def _glow(now):
            if sign is None:
                controls.breathe(ports.panel, now)
            elif "display" in ports.missing:
                controls.blink(ports.panel, sign[0], sign[1], now)
            else:
                controls.light(ports.panel, sign[0], now)

        button = controls.Button(ports.panel, self)
        if self._stale:
            button.let_go(_HELD_MS)
        pressed = button.wait(limit_ms, _glow, self.is_wanted)
        self._stale = pressed == "long"
        return pressed

    def for_job(self, limit_ms):
        """As for_press(), on the idle screen, which says what is on the card once nobody has pressed for a while; what
        is on it is checked ahead of the press."""
        app, clock = self._app, self._ports.clock
        self.ready()
        start, until_ms = clock.ms(), _PEEK_MS
        while app.server is None:  # a host that comes has the screen
            left_ms = until_ms if limit_ms is None else min(until_ms, limit_ms - clock.since_ms(start))
            pressed = self.for_press(left_ms)
            if pressed is not None or self.is_wanted() or (limit_ms is not None and clock.since_ms(start) >= limit_ms):
                return pressed
            if app.server is None:
                self.look_at_card(until_ms == _PEEK_MS, True)
            until_ms = _CARD_MS
        return self.for_press(None if limit_ms is None else limit_ms - clock.since_ms(start))

    def look_at_card(self, is_first=False, says=False):
        """Checks a card that was put in since the last look, ahead of the press; `says`: on the idle screen what is on
        it."""
        app, ports = self._app, self._ports
        card = None if "card" in ports.missing else ports.card.look()
        is_new = card != app.card
        if says and (is_first or is_new):
            from rescue.front import card_line

            app.screen.idle(card_line.read(ports))
            modules.drop("rescue.front.card_line")
        if not is_new:
            return
        app.card, app.ahead = card, None
        if card is not None:
            from rescue.front import ahead

            app.ahead = ahead.look(ports, self._is_interrupted)
            modules.drop("rescue.front.ahead")
            if self._is_interrupted():
                app.card = None  # it is looked at anew

    def _is_interrupted(self):
        # A press, which begins the run, or a host's first byte.
        ports = self._ports
        return ports.panel.pressed() or (ports.stream is not None and self._app.server is None and ports.stream.wait(0))

    def ready(self):
        """The screen of a dongle that waits."""
        self._app.screen.idle(_READY)

    def is_wanted(self):
        """Whether a host wants something that is done from the main loop."""
        server = self._app.server
        return server is not None and (server.asked or server.work.leave)

    def ms(self):
        return self._ports.clock.ms()

    def since_ms(self, start):
        return self._ports.clock.since_ms(start)

    def feed(self):
        self._ports.clock.feed()

    def sleep_ms(self, duration):
        app, stream = self._app, self._ports.stream
        if stream is None:
            self._ports.clock.sleep_ms(duration)
        elif app.server is not None:
            if app.server.asked:  # while the button is down: time must pass
                self._ports.clock.sleep_ms(1)
            app.server.wait(duration)
            self._show_session()
        elif stream.wait(duration):
            app.server = self._open_link()

    def _open_link(self):
        from rescue.link.channel import Channel
        from rescue.link.server import Server

        self._app.ahead = self._app.card = None  # a host may put anything on it
        server = Server(self._ports, self._app.config, Channel(self._ports.stream))
        server.work.app = self._app
        return server

    def _show_session(self):
        app = self._app
        session = app.server.session
        if session == app.session:
            return
        app.session = session
        if session is None:
            self.ready()
        else:
            app.screen.idle("host: " + session, "idle.unplug")


def show_result(app, sign):
    """The light of a result, and its sound."""
    controls.light(app.ports.panel, sign[0], 0)
    if app.sound:
        controls.sound(app.ports.panel, app.ports.clock, sign[1])
