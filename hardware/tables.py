"""Tables of the documents: parts, pins, the check sheet with what a meter shows, and what each simulation found."""

from __future__ import annotations

import csv
import io
from collections import defaultdict

from bmsrescue.board.config import load_board
from hardware.bench import helper, limited_supply, load, supply, unit
from hardware.sims import Finding, load_all
from hardware.spice import Deck, node, operating_point
from hardware.stages import GPIO_PAD, STAGES, Design, design, pins_used

_BOARDS = ("pico", "pico2")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    rule = ["---:" if column in right else "---" for column in range(len(head))]
    return "\n".join(["| " + " | ".join(row) + " |" for row in (head, tuple(rule), *rows)])


def new_refs(stage: str) -> list[str]:
    """References that the stage before has not."""
    stages = list(STAGES)
    before = set(design(stages[stages.index(stage) - 1]).kinds) if stage != stages[0] else set()
    return [ref for ref in design(stage).kinds if ref not in before]


def _rows(netlist: Design, refs: list[str]) -> list[tuple[list[str], str, str, str]]:
    """(references, what, what to order, what serves as well); the same part is one row."""
    alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for ref in refs:
        kind, value = netlist.kinds[ref], netlist.values[ref]
        alike[(kind.what, kind.order.format(value=_printed(ref, value)), kind.instead)].append(ref)
    return [(refs, *key) for key, refs in alike.items()]


def _printed(ref: str, value: str) -> str:
    if ref.startswith("R"):
        return value.replace("k", " kohm") if "k" in value else f"{value} ohm"
    return value.replace("n", " nF").replace("u", " uF")


def parts_table(stage: str) -> str:
    """What a stage adds."""
    netlist = design(stage)
    rows = [
        (str(len(refs)), ", ".join(refs), what, order, instead)
        for refs, what, order, instead in _rows(netlist, new_refs(stage))
    ]
    return _table(("n", "parts", "what", "order", "or"), rows, (0,))


def parts_csv() -> str:
    """Every part of the whole board, by the stage that brings it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("stage", "quantity", "references", "what", "order", "instead", "footprint", "why"))
    for stage in STAGES:
        netlist = design(stage)
        for refs, what, order, instead in _rows(netlist, new_refs(stage)):
            why = "; ".join(dict.fromkeys(netlist.why[ref] for ref in refs))
            row = (stage, len(refs), " ".join(refs), what, order, instead, netlist.kinds[refs[0]].footprint, why)
            writer.writerow(row)
    return text.getvalue()


def pin_table() -> str:
    """Each pin that the whole board uses, as device/board.json names it."""
    netlist = design("card-and-display")
    rows = []
    for role, pin in sorted(pins_used(netlist.board).items(), key=lambda item: item[1]):
        first = next(stage for stage in STAGES if pin in pins_used(design(stage).board).values())
        others = sorted(
            f"{ref}.{name}"
            for ref in netlist.kinds
            for name, net in netlist.pins_of(ref).items()
            if net == f"GP{pin}" and ref != "A1"
        )
        rows.append((f"GP{pin}", str(GPIO_PAD[pin]), role, first, ", ".join(others)))
    return _table(("pin", "pad", "what for", "from stage", "on the board to"), rows, (1,))


_POINTS = ("3V3", "SUPPLY", "LIMITED", "GATE", "ENABLE", "U_BPLUS", "U_3V3", "U_NRST", "U_BOOT0", "GP26", "SENSE_BPLUS",
           "SENSE_12V", "SENSE_3V3", "SENSE_VCAP")  # fmt: skip


def check_sheet() -> str:
    """What a meter of 10 Mohm shows against GND, in three states: volts from ngspice."""
    netlist = design("card-and-display")
    bare = ["Rmeter1 u_nrst 0 10meg", "Rmeter2 u_boot0 0 10meg", "Riso iso_out 0 10meg", "R12v u_12v 0 10meg",
            "Rvcap u_vcap 0 10meg", "Ralert alert p3v3 10k", "Rb1 u_button_p 0 10meg", "Rb2 u_button_n 0 10meg",
            "Rswdio u_swdio 0 10meg", "Rswclk u_swclk 0 10meg", "Rmeter3 u_3v3 0 10meg"]  # fmt: skip
    rails = [*unit(netlist, True), "V12 u_12v 0 12", "Vcap u_vcap 0 1"]
    states = {
        "USB, no supply, no unit": Deck(netlist, ["Rnone supply 0 1meg", *helper(netlist, "reset", power="0"), *bare]),
        "and 18 V at the input": Deck(netlist, [*supply(18), *helper(netlist, "reset", power="0"), *bare]),
        "and switched on": Deck(netlist, [*supply(18), *helper(netlist, "reset", power="3.3"), *bare]),
        "with a unit that runs, 60 mA": Deck(
            netlist, [*limited_supply(18, 0.15), *helper(netlist, "reset", power="3.3"), *rails, *load(300)]
        ),
    }
    wanted = [f"v({node(net)})" for net in _POINTS]
    seen = {name: operating_point(deck, *wanted) for name, deck in states.items()}
    rows = [
        (f"{net}{_where(netlist, net)}", *(f"{abs(seen[name][f'v({node(net)})']):.2f}" for name in states))
        for net in _POINTS
    ]
    return _table(("point", *states), rows, (1, 2, 3, 4))


def _where(netlist: Design, net: str) -> str:
    """Where a probe finds it: at a part with few pins, or at a terminal."""
    places = [f"{ref} {name}" for ref in netlist.kinds for name, at in netlist.pins_of(ref).items() if at == net]
    places.sort(key=lambda place: (not place.startswith("J"), not place.startswith(("R", "Q")), place))
    return f" ({places[0].replace(' 1', ', one end').replace(' 2', ', one end')})"


def _limits(finding: Finding) -> str:
    if finding.low is None:
        return f"at most {finding.high:g}"
    if finding.high is None:
        return f"at least {finding.low:g}"
    return f"{finding.low:g} to {finding.high:g}"


def simulations_table() -> str:
    """A row for each simulation: its rule, and the value nearest to a limit."""
    rows = []
    for name, one in load_all().items():
        found = one.run()
        worst = min(found, key=_margin)
        value = f"{worst.what}: {worst.value:.3g} {worst.unit} ({_limits(worst)})"
        rows.append((f'<a id="sim-{name}"></a>`{name}`', one.rule, str(len(found)), value))
    return _table(("simulation", "what it shows", "values", "the one nearest to its limit"), rows, (2,))


def _margin(finding: Finding) -> float:
    """How far it is from its nearer limit, as a part of what it may be; a limit of 0 does not count."""
    span = max(abs(finding.high or 0.0), abs(finding.low or 0.0)) or 1.0
    ends = [abs(finding.value - limit) for limit in (finding.low, finding.high) if limit is not None and limit != 0]
    return min(ends, default=span) / span


def boards_agree() -> list[str]:
    """What device/boards/pico2.json has otherwise than device/board.json: the same netlist serves both."""
    pico, pico2 = (load_board(name) for name in _BOARDS)
    return sorted(key for key in pico if key != "lacks" and pico[key] != pico2.get(key))
