# Waiting for the button, with a light that says how it stands. While it waits, a host on the stream is served; the
# modules for that are loaded when the first byte comes. In the heap only while the dongle waits.

from rescue.front import controls

_READY = "ready"


class Waiting:
    """The clock that the button waits with: its waiting serves the host."""

    def __init__(self, app):
        self._app = app
        self._ports = app.ports

    def for_press(self, limit_ms, colour=None):
        """ "short" or "long"; None when `limit_ms` has passed or a host wants something. `colour`: of a result."""

        def _glow(now):
            if colour is None:
                controls.breathe(self._ports.panel, now)
            else:
                controls.light(self._ports.panel, colour, now)

        return controls.Button(self._ports.panel, self).wait(limit_ms, _glow, self._interrupted)

    def ready(self):
        """The screen of a dongle that waits."""
        self._app.screen.idle(_READY)

    def _interrupted(self):
        server = self._app.server
        return server is not None and (server.asked or server.bench.leave)

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

        return Server(self._ports, self._app.config, Channel(self._ports.stream))

    def _show_session(self):
        app = self._app
        session = app.server.session
        if session == app.session:
            return
        app.session = session
        if session is None:
            app.screen.idle(_READY)
        else:
            app.screen.idle("host: " + session, "unplug to end")


def show_result(app, colour):
    """The light of a result, and its sound."""
    controls.light(app.ports.panel, colour, 0)
    controls.sound(app.ports.panel, app.ports.clock, colour)
