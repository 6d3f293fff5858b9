# Does the reset wire do what it should? Asked once, before anything relies on it.

_LOW_MS = 2
_RISE_MS = 100


def nrst_follows(ports):
    """Pulls NRST low for a moment, open drain, and looks whether it went there."""
    lines, clock = ports.lines, ports.clock
    lines.nrst(True)
    clock.sleep_ms(_LOW_MS)
    follows = not lines.nrst_level()
    lines.nrst(False)
    start = clock.ms()
    while not lines.nrst_level() and clock.since_ms(start) < _RISE_MS:
        clock.sleep_ms(1)
    return follows
