"""Below what a rail is off, and dead while the unit is powered: mV, one table for limits, power and diagnosis."""

# B+ and 12 V are seen through dividers: what an ADC reads at 0 V (12 to 19 steps on an RP2040, docs/wiring.md) is up to
# 0.5 V there, and below 1 V nothing starts. 3.3 V and VCAP have to be lower than a chip keeps its state at.
DEAD_MV = {"bplus": 1000, "v12": 1000, "v5iso": 500, "v3v3": 300, "vcap": 300}
_CHIP_RAILS = ("v3v3", "vcap")


def off_mv(name: str, discharged_mv: int) -> int:
    """Below this the rail counts as off: `discharged_mv` of the job on the chip's own rails, never less elsewhere."""
    return discharged_mv if name in _CHIP_RAILS else max(DEAD_MV[name], discharged_mv)
