"""One rail as a lumped node: a capacitor, conductances, one regulator with a current limit, one implicit step."""

from typing import NamedTuple


class Source(NamedTuple):
    """A regulator seen from its output: an ideal voltage behind a resistance, one-directional, current-limited."""

    volts: float
    resistance_ohm: float
    limit_a: float


def step(
    volts: float, capacitance_f: float, duration_s: float, load_s: float, injected_a: float, source: Source | None
) -> tuple[float, float]:
    """Backward Euler over `duration_s`; stable for any step, so a hard short needs no finer one.

    `load_s` is the sum of all conductances to ground in siemens, `injected_a` the current of linear sources that are
    also counted in `load_s` (a back-feed of V behind R adds 1/R and V/R).

    Returns:
        The voltage at the end and the mean current the source gave.
    """
    charge = capacitance_f / duration_s
    unfed = (charge * volts + injected_a) / (charge + load_s)
    if source is None or source.volts <= unfed:
        return unfed, 0.0
    inside = 1.0 / source.resistance_ohm
    end = (charge * volts + injected_a + inside * source.volts) / (charge + load_s + inside)
    current = (source.volts - end) * inside
    if current <= source.limit_a:
        return end, current
    return (charge * volts + injected_a + source.limit_a) / (charge + load_s), source.limit_a
