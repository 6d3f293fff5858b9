"""A twin with a probe in software, opened as a command opens somebody's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmsrescue.card.fat import read_files
from bmsrescue.probe.find import find_probe
from bmsrescue.probe.open import OpenProbe, make_ports, open_probe
from bmsrescue.probe.session import ProbeSession
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.probes.bench import ProbeBench, TwinSupply
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit


@dataclass
class Bench:
    """What a test looks at. `events` are the agent's."""

    unit: Unit
    session: ProbeSession
    opened: OpenProbe
    supply: TwinSupply | None
    probe: Any
    card: Path
    events: list[tuple[str, Any]] = field(default_factory=list)

    def told(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]


def write_card(folder: Path, scenario: str) -> None:
    """The card that a person would use for that unit."""
    for name, data in read_files(card_for(find(scenario))).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextmanager
def probe_bench(
    scenario: str,
    kind: str | Callable[[Unit], Any],
    folder: Path,
    *,
    switched: bool = True,
    with_card: bool = True,
    opener: Callable[[], OpenProbe] = lambda: open_probe(find_probe(None)),
) -> Iterator[Bench]:
    """`switched`: whether somebody switches the unit's supply for the engine. `opener`: another way to the probe."""
    bench = ProbeBench(build_unit(find(scenario)), kind)
    supply = TwinSupply(bench.unit) if switched else None
    card = folder / "card"
    if with_card:
        write_card(card, scenario)
    with bench.plugged_in():
        opened = opener()
        ports = make_ports(opened, supply, card, folder / "store", bench.clock)
        with ProbeSession(opened.name, ports) as session:
            session.add_closing(opened.close)
            found = Bench(bench.unit, session, opened, supply, bench.probe, card)
            with session.watching(lambda name, data: found.events.append((name, data))):
                yield found
