# The menu of a dongle that waits: a long press opens it, a short one goes on to the next entry, a long one takes it.
# Nobody for a minute, or a host, ends it. In the heap only while it is open; an entry's module only while it is shown.

from rescue.engine import modules
from rescue.front import pages

_LIMIT_MS = 60_000
_ENTRIES = ("piles", "rails", "wiring", "test", "calibrate", "history", "counters", "settings", "about", "back")
_VIEWS = (
    "rescue.front.views rescue.front.self_test rescue.front.settings rescue.front.probe rescue.dap "
    "rescue.front.calibrate rescue.board_file rescuelink.two_points"
)


def run(app, waiting):
    """Until "back", a host, or nobody. Whether units are to be treated one after the other from now on."""
    entries = _ENTRIES
    if app.config.get("dap"):
        entries = entries[:-1] + ("probe", "back")
    at = 0
    while True:
        draw(app.screen, at, entries)
        pressed = waiting.for_press(_LIMIT_MS)
        if pressed == "short":
            at = (at + 1) % len(entries)
            continue
        entry = entries[at]
        if pressed is None or entry in ("back", "piles"):
            return pressed is not None and entry == "piles"
        _open(entry, app, waiting)
        modules.drop(_VIEWS)


def draw(screen, at, entries=_ENTRIES):
    """The menu with the entry number `at` marked."""
    pages.choices(screen, "menu.title", [pages.said(screen, "menu." + entry) for entry in entries], at)


def _open(entry, app, waiting):
    if entry in ("wiring", "test"):
        from rescue.front import self_test

        self_test.show(app, waiting, entry)
    elif entry == "probe":
        from rescue.front import probe

        probe.show(app, waiting)
    elif entry == "calibrate":
        from rescue.front import calibrate

        calibrate.show(app, waiting)
    elif entry == "settings":
        from rescue.front import settings

        settings.show(app, waiting)
    else:
        from rescue.front import views

        views.show(app, waiting, entry)
