# rails.*: the unit's voltages and the supply's current. mV and mA.

from rescuelink.errors import LinkError

_FASTEST_MS = 10
_PIECE_MS = 500  # of a long capture, so that the host is heard in between


def read(work):
    """{"rails": {name: mv}, "ma": current or nil}"""
    rails = work.ports.rails
    return {"rails": {name: rails.read_mv(name) for name in rails.names}, "ma": rails.current_ma()}


def capture(work, window_ms, period_ms):
    """{name: [min_mv, mean_mv, max_mv]} over a window of at most 10 s."""
    if not 0 < window_ms <= 10_000 or not 0 < period_ms <= window_ms:
        raise LinkError("bad_params", "a window of 1 to 10000 ms, and a period that fits in it")
    found = {}
    pieces = 0
    while window_ms > 0:
        piece = min(window_ms, max(_PIECE_MS, period_ms))
        seen = work.ports.rails.capture(piece, min(period_ms, piece))
        for name in seen:
            low, mean, high = seen[name]
            before = found.get(name, (low, 0, high))
            found[name] = (min(before[0], low), before[1] + mean, max(before[2], high))
        pieces += 1
        window_ms -= piece
        work.listen()
    return {name: [low, total // pieces, high] for name, (low, total, high) in found.items()}


def raw(work):
    """{name: what the ADC reads, of 65536, or nil where the rail is on no ADC}: for a calibration."""
    rails = work.ports.rails
    return {name: rails.read_raw(name) for name in rails.names}


def stream(work, period_ms):
    """From now on an event "rails" every `period_ms` (0: no more)."""
    if period_ms and period_ms < _FASTEST_MS:
        raise LinkError("bad_params", "rails are told every %d ms at most" % _FASTEST_MS)
    from rescue.link.rails_stream import RailsStream

    work.rails_stream = RailsStream(period_ms) if period_ms else None


CALLS = {
    "read": (read, ""),
    "capture": (capture, "ii"),
    "raw": (raw, ""),
    "stream": (stream, "i"),
}
