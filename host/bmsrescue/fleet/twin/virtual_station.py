"""One virtual station as a process of its own: a helper on a nest, and somebody who puts units in and takes them out.

`python -m bmsrescue.fleet.twin.virtual_station NAME SEED PAUSE_S` prints lines of JSON: {"url"} first, then
{"inserted": label, "scenario"} and {"removed": label}. It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from time import monotonic

from bmsrescue.fleet.twin.mix import ComingUnit, coming_units
from bmsrescue.fleet.twin.nest import Nest
from bmsrescue.twin.bench import card_for
from bmsrescue.twin.board.healthy import healthy_unit
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.scenarios import find


class NestOperator:
    """Puts the next unit in a while after the nest became empty, and takes it out a while after its record."""

    def __init__(self, units: Iterator[ComingUnit], pause_s: float) -> None:
        self._units = units
        self._pause_s = pause_s
        self._current: ComingUnit | None = None
        self._act_at: float | None = monotonic() + pause_s

    def look(self, nest: Nest) -> None:
        """Called whenever the helper looks at the nest."""
        if self._act_at is None or monotonic() < self._act_at:
            return
        if self._current is None:
            self._current = next(self._units)
            self._act_at = None
            unit = healthy_unit(self._current.seed, self._current.scenario.config, nest.clock)
            self._current.scenario.breaks(unit)
            nest.insert(unit)
            _say({"inserted": self._current.label, "scenario": self._current.scenario.name})
        else:
            nest.remove()
            _say({"removed": self._current.label})
            self._current = None
            self._act_at = monotonic() + self._pause_s

    def watch(self, _at_ms: int, name: str, _data: object) -> None:
        """An event of the agent."""
        if name == "record":
            self._act_at = monotonic() + self._pause_s


def main(name: str, seed: int, pause_s: float) -> None:
    """Until standard input ends."""
    operator = NestOperator(coming_units(seed), pause_s)
    nest = Nest(VirtualClock(), operator.look)
    helper = VirtualHelper(
        nest,
        wire_over(nest),
        card_for(find("half-on")),
        seed=seed,
        presses=(),
        watch=operator.watch,
        wall_limit_s=float("inf"),
    )
    stopping = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        stopping.set()
        helper.stop()

    threading.Thread(target=wait_for_end, daemon=True).start()
    with PtyPort() as port:
        _say({"url": port.url})
        while not stopping.is_set():
            helper.run(settings={"once": False, "helper": name}, link_fd=port.fd)


def _say(told: dict[str, str]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
