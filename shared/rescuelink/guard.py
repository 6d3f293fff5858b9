"""Guard-banded verdicts: a reading good to +-U says "pass" only inside the limit by U, "fail" only outside by U.

ISO 14253-1's decision rule; between the two nobody knows, and the verdict says so ("marginal").
"""

# Of a rail that is not calibrated: 1 % resistors, 1 % reference, INL and zero of an RP2040's ADC, k = 2
# (docs/reference/unit.md#adc-noise).
_NOMINAL_PER_MILLE = 16
_ZERO_MV = 10


def judge(mv: int, low_mv: int, high_mv: int, off_mv: int) -> str:
    """ "pass", "marginal" or "fail" of a reading that may be `off_mv` off, against a window."""
    if low_mv + off_mv <= mv <= high_mv - off_mv:
        return "pass"
    return "fail" if mv < low_mv - off_mv or mv > high_mv + off_mv else "marginal"


def doubt_mv(rail: "dict[str, dict[str, int]] | None", mv: int) -> int:
    """What a reading of `rail` (its object in board.json, or None) may be off: as its calibration says, else what its
    divider's nominal values are good for."""
    known = rail and rail.get("calibrated")
    if known and "uncertainty_mv" in known:
        return int(known["uncertainty_mv"])
    return mv * _NOMINAL_PER_MILLE // 1000 + _ZERO_MV
