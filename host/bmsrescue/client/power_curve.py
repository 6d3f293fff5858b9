"""The power-up curve: every rail while the unit is switched on, by the helper's own clock."""

import queue
from dataclasses import dataclass
from typing import Any

from bmsrescue.client.helper import Helper
from bmsrescue.client.session import SLOW_S

_PERIOD_MS = 10  # the fastest that the agent tells
_HOLD_S = 30.0


@dataclass
class PowerCurve:
    """Points as (ms since the first, {rail: mV}), and what cut the power, if anything did."""

    points: list[tuple[int, dict[str, int]]]
    trip: dict[str, Any] | None


def record_power_up(helper: Helper) -> PowerCurve:
    """Switch the unit off and then on, and off again. Raises RescueError."""
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def on_event(name: str, data: Any) -> None:
        if name == "rails" and "ms" in data:
            told.put(data)

    session = helper.session
    with session.alone(_HOLD_S), session.watching(on_event):
        helper.power_off()
        while not told.empty():
            told.get()
        session.call("rails.stream", _PERIOD_MS)
        try:
            trip = session.call("power.on", timeout_s=SLOW_S)["trip"]
        finally:
            session.call("rails.stream", 0)
            helper.power_off()
    points = []
    while not told.empty():
        data = told.get()
        points.append((int(data["ms"]), {name: int(rail["mv"]) for name, rail in data["rails"].items()}))
    return PowerCurve(_from_start(points), trip)


def _from_start(points: list[tuple[int, dict[str, int]]]) -> list[tuple[int, dict[str, int]]]:
    points = sorted(points, key=lambda point: point[0])
    return [(at - points[0][0], values) for at, values in points]
