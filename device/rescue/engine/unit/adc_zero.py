# What the helper's ADC reads at 0 V. An RP2040's reads 12 to 19 of its 4096 steps there (docs/wiring.md), which is half
# a volt behind the divider of B+: measured once with everything off, and taken off every reading from then on.
#
# A rail is at 0 V or above it, so the lowest reading of all rails is the zero, or more than it. A back-feed lifts some
# rails, never all of them into the few steps that a zero can have: what is more than that is a voltage.

_MOST_RAW = 25 * 16  # of 65536
_UNSTEADY_RAW = 3 * 16
_LOOK_MS = 20
_PERIOD_MS = 5
_FULL_SCALE = 65535


def measure(rails):
    """Sets the zero of `rails`. {"raw": of 65536, "by": "grounded channel" or "lowest rail"}; raw None: not found.

    None where every rail has a calibration of its own, or is somebody else's reading: there is none to find.
    """
    raw, by = rails.grounded(), "grounded channel"
    if raw is None and not rails.spans:
        return None
    if raw is None:
        by = "lowest rail"
        raw = _lowest(rails)
        if raw is not None:
            again = _lowest(rails)
            # Still falling: it is a rail that bleeds.
            raw = None if abs(again - raw) > _UNSTEADY_RAW else min(raw, again)
    if raw is not None and raw > _MOST_RAW:
        raw = None
    rails.set_zero(raw or 0)
    return {"raw": raw, "by": by}


def _lowest(rails):
    seen = rails.capture(_LOOK_MS, _PERIOD_MS)
    found = None
    for name, span_mv in rails.spans.items():
        raw = max(seen[name][1], 0) * _FULL_SCALE // span_mv
        found = raw if found is None else min(found, raw)
    return found
