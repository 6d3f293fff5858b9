# Many units, one after the other: put one in, it is treated, read the result, take it off, the next. Whether a unit is
# there is looked at with the power off: the two SWD wires are pulled weakly up and down. A unit without supply holds
# them, through its chip's protection diodes and its own capacitors; with nobody at their end they follow. Where the
# helper has no pulls, or the wires say nothing, the button is the sign.

from rescue.front import pages

_LOOK_MS = 100
_SETTLE_MS = 1000  # hands off
_LOOKS = 5  # alike, one after the other
_BOTH = 3


def is_there(ports):
    """Whether anything holds the SWD wires; None of a helper without pulls."""
    if "pulls" in ports.missing:
        return None
    down, up = ports.wire.pulled(False), ports.wire.pulled(True)
    return up != _BOTH or down != 0


def wait_for_unit(app, waiting):
    """Whether to go on with the unit that was put in: not where a long press ends the pile, or a host wants something.

    A short press is a unit that nobody saw coming."""
    if _is_full(app):
        app.screen.tell("menu.piles", "pile.limit")
        waiting.for_press(None)
        return False
    draw_insert(app.screen, app.pile, app.tally)
    waiting.look_at_card()
    looks = 0
    while looks < _LOOKS:
        pressed = waiting.for_press(_LOOK_MS)
        if pressed is not None or waiting.is_wanted():
            return pressed == "short"
        looks = looks + 1 if is_there(app.ports) else 0
    return waiting.for_press(_SETTLE_MS) != "long"


def wait_for_removal(app, waiting, sign):
    """Holds the result until the unit is taken off. False where a long press ends the pile."""
    looks = 0
    while looks < _LOOKS:
        pressed = waiting.for_press(_LOOK_MS, sign)
        if pressed is not None or waiting.is_wanted():
            return pressed == "short"
        looks = looks + 1 if is_there(app.ports) is False else 0
    return True


def draw_insert(screen, pile, tally):
    """What to do now, how many are done, and the label of the last."""
    newest = tally["last"][:1] if pile[0] else ()
    lines = [pages.said(screen, "pile.insert"), "%s %d/%d" % (pages.said(screen, "pile.count"), pile[1], pile[0])]
    for unit, _outcome in newest:
        if unit:
            lines.append(pages.said(screen, "page.unit") + " " + unit[-8:])
    screen.page("menu.piles", lines)


def _is_full(app):
    limit = app.config.get("pile_limit")
    return limit is not None and app.pile[1] >= limit
