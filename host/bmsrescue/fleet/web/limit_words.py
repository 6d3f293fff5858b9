"""A job's limits in words, for people who set them (docs/job-format.md has them all)."""

RAIL_WORDS = {
    "bplus": "B+, the unit's input",
    "v12": "12 V",
    "v5iso": "isolated 5 V",
    "v3v3": "3.3 V",
    "vcap": "VCAP, the core's supply",
}

LIMIT_WORDS = {
    "supply_ma": ("what the bench supply is set to give", "mA"),
    "trip_ma": ("power is cut at once above", "mA"),
    "inrush_ms": ("current is ignored while the rails rise, for", "ms"),
    "short_ms": ("at the current limit and not rising is a short after", "ms"),
    "rise_ms": ("all rails have settled within", "ms"),
    "quiet_ms": ("observed before the rails are judged, for", "ms"),
    "discharged_mv": ("off means below", "mV"),
    "discharge_ms": ("the rails have fallen within", "ms"),
    "hold_off_ms": ("kept off after the rails are down, for", "ms"),
    "energise_ms": ("longest time powered in one go", "ms"),
    "cycles_per_minute": ("power cycles, at most", "a minute"),
    "nrst_window_ms": ("NRST is watched for", "ms"),
    "swd_hz": ("SWD clock once the chip answers", "Hz"),
    "watch_s": ("a unit is watched, hands off, before anything is tried, for", "s"),
}
