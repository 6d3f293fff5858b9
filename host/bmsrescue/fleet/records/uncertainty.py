"""How well a helper's ADC knows a rail, and what that makes of a limit.

Uncalibrated RP2040 ADC, k = 2: reference 0.58 %, divider 0.41 %, INL 0.22 %, offset 0.35 % give U = 1.6 % through a
divider; VCAP is measured directly, U = 18 mV. Records do not say whether their helper was calibrated, so the wider
figures hold for all.
"""

_DIVIDED_PERMILLE = 16
_DIRECT_MV = 18
_DIRECT_RAILS = ("vcap",)

PASS, MARGINAL, FAIL = "pass", "marginal", "fail"


def uncertainty_mv(rail: str, mv: int) -> int:
    """U of a reading, k = 2, in mV."""
    if rail in _DIRECT_RAILS:
        return _DIRECT_MV
    return max(_DIRECT_MV, -(-abs(mv) * _DIVIDED_PERMILLE // 1000))


def verdict(mv: int, low: int | None, high: int | None, uncertainty: int) -> str:
    """ "fail" outside the limits, "marginal" where the true value may be, "pass" where it cannot be."""
    margin = uncertainty if low is None else mv - low
    if high is not None and high - mv < margin:
        margin = high - mv
    return PASS if margin >= uncertainty else FAIL if margin < 0 else MARGINAL
