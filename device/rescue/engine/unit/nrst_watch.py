# Resets by somebody else, seen on NRST with our own line let go.

_NRST_LOOK_MS = 5
LOOP_EDGES = 3  # so many resets are a loop
_LOOP_MS = 5000


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
