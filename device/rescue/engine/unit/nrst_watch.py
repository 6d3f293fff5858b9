# Resets by somebody else, seen on NRST with our own line let go.

from micropython import const

_LOOK_MS = const(50)
_LOOP_LOOK_MS = const(5)
_AGAIN_MS = const(1850)  # three resets of a supervisor that fires every 600 ms
LOOP_EDGES = 3  # so many resets are a loop
SELDOM_MS = const(6500)  # what comes more seldom is not waited for (docs/reference/unit.md#seldom-reset)


def watch_on(run, since_ms, edges=0):
    """Hands off from `since_ms`, a value of ms(), until no reset has come for SELDOM_MS, or until so many that they are
    a loop; `edges` were seen by then. As watch_reset(); "period_ms" from the first edge to the last one that were seen
    here, missing with fewer than two."""
    clock, lines = run.ports.clock, run.ports.lines
    first_ms = last_ms = counted = 0
    while True:
        new = lines.nrst_edges()
        now_ms = clock.since_ms(since_ms)
        if new:
            last_ms = now_ms
            first_ms = first_ms or now_ms
            counted += new
        if now_ms - last_ms >= SELDOM_MS or (counted > 1 and edges + counted >= LOOP_EDGES):
            break
        run.power.check()
        clock.sleep_ms(_LOOP_LOOK_MS if counted else _LOOK_MS)
    found = {"level": 1 if lines.nrst_level() else 0, "edges": edges + counted, "window_ms": now_ms}
    if counted > 1:
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


def look_again(run):
    """A longer look where the chip is lost: for resets that the first look was too short for."""
    nrst = run.evidence.get("nrst")
    if nrst is None or nrst["edges"] >= LOOP_EDGES or not run.power.is_on or run.power.trip is not None:
        return
    seen = watch_reset(run.ports, _AGAIN_MS)
    if seen["edges"] >= LOOP_EDGES:
        nrst.update(seen)
