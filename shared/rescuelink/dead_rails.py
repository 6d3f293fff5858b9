"""Below what a rail is off, and dead while the unit is powered: mV by the rail's role, one table for limits, power and
diagnosis. A unit's rails and their roles are in its board profile (`rescuelink.limits`)."""

# The input and what is between it and the logic supply are seen through dividers: what an ADC reads at 0 V (12 to 19
# steps on an RP2040, docs/wiring.md) is up to 0.5 V there, and below 1 V nothing starts. The chip's own rails have to
# be lower than a chip keeps its state at.
INPUT, BETWEEN, LOGIC, CORE, OTHER = "input", "between", "logic", "core", "other"
DEAD_MV = {INPUT: 1000, BETWEEN: 1000, OTHER: 500, LOGIC: 300, CORE: 300}
DEFAULT_ROLES = {INPUT: "bplus", BETWEEN: "v12", LOGIC: "v3v3", CORE: "vcap"}  # of the unit that a job says nothing of


def off_mv(role: str, discharged_mv: int) -> int:
    """Below this the rail counts as off: `discharged_mv` of the job on the chip's own rails, never less elsewhere."""
    return discharged_mv if role in (LOGIC, CORE) else max(DEAD_MV[role], discharged_mv)
