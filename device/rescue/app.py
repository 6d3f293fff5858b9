# The dongle: wait for the button, run the job on the card, hold the result until the next press.

from rescue.engine import job_runner, panel
from rescue.engine.screens import Screen

_READY = "ready"
_ONCE_LIMIT_MS = 60_000  # with "once", nobody comes after this


def run(ports, config):
    """Serves the button for ever; with `"once": true` leaves after the first result."""
    once = config.get("once", False)
    screen = Screen(ports.panel, ports.clock)
    button = panel.Button(ports.panel, ports.clock)
    screen.idle(_READY)
    while True:
        pressed = button.wait(_ONCE_LIMIT_MS if once else None, lambda now: panel.breathe(ports.panel, now))
        if pressed is None:
            return
        colour = _run_job(ports, config, screen)
        panel.sound(ports.panel, ports.clock, colour)
        if once:
            return
        button.wait(None, lambda now, colour=colour: panel.light(ports.panel, colour, now))
        screen.idle(_READY)


def _run_job(ports, config, screen):
    record = job_runner.run(ports, config.get("helper", "helper"), screen)
    screen.result(record)
    from rescuelink.outcomes import OUTCOMES

    colour = OUTCOMES[record["outcome"]].colour
    panel.light(ports.panel, colour, 0)
    return colour
