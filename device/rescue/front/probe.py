# The menu's way to the helper as a debug probe: what that means is said, a long press is the consent, and any press or
# a host's call ends it. The unit is off afterwards.

from rescue.dap import mode
from rescue.engine.power import Power
from rescuelink.errors import RescueError
from rescuelink.limits import default_limits

_ASK_MS = 30_000
_READ_MS = 5000


def show(app, waiting):
    ports, screen = app.ports, app.screen
    screen.tell(mode.TITLE, "page.probe-ask")
    if waiting.for_press(_ASK_MS) != "long":
        return
    power = Power(ports, default_limits())
    text = "page.probe-ended"
    try:
        screen.tell(mode.TITLE, "page.probe-look")
        mode.begin(ports, power)
        screen.tell(mode.TITLE, mode.ON)
        mode.serve(ports, power, _Turn(ports, waiting).look)
    except RescueError:
        text = "page.probe-no" if power.trip is None else "page.probe-cut"
    screen.tell(mode.TITLE, text)
    waiting.for_press(_READ_MS)


class _Turn:
    """Looks at the button, which is down from the consent, and serves the link."""

    def __init__(self, ports, waiting):
        self._ports = ports
        self._waiting = waiting
        self._was_up = False

    def look(self, connected):
        mode.glow(self._ports, connected)
        self._waiting.sleep_ms(1)
        down = self._ports.panel.pressed()
        if self._waiting.is_wanted():
            return "host"
        if down and self._was_up:
            return "button"
        self._was_up = self._was_up or not down
        return None
