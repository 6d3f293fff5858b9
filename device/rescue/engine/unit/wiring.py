# Do the wires to the chip do what they should? Asked when the chip does not answer, and before anything relies on NRST.
#
# A look at the two SWD wires explains a chip that does not answer; it is no test that a chip has to pass. The helper's
# weak pulls (50 to 80 kohm) against the chip's (30 to 50 kohm) may end between the two logic levels, where an input
# decides as it likes, and pull-ups or a level translator on the board hold a line whatever the chip does.

from rescue.hal.ports import wait_for_nrst

_LOW_MS = 2
_WAKE_MS = 10  # until a core supply that firmware has taken away is back
_QUIET_MS = 20
_START_MS = 20  # firmware that wants the pins has them again
_OK = ("high", "low")  # the chip's own pulls: SWDIO up, SWCLK down


def look(ports):
    """{"swdio", "swclk"}: "high", "low" or "open", by weak pulls alone; "latches" where the helper's own pads hold what
    they had, so that "high" says little; {} of a helper without pulls. Looked at again under reset where it is odd,
    because firmware may use the pins for something else."""
    if "pulls" in ports.missing:
        return {}
    found = _levels(ports.wire)
    if found[:2] == _OK or "nrst" in ports.missing:
        return _told(found)
    ports.lines.nrst(True)
    ports.clock.sleep_ms(_WAKE_MS)
    found = _levels(ports.wire)
    ports.lines.nrst(False)
    wait_for_nrst(ports)
    ports.clock.sleep_ms(_START_MS)
    return _told(found)


def speaks_against(found):
    """Whether the levels name a fault of the wires: then a chip that hides is not looked for by power cycles."""
    return "open" in (found.get("swdio"), found.get("swclk")) or found.get("swdio") == "low"


def _levels(wire):
    # (SWDIO, SWCLK, whether a pad latches)
    up, down = wire.pulled(True), wire.pulled(False)
    return _level(up & 1, down & 1), _level(up >> 1, down >> 1), bool(down & ~up)


def _level(up, down):
    # What our pulls cannot move, somebody else holds. High under the pull-down alone is the pad itself, which was high
    # before (RP2350 A2, erratum E9); under the pull-up somebody held the line low.
    if up == down:
        return "high" if up else "low"
    return "open" if up else "low"


def _told(found):
    told = {"swdio": found[0], "swclk": found[1]}
    if found[2]:
        told["latches"] = True
    return told


def nrst_follows(ports):
    """(whether NRST goes low when it is pulled, open drain; the supply current in mA while it is, or None). Twice
    None where there is no wire to it."""
    if "nrst" in ports.missing:
        return None, None
    lines, clock = ports.lines, ports.clock
    lines.nrst(True)
    clock.sleep_ms(_LOW_MS)
    follows = not lines.nrst_level()
    if follows:
        clock.sleep_ms(_QUIET_MS)  # the rails' capacitors
    current = ports.rails.current_ma()
    lines.nrst(False)
    wait_for_nrst(ports)
    return follows, current if follows else None


def rail_in_reset(ports, name):
    """The core supply in mV while NRST is low: there, where only the firmware has taken it away."""
    ports.lines.nrst(True)
    ports.clock.sleep_ms(_WAKE_MS)
    mv = ports.rails.capture(_LOW_MS, 1)[name][0]
    ports.lines.nrst(False)
    wait_for_nrst(ports)
    return mv
