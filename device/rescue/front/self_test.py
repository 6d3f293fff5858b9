# Is the helper itself in order? From the menu, or by "self_test" in board.json at each start (the part that needs no
# hands). Each check returns (verdict, detail): "pass", "marginal", "fail", or "skip" where the part is not there.
#
# "test" wants the unit taken off: then nothing may hold the SWD wires, and the switch may be closed on its own load.
# "wiring" wants the unit on: what its chip makes of the weak pulls, and whether NRST follows.

import hashlib
import os

from rescue.front import pages, words
from rescuelink.errors import RescueError

_LIMIT_MS = 60_000
_FILE = "/selftest.tmp"
_BLOCK = 4096
_BLOCKS = 16
_SLOW_KIB_S = 100  # a backup of 1 MiB would take ten seconds more
_ZERO_STEPS = 25  # of 4096: the most that adc_zero.py believes (docs/wiring.md)
_ZERO_DOUBT = 20  # more than any RP2040 that was measured in public
_DISCHARGE_MS = 3000
_SLEEP_MS = 200
_CLOCK_OFF_MS = 10
_BOTH = 3
_MARKS = {"pass": "+", "marginal": "~", "fail": "!", "skip": "-"}
TESTS = ("card", "zero", "reference", "lines", "switch", "clock")


def show(app, waiting, entry):
    """Runs it, shows what came out, and waits for a press."""
    if entry == "wiring":
        draw(app.screen, "menu.wiring", wiring(app.ports), "wiring.")
    else:
        app.screen.tell("menu.test", "test.unplug")
        if waiting.for_press(_LIMIT_MS) != "short":
            return
        app.screen.tell("menu.test", "...")
        draw(app.screen, "menu.test", run(app.ports, app.config, TESTS), "test.")
    waiting.for_press(_LIMIT_MS)


def run(ports, config, names):
    """[(name, verdict, detail)] of those checks."""
    found = []
    for name in names:
        try:
            verdict, detail = _CHECKS[name](ports, config)
        except RescueError as error:
            verdict, detail = "fail", error.kind
        except OSError as error:
            verdict, detail = "fail", "error %s" % error.errno
        found.append((name, verdict, detail))
    return found


def at_start(screen, ports, config):
    """The checks that need no hands; shows them where one failed. Whether all is well."""
    found = run(ports, config, ("card", "zero", "clock"))
    bad = [row for row in found if row[1] == "fail" and row[2] != "no_card"]
    if bad:
        draw(screen, "menu.test", bad, "test.")
    return not bad


def draw(screen, title, rows, prefix):
    """A row for each check: its name, what was found, and "+", "~", "!" or "-" (not there). Six rows, or in Chinese the
    worst three."""
    screen.clear()
    y = pages.title(screen, pages.said(screen, title))
    high = screen.language == "zh"
    if high:
        order = ("fail", "stuck", "open", "marginal", "low", "high", "follows", "pass", "skip", "none", "dark")
        rows = sorted(rows, key=lambda row: order.index(row[1]))[:3]
    for name, verdict, detail in rows:
        if prefix == "test.":
            name = pages.said(screen, "test." + name)
            verdict = _MARKS[verdict]
        else:
            verdict = pages.said(screen, prefix + verdict)
        name = words.cut(name, 14 - words.columns(detail + verdict))
        gap = 16 - words.columns(name + detail + verdict)
        words.draw(screen.frame, name + " " * (gap - bool(detail)) + detail + " " * bool(detail) + verdict, 0, y)
        y += 16 if high else 8 if len(rows) > 5 else 10
    screen.send()


def wiring(ports):
    """[(line, what it does, "")]: see unit/wiring.py."""
    from rescue.engine.unit import wiring

    lines = []
    levels = wiring.look(ports)
    for name in ("swdio", "swclk"):
        lines.append((name.upper(), levels.get(name, "none"), ""))
    if "nrst" in ports.missing:
        lines.append(("NRST", "none", ""))
    elif not ports.lines.nrst_level():
        lines.append(("NRST", "dark" if "power" not in ports.missing else "low", ""))
    else:
        follows, _ = wiring.nrst_follows(ports)
        lines.append(("NRST", "follows" if follows else "stuck", ""))
    ports.lines.release_all()
    return lines


def _card(ports, _config):
    card, clock = ports.card, ports.clock
    if "card" in ports.missing:
        return "skip", ""
    card.mount()
    try:
        wrote, read = _write_and_read(card.root + _FILE, clock)
    finally:
        card.unmount()
    if read is None:
        return "fail", "reads wrong"
    return "marginal" if min(wrote, read) < _SLOW_KIB_S else "pass", "%d/%d" % (wrote, read)


def _write_and_read(path, clock):
    # KiB/s written and read; None where what comes back is not what was written.
    block = bytearray(_BLOCK)
    wanted = hashlib.sha256()
    start = clock.ms()
    try:
        with open(path, "wb") as file:
            for number in range(_BLOCKS):
                clock.feed()
                for index in range(0, _BLOCK, 16):
                    block[index] = (number * 37 + index // 16) & 0xFF
                wanted.update(block)
                file.write(block)
        wrote_ms = max(clock.since_ms(start), 1)
        found = hashlib.sha256()
        start = clock.ms()
        with open(path, "rb") as file:
            for _ in range(_BLOCKS):
                clock.feed()
                file.readinto(block)
                found.update(block)
        read_ms = max(clock.since_ms(start), 1)
    finally:
        try:
            os.remove(path)
        except OSError:
            pass  # it was never made, or the card is gone
    kib = _BLOCK * _BLOCKS // 1024
    read = kib * 1000 // read_ms if found.digest() == wanted.digest() else None
    return kib * 1000 // wrote_ms, read


def _zero(ports, _config):
    if not ports.rails.names:
        return "skip", ""
    from rescue.engine.unit import adc_zero

    found = adc_zero.measure(ports.rails)
    if found is None:
        return "pass", ""
    if found["raw"] is None:
        return "fail", "> %d" % _ZERO_STEPS
    steps = found["raw"] // 16
    return "marginal" if steps > _ZERO_DOUBT else "pass", "%d LSB" % steps


def _reference(ports, config):
    # Of the rails on an ADC: how many have two points of a meter. Without them the reference is its maker's word.
    rails = config.get("rails") or {}
    on_adc = [rail for rail in rails.values() if rail and "ina226" not in rail]
    if not on_adc:
        return "skip", ""
    known = [rail for rail in on_adc if rail.get("calibration")]
    return "pass" if len(known) == len(on_adc) else "marginal", "%d/%d" % (len(known), len(on_adc))


def _lines(ports, _config):
    # With no unit there: a wire that does not follow our weak pulls is stuck, one that follows NRST is bridged to it.
    if "pulls" in ports.missing:
        return "skip", ""
    wire, lines = ports.wire, ports.lines
    low, high = wire.pulled(False), wire.pulled(True)
    for bit, name in enumerate(("SWDIO", "SWCLK")):
        if low >> bit & 1 or not high >> bit & 1:
            return "fail", name
    if "nrst" in ports.missing:
        return "pass", ""
    lines.nrst(True)
    ports.clock.sleep_ms(2)
    pulled, bridged = not lines.nrst_level(), wire.pulled(True) != _BOTH
    lines.nrst(False)
    if bridged:
        return "fail", "NRST=SWD"
    return ("pass", "") if pulled else ("fail", "NRST")


def _switch(ports, _config):
    # On its own bleed resistor, or on a known load at its output: it comes, and it goes within the time.
    if "power" in ports.missing or not ports.rails.names:
        return "skip", ""
    from rescue.engine.power import Power
    from rescuelink.limits import default_limits

    power = Power(ports, default_limits())
    from rescue.engine.unit import power_cycle

    try:
        power_cycle.sense_off(power)
        if power.trip is not None:
            return "fail", power.trip["kind"]
        seen = power_cycle.energise(power)
        if power.trip is not None:
            return "fail", power.trip["kind"]
        name = power.seen("input") or ports.rails.names[0]
        if seen[name]["mv"] < 1000:
            return "fail", "%d mV" % seen[name]["mv"]
        start = ports.clock.ms()
        power_cycle.off(power)
        took = ports.clock.since_ms(start)
        return "pass" if took < _DISCHARGE_MS else "marginal", "%d ms" % took
    finally:
        power.cut()


def _clock(ports, _config):
    # Its milliseconds against its microseconds.
    clock = ports.clock
    start_ms, start_us = clock.ms(), clock.us()
    clock.sleep_ms(_SLEEP_MS)
    off = abs(clock.since_ms(start_ms) - _SLEEP_MS) + abs((clock.us() - start_us) // 1000 - _SLEEP_MS)
    return ("pass", "") if off < _CLOCK_OFF_MS else ("fail", "%d ms" % off)


_CHECKS = {
    "card": _card,
    "zero": _zero,
    "reference": _reference,
    "lines": _lines,
    "switch": _switch,
    "clock": _clock,
}
