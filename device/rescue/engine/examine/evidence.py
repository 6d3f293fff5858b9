# What can be learnt about the chip without changing it, as one plain dict (docs/architecture.md, Evidence).
#
# Each group is read by itself: what cannot be read is left out and named under "unreadable", and the rest still counts.

from rescue.engine import modules
from rescuelink.errors import RescueError

_NRST_LOOK_MS = 5
LOOP_EDGES = 3  # so many resets are a loop
_LOOP_MS = 5000


def expected(job):
    """What the diagnosis compares with, so that it stays a pure function of the evidence alone."""
    rails = {}
    for name, window in job.limits.rails.items():
        rails[name] = [window.low_mv, window.high_mv]
    return {
        "chip": job.chip,
        "dev_id": job.dev_id,
        "flash_kib": job.flash_kib,
        "boot_address": job.boot_address,
        "start": job.boot_address if job.bootloader is None else job.bootloader[0],
        "flash": [0x08000000, 0x08000000 + job.flash_kib * 1024],
        "options": job.options,
        "min_clock_hz": job.proof.min_clock_hz,
        "rails": rails,
    }


def watch_for_loop(ports, edges, since_ms):
    """As watch_reset(), after `edges` in `since_ms`: until a loop of resets has shown its period, or for seconds.

    "period_ms" is from the first edge seen here to the last one; it is missing with fewer than two.
    """
    clock = ports.clock
    start = clock.ms()
    ports.lines.nrst_edges()
    first_ms = last_ms = None
    counted = 0
    while (edges + counted < LOOP_EDGES or counted < 2) and clock.since_ms(start) < _LOOP_MS:
        clock.sleep_ms(_NRST_LOOK_MS)
        new = ports.lines.nrst_edges()
        if new:
            last_ms = clock.since_ms(start)
            first_ms = last_ms if first_ms is None else first_ms
            counted += new
    level = 1 if ports.lines.nrst_level() else 0
    found = {"level": level, "edges": edges + counted, "window_ms": since_ms + clock.since_ms(start)}
    if last_ms != first_ms:
        found["period_ms"] = (last_ms - first_ms) // (counted - 1)
    return found


def watch_reset(ports, window_ms):
    """evidence["nrst"]: the level at the end of a window with the helper's line let go, and falling edges in it."""
    ports.lines.nrst_edges()
    ports.clock.sleep_ms(window_ms)
    return {
        "level": 1 if ports.lines.nrst_level() else 0,
        "edges": ports.lines.nrst_edges(),
        "window_ms": window_ms,
    }


def gather(evidence, target, chip, boot_address, attached):
    """Adds chip, reset_cause, options, supply, core and vectors. The reset cause is read before any reset of ours.

    `attached`: the core was left running, so that its state and samples are its own.
    """
    groups = [("chip", chip.identity)]
    if attached:
        look = modules.load("rescue.engine.unit.running_look")
        groups.append(("clocks", lambda: look.clocks(target.ap0, target.core.clock)))
        groups.append(("core", lambda: look.core(target.core, evidence.get("clocks"))))
        groups.append(("watchdog", lambda: look.watchdog(target.ap0)))
    groups += [
        ("reset_cause", chip.reset_cause),
        ("options", chip.options.read),
        ("supply", chip.supply),
        ("vectors", lambda: chip.flash.vectors(boot_address)),
    ]
    for name, read in groups:
        try:
            evidence[name] = read()
        except RescueError as error:
            evidence.setdefault("unreadable", {})[name] = error.kind
