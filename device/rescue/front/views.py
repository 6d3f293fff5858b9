# What a person looks at from the menu: rails with bars, the last runs, the counters, what this helper is.

from rescue.front import pages, words
from rescuelink.guard import doubt_mv, judge

_LOOK_MS = 500
_LIMIT_MS = 60_000
_OFF_MV = 900  # as in by_hand.py: below that a rail is off
VERSION = "0.1.0"  # of the agent, as in link/hello.py


def show(app, waiting, entry):
    """Until a press, a host, or nobody for a minute."""
    if entry == "rails":
        _rails(app, waiting)
        return
    if entry == "history":
        draw_history(app.screen, app.tally)
    elif entry == "counters":
        draw_counters(app.screen, app.tally)
    else:
        draw_about(app.screen, app.config, app.ports.helper_id)
    waiting.for_press(_LIMIT_MS)


def _rails(app, waiting):
    from rescuelink.limits import default_limits

    windows = default_limits().rails
    rails = app.ports.rails
    clock = app.ports.clock
    start = clock.ms()
    pressed = None
    while pressed is None and clock.since_ms(start) < _LIMIT_MS and not waiting.is_wanted():
        seen = {name: rails.read_mv(name) for name in rails.names}
        draw_rails(app.screen, seen, windows, app.config)
        pressed = waiting.for_press(_LOOK_MS)


def draw_rails(screen, seen, windows, config):
    """A row for each rail: name, bar up to its danger limit with the good window marked below, volts and verdict."""
    screen.clear()
    frame = screen.frame
    y = 0
    for name in [name for name in ("bplus", "v12", "v5iso", "v3v3", "vcap") if name in seen] or list(seen)[:5]:
        mv = seen[name]
        window = windows.get(name)
        words.draw(frame, pages.rail_label(name), 0, y)
        verdict = "rail.off"
        if mv >= _OFF_MV or (window and window.low_mv < _OFF_MV <= mv):
            off = doubt_mv((config.get("rails") or {}).get(name), mv)
            verdict = "rail." + judge(mv, window.low_mv, window.high_mv, off) if window else "rail.pass"
        text = "%d.%02d" % (mv // 1000, mv % 1000 // 10)
        frame.text(text, 80 - 8 * len(text), y, 1)
        said = pages.said(screen, verdict)
        if words.is_high(said):
            said = {"rail.pass": "+", "rail.marginal": "~", "rail.fail": "!"}.get(verdict, "-")
        words.draw(frame, said[:5], 88, y)
        if window:
            most = window.danger_mv
            frame.rect(0, y + 8, 128, 4, 1)
            frame.fill_rect(0, y + 8, min(mv, most) * 128 // most, 4, 1)
            for edge in (window.low_mv, window.high_mv):
                frame.vline(min(edge * 128 // most, 127), y + 8, 5, 1)
        y += 13
    screen.send()


def draw_history(screen, tally):
    """The newest runs first: the end of the unit's number, as many digits as there is room for, and how it ended."""
    lines = []
    for row in tally["last"]:
        word = pages.said(screen, "word." + row[1])
        digits = min(4, max(15 - words.columns(word), 2))
        lines.append((row[0] or "-")[-digits:] + " " + word)
    high = screen.language == "zh"
    lines = [words.cut(line, 16) for line in lines] or [pages.said(screen, "history.none")]
    screen.page("menu.history", lines[: 3 if high else 5])


def draw_counters(screen, tally):
    """How many units, how many of them ended well, and the outcomes that came most often."""
    lines = ["%s %d" % (pages.said(screen, "count.runs"), tally["runs"])]
    lines.append("%s %d" % (pages.said(screen, "count.good"), tally["good"]))
    by = tally["by"]
    for name in sorted(by, key=lambda name: -by[name]):
        lines.append("%d %s" % (by[name], pages.said(screen, "word." + name)))
    lines = [words.cut(line, 16) for line in lines]
    screen.page("menu.counters", lines[: 3 if screen.language == "zh" else 5])


def draw_about(screen, config, helper_id):
    """This helper's name and number, the agent, and what of its rails is calibrated."""
    rails = config.get("rails") or {}
    dates = [str(rail["calibrated"].get("date") or "-") for rail in rails.values() if rail and rail.get("calibrated")]
    lines = ["agent " + VERSION, (helper_id or "-")[-16:]]
    lines.append("%s %d/%d" % (pages.said(screen, "menu.calibrate"), len(dates), len(rails)))
    lines.append(str(config.get("helper", "helper"))[:16])
    lines += [min(dates)] if dates else []
    screen.page("menu.about", lines[: 3 if screen.language == "zh" else 5])  # what matters most comes first
