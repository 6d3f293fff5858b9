"""Two points of a rail, each (what its ADC reads of 65535, mV by a meter): whether they can be of its divider, and how
good they are. For host and dongle alike."""

FULL_SCALE = 65535
_END = FULL_SCALE - 16  # the ADC's end: what is above reads no higher
_APART = FULL_SCALE // 10  # two points that are closer say little of the slope
_OFF_MOST = 0.15  # of the nominal slope: more is another divider, another rail, or the wrong decimal point


def is_at_end(readings: "list[int]") -> bool:
    """Whether the ADC is at the end of its range."""
    return max(readings) >= _END


def slope_off(points: "list[tuple[int, int]]", rail: "dict[str, int]", vref_mv: int) -> float:
    """How far the slope is off the divider's nominal one (0.01: 1 %); 0.0 where board.json names no divider."""
    (raw_a, mv_a), (raw_b, mv_b) = points
    if not rail.get("bottom_ohm"):
        return 0.0
    span_mv = vref_mv * (rail["top_ohm"] + rail["bottom_ohm"]) / rail["bottom_ohm"]
    return (mv_b - mv_a) / (raw_b - raw_a) * FULL_SCALE / span_mv - 1


def fault_of(points: "list[tuple[int, int]]", rail: "dict[str, int]", vref_mv: int) -> "str | None":
    """Of two points, the lower one first: "close" to one another, "falls" (the meter's readings, where the ADC's rise),
    "slope" (not of this divider), or None where they are good."""
    (raw_a, mv_a), (raw_b, mv_b) = points
    if raw_b - raw_a < _APART:
        return "close"
    if mv_b <= mv_a:
        return "falls"
    return "slope" if abs(slope_off(points, rail, vref_mv)) > _OFF_MOST else None


def uncertainty_mv(readings: "list[list[int]]", points: "list[tuple[int, int]]", meter_mv: int) -> int:
    """Half of the larger spread of a point's readings, on the scale that the points give, and what the meter may be
    off."""
    (raw_a, mv_a), (raw_b, mv_b) = points
    spread = max([max(values) - min(values) for values in readings])
    return meter_mv + -(-spread * abs(mv_b - mv_a) // (2 * max(abs(raw_b - raw_a), 1)))
