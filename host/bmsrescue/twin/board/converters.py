"""The board's converters as two-terminal blocks: when they run, what they aim at, what they draw from their input."""

from .node import Source
from .parts import Converter, IsolatedConverter

SAFE_DIVISOR_V = 0.5
"""Below this, what draws a constant current or power draws less."""


class BuckStage:
    """A step-down converter with under-voltage lockout and soft start."""

    def __init__(self, parts: Converter) -> None:
        self._parts = parts
        self._started_ns = 0
        self._from_v = 0.0
        self.running = False

    def follow(self, now_ns: int, input_v: float, output_v: float, enabled: bool) -> None:
        """Start or stop, from the voltages of this instant."""
        if self.running:
            self.running = enabled and input_v >= self._parts.stop_v
        elif enabled and input_v >= self._parts.start_v:
            self.running = True
            self._started_ns = now_ns
            self._from_v = output_v

    def ramping(self, now_ns: int) -> bool:
        """Is the soft start under way?"""
        return self.running and now_ns - self._started_ns < self._parts.soft_start_s * 1e9

    def source(self, at_ns: int, input_v: float, output_mv: int | None) -> Source | None:
        """The stage seen from its output at `at_ns`; `output_mv` replaces the nominal output of a broken one."""
        if not self.running:
            return None
        goal = self._parts.output_v if output_mv is None else output_mv / 1000
        share = min(1.0, (at_ns - self._started_ns) / (self._parts.soft_start_s * 1e9))
        target = self._from_v + (goal - self._from_v) * share
        target = min(target, input_v - self._parts.dropout_v)
        return Source(target, self._parts.resistance_ohm, self._parts.limit_a)

    def input_a(self, input_v: float, output_v: float, output_a: float) -> float:
        """Current drawn from the input for `output_a` at `output_v`."""
        if not self.running:
            return 0.0
        power = output_a * (output_v + self._parts.loss_v)
        return power / max(input_v, SAFE_DIVISOR_V) + self._parts.quiescent_a


class IsolatedStage:
    """The unregulated isolated converter."""

    def __init__(self, parts: IsolatedConverter) -> None:
        self._parts = parts
        self.running = False
        self.output_a = 0.0

    def follow(self, input_v: float) -> None:
        """Start or stop, from the input of this instant."""
        self.running = input_v >= (self._parts.stop_v if self.running else self._parts.start_v)

    def source(self, input_v: float, output_mv: int | None) -> Source | None:
        """The stage seen from its output: light loads let it climb."""
        if not self.running:
            return None
        if output_mv is not None:
            return Source(output_mv / 1000, self._parts.resistance_ohm, 1.0)
        light = max(0.0, 1.0 - self.output_a / self._parts.light_load_a)
        volts = input_v * self._parts.ratio + self._parts.light_load_v * light
        return Source(volts, self._parts.resistance_ohm, 1.0)

    def input_a(self) -> float:
        """Current drawn from 12 V: the transformer's ratio and its own idling."""
        return self.output_a * self._parts.ratio + self._parts.idle_a if self.running else 0.0
