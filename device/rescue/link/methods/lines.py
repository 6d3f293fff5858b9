# lines.*: NRST, BOOT0 and the unit's button. Nothing is driven into a unit whose 3.3 V has not been seen good; NRST may
# always be held low, being open drain.

from rescue.link.unit import power
from rescuelink.errors import PowerError


def nrst(work, low):
    """Hold NRST low, or let it go."""
    work.ports.lines.nrst(low)


def level(work):
    """{"nrst": level, "edges": falling edges since the last call}"""
    lines = work.ports.lines
    return {"nrst": lines.nrst_level(), "edges": lines.nrst_edges()}


def boot0(work, high=None):
    """Drive BOOT0; nil lets it go. Raises PowerError when the unit has no steady 3.3 V."""
    if high is not None and not power(work).vtref_steady():
        raise PowerError("no_vtref", "the unit has no steady 3.3 V", next_step="call power.on")
    work.ports.lines.boot0(high)


def button(work, hold_ms):
    """Press the unit's own power button for `hold_ms` (at most 10 s)."""
    lines = work.ports.lines
    lines.unit_button(True)
    try:
        work.ports.clock.sleep_ms(min(hold_ms, 10_000))
    finally:
        lines.unit_button(False)


CALLS = {
    "nrst": (nrst, "b"),
    "level": (level, ""),
    "boot0": (boot0, "?b"),
    "button": (button, "i"),
}
