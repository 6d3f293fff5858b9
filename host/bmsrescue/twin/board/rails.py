"""The unit's rails over virtual time: five nodes, each with its capacitors, loads and regulator.

One step ahead: the state at the end of a step is computed when the step begins, an event on the clock commits it, and a
read in between interpolates, so that looking at a rail never changes it. Steps are 50 us where something moves fast,
grow while it moves slowly, and stop when nothing moves: a settled board costs no time at all.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from ..clock import Event, VirtualClock
from .converters import SAFE_DIVISOR_V, BuckStage, IsolatedStage
from .faults import BoardFaults
from .node import Source, step
from .parts import RAILS, Parts

_SHORTEST_NS = 50_000
_LONGEST_RAMP_NS = 1_000_000
_LONGEST_NS = 20_000_000
_RELATIVE_TOLERANCE = 0.02  # how far a node may move in one step, of its voltage
_ABSOLUTE_TOLERANCE_V = 0.005
_QUIET_V_PER_S = 0.005


class Demand(NamedTuple):
    """What the rest of the unit asks of the rails at one instant."""

    v12_enabled: bool
    v3v3_a: float
    v5iso_a: float
    vcap_v: float


class Rails:
    """The electrical state of the unit."""

    def __init__(self, clock: VirtualClock, parts: Parts, demand: Callable[[], Demand], rng: Random) -> None:
        self._clock = clock
        self._parts = parts
        self._demand = demand
        self._rng = rng
        self._buck12 = BuckStage(parts.buck12)
        self._buck3v3 = BuckStage(parts.buck3v3)
        self._iso = IsolatedStage(parts.iso)
        nodes = {rail: parts.node(rail) for rail in RAILS}
        self._passive = {rail: (node.capacitance_f, 1.0 / node.bleed_ohm) for rail, node in nodes.items()}
        self._start = dict.fromkeys(RAILS, 0.0)
        self._end = dict(self._start)
        self._start_ns = self._end_ns = clock.now_ns
        self._event: Event | None = None
        self._committing = False
        self._again = False
        self._switched_on_ns: int | None = None
        self._supply_a = 0.0
        self._dipping = False
        self.faults = BoardFaults()
        self.peak_supply_a = 0.0
        """Highest supply current since it was last switched on: the inrush."""
        self.on_step: Callable[[], None] = lambda: None
        """Called after every committed step."""

    # What one can see.

    def volts(self, rail: str) -> float:
        """The true voltage of a rail now, without ripple."""
        span = self._end_ns - self._start_ns
        if span <= 0:
            return self._end[rail]
        # The core runs behind the clock and shows its own time meanwhile: never look before the step.
        share = (self._clock.now_ns - self._start_ns) / span
        if share > 1.0:
            share = 1.0
        elif share < 0.0:
            share = 0.0
        return self._start[rail] + (self._end[rail] - self._start[rail]) * share

    def measured_mv(self, rail: str) -> int:
        """One sample of a rail as a fast ADC sees it, with the ripple of whatever drives it at this moment."""
        volts = self.volts(rail)
        ripple = self._parts.node(rail).ripple_vpp if self._driven(rail) else 0.0
        return round(1000 * (volts + ripple * (self._rng.random() - 0.5)))

    @property
    def supply_a(self) -> float:
        """Current the bench supply gives."""
        return self._supply_a

    @property
    def settled(self) -> bool:
        """Nothing moves."""
        return self._event is None

    # What one can do.

    @property
    def switched_on(self) -> bool:
        """Is the bench supply's output on?"""
        return self._switched_on_ns is not None

    def switch_supply(self, on: bool) -> None:
        """Switch the bench supply onto B+, or off it."""
        if on == (self._switched_on_ns is not None):
            return
        self._switched_on_ns = self._clock.now_ns if on else None
        if on:
            self.peak_supply_a = 0.0
        self.disturb()

    def start_dip(self, active: bool) -> None:
        """Pull the rail of the dip fault down, or let it go."""
        self._dipping = active
        self.disturb()

    def disturb(self) -> None:
        """Something outside changed: take the state of this instant and go on from it in fine steps."""
        if self._committing:
            self._again = True
            return
        if self._event is not None:
            self._event.cancel()
        now = {rail: self.volts(rail) for rail in RAILS}
        self._commit(now, _SHORTEST_NS)

    # The steps.

    def _commit(self, state: dict[str, float], next_ns: int) -> None:
        self._event = None
        self._start = self._end = state
        self._start_ns = self._end_ns = self._clock.now_ns
        self._committing = True
        try:
            self.on_step()
            demand = self._demand()
        finally:
            self._committing = False
        if self._again:
            self._again = False
            next_ns = _SHORTEST_NS
        self._plan(demand, next_ns)

    def _plan(self, demand: Demand, duration_ns: int) -> None:
        now_ns = self._clock.now_ns
        v = self._start
        self._buck12.follow(now_ns, v["bplus"], v["v12"], demand.v12_enabled)
        self._buck3v3.follow(now_ns, v["v12"], v["v3v3"], True)
        self._iso.follow(v["v12"])
        ramping = self._buck12.ramping(now_ns) or self._buck3v3.ramping(now_ns) or self._supply_rising(now_ns)
        if ramping:
            duration_ns = min(duration_ns, _LONGEST_RAMP_NS)
        self._end = self._solve(demand, now_ns, duration_ns)
        if self._supply_a > self.peak_supply_a:
            self.peak_supply_a = self._supply_a
        end = self._end
        most = worst = 0.0
        for rail, volts in v.items():
            moved = end[rail] - volts
            if moved < 0.0:
                moved = -moved
            share = moved / (_ABSOLUTE_TOLERANCE_V + _RELATIVE_TOLERANCE * (volts if volts >= 0.0 else -volts))
            if moved > most:
                most = moved
            if share > worst:
                worst = share
        if not ramping and most < _QUIET_V_PER_S * duration_ns * 1e-9:
            self._end_ns = now_ns
            return
        self._end_ns = now_ns + duration_ns
        next_ns = int(duration_ns * min(2.0, max(0.3, 1.0 / max(worst, 1e-9))))
        next_ns = max(_SHORTEST_NS, min(_LONGEST_NS, next_ns))
        self._event = self._clock.at(self._end_ns, lambda: self._commit(end, next_ns))

    def _solve(self, demand: Demand, now_ns: int, duration_ns: int) -> dict[str, float]:
        """All nodes one step further, from the loads up to the supply."""
        v, wrong, at_ns = self._start, self.faults.regulator_mv, now_ns + duration_ns
        core_v = wrong["vcap"] / 1000 if "vcap" in wrong else demand.vcap_v
        core = self._parts.core
        core_source = None
        if core_v > 0 and v["v3v3"] > core_v and not self.faults.core_supply_dead:
            core_source = Source(core_v, core.resistance_ohm, core.limit_a)
        vcap, _ = self._node("vcap", duration_ns, 0.0, core_source)

        source = self._buck3v3.source(at_ns, v["v12"], wrong.get("v3v3"))
        v3v3, output_3v3_a = self._node("v3v3", duration_ns, demand.v3v3_a, source)

        v5iso, self._iso.output_a = self._node(
            "v5iso", duration_ns, demand.v5iso_a, self._iso.source(v["v12"], wrong.get("v5iso"))
        )
        drawn = self._buck3v3.input_a(v["v12"], v3v3, output_3v3_a) + self._iso.input_a()
        source = self._buck12.source(at_ns, v["bplus"], wrong.get("v12"))
        v12, output_12_a = self._node("v12", duration_ns, drawn, source)

        drawn = self._buck12.input_a(v["bplus"], v12, output_12_a)
        bplus = self._solve_bplus(drawn, at_ns, duration_ns)
        return {"bplus": bplus, "v12": v12, "v5iso": v5iso, "v3v3": v3v3, "vcap": vcap}

    def _solve_bplus(self, drawn_a: float, at_ns: int, duration_ns: int) -> float:
        supply, faults = self._parts.supply, self.faults
        if self._switched_on_ns is None:
            volts, self._supply_a = self._node("bplus", duration_ns, drawn_a, None, 1.0 / supply.discharge_ohm)
            return volts
        if faults.supply_absent:
            volts, self._supply_a = self._node("bplus", duration_ns, drawn_a, None)
            return volts
        if faults.supply_reversed:
            self._supply_a = supply.limit_a
            return supply.blocked_v
        output_v = supply.output_v if faults.supply_mv is None else faults.supply_mv / 1000
        output_v *= min(1.0, (at_ns - self._switched_on_ns) / (self._supply_rise_s() * 1e9))
        source = Source(output_v, supply.resistance_ohm, supply.limit_a)
        volts, self._supply_a = self._node("bplus", duration_ns, drawn_a, source)
        return volts

    def _node(
        self, rail: str, duration_ns: int, load_a: float, source: Source | None, extra_s: float = 0.0
    ) -> tuple[float, float]:
        capacitance_f, bleed_s = self._passive[rail]
        volts, faults = self._start[rail], self.faults
        # A constant current is the conductance that it is at this voltage.
        load_s = bleed_s + load_a / (volts if volts > SAFE_DIVISOR_V else SAFE_DIVISOR_V) + extra_s
        injected_a = 0.0
        if faults.shorts_ohm and rail in faults.shorts_ohm:
            load_s += 1.0 / faults.shorts_ohm[rail]
        if faults.backfeeds and rail in faults.backfeeds:
            feed = faults.backfeeds[rail]
            load_s += 1.0 / feed.ohm
            injected_a = feed.mv / 1000 / feed.ohm
        if self._dipping and faults.dip is not None and faults.dip.rail == rail:
            load_s += 1.0 / faults.dip.ohm
        if rail in faults.open_rails:
            source = None
        return step(volts, capacitance_f, duration_ns * 1e-9, load_s, injected_a, source)

    def _supply_rise_s(self) -> float:
        ramp_ms = self.faults.supply_ramp_ms
        return self._parts.supply.rise_s if ramp_ms is None else ramp_ms / 1000

    def _supply_rising(self, now_ns: int) -> bool:
        return self._switched_on_ns is not None and now_ns - self._switched_on_ns < self._supply_rise_s() * 1e9

    def _driven(self, rail: str) -> bool:
        if rail == "bplus":
            return self._switched_on_ns is not None and self._buck12.running
        if rail == "vcap":
            return self._start["vcap"] > 0.3
        if rail == "v5iso":
            return self._iso.running
        return self._buck12.running if rail == "v12" else self._buck3v3.running
