"""ngspice decks from the netlist: every part of a stage as an element, faults put in, a bench around it, a run.

Nothing is typed a second time here: references, nets and values come from `stages.design`. What the netlist ends at
(the unit, the supply, the helper's pins) is played by `bench.py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from hardware.parts import Kind
from hardware.stages import Design

_MUX_OHM = 80
_SHUNT_OHM = 0.1
_FUSE_OHM = {"1A": 0.15, "0.2A": 2.0}
_OPEN_OHM, _SHORT_OHM = 1e9, 0.01
_CAN_FAIL = ("R", "C", "D", "Q", "M")
_SECONDS = 30
_RESULT = re.compile(r"^\s*([a-z][\w().#+-]*)\s*=\s*(-?[\d.]+(?:e[+-]?\d+)?)", re.IGNORECASE | re.MULTILINE)
_BETWEEN = re.compile(r"v\((\w+),(\w+)\)")
_CLAMP = ".model CLAMP D(IS=1e-14 RS=8 N=1.05)"
_HEAD = ".options reltol=1e-4 abstol=1e-10 vntol=1e-6 gmin=1e-13 method=gear"


class SimulationError(Exception):
    """ngspice is not there, or could not run a deck."""


def node(net: str) -> str:
    """A net's name in a deck."""
    if net == "GND":
        return "0"
    return f"p{net.lower()}" if net[0].isdigit() else net.lower()


def number(value: str) -> str:
    """ "4.7k" -> as ngspice reads it; 10u and 100n already are."""
    return value.replace("M", "meg")


@dataclass
class Fault:
    """One part that fails: `ref`, and between which of its pins; "open" at a pin, "short" between two."""

    ref: str
    kind: str
    pins: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.ref} {self.kind} {'-'.join(self.pins)}"

    def element(self) -> str:
        """The resistor that plays it, in a deck that is `faultable`."""
        return f"rfault_{self.kind}_{self.ref}_{'_'.join(self.pins)}".lower()


def faults_of(ref: str, kind: Kind) -> Iterator[Fault]:
    """Each of a part's pins open, and each two of them shorted. Modules, connectors and what is inside a chip: none."""
    if kind.spice not in _CAN_FAIL:
        return
    pins = [name for _number, name, _func in kind.pins]
    yield from (Fault(ref, "open", (pin,)) for pin in (pins[:1] if len(pins) == 2 else pins))
    yield from (Fault(ref, "short", (one, other)) for at, one in enumerate(pins) for other in pins[at + 1 :])


@dataclass
class Deck:
    """A circuit to be run. `bench`: lines of what is around; `control`: what ngspice is to do and to print."""

    design: Design
    bench: list[str] = field(default_factory=list)
    faultable: bool = False
    """Every part with resistors that can open and short it: see `each_fault`."""
    without: tuple[str, ...] = ()
    channel: int = 0
    """Which of the multiplexer's channels is selected."""
    celsius: float = 27

    def text(self, control: Iterable[str]) -> str:
        lines = [f"* {self.design.stage}, made by hardware/spice.py", _HEAD, f".temp {self.celsius:g}", _CLAMP]
        lines += sorted({kind.model for kind in self.design.kinds.values() if kind.model})
        for ref in self.design.kinds:
            if ref not in self.without:
                lines += self._elements(ref)
        lines += self.bench
        return "\n".join([*lines, ".control", "set noaskquit", *control, "quit", ".endc", ".end", ""])

    def _elements(self, ref: str) -> list[str]:
        kind, value = self.design.kinds[ref], self.design.values[ref]
        nets = {pin: node(net) for pin, net in self.design.pins_of(ref).items()}
        extra: list[str] = []
        outside = dict(nets)
        for fault in faults_of(ref, kind) if self.faultable else ():
            if fault.kind == "open":
                (pin,) = fault.pins
                nets[pin] = f"{ref.lower()}_{pin.lower()}_in"
                extra.append(f"{fault.element()} {outside[pin]} {nets[pin]} {_SHORT_OHM / 10:g}")
            else:
                one, other = fault.pins
                extra.append(f"{fault.element()} {outside[one]} {outside[other]} {_OPEN_OHM:g}")
        return [*self._of_kind(ref, kind.spice, value, nets), *extra]

    def _of_kind(self, ref: str, what: str | None, value: str, nets: Mapping[str, str]) -> list[str]:
        if what == "R":
            ohm = _FUSE_OHM.get(value) if ref.startswith("F") else None
            return [f"{'R' if ref.startswith('F') else ''}{ref} {nets['1']} {nets['2']} {ohm or number(value)}"]
        if what == "C":
            return [f"{ref} {nets['1']} {nets['2']} {number(value)}"]
        if what == "D":
            return [f"{ref} {nets['A']} {nets['K']} {self._model(ref)}"]
        if what == "Q":
            return [f"{ref} {nets['C']} {nets['B']} {nets['E']} {self._model(ref)}"]
        if what == "M":
            return [f"M{ref} {nets['D']} {nets['G']} {nets['S']} {self._model(ref)}"]
        if what == "OPTO":
            return [
                f"D{ref} {nets['A']} {ref}_led OPTOLED",
                f"V{ref} {ref}_led {nets['K']} 0",
                f"R{ref}c {nets['C']} 0 1g",
                f"R{ref}e {nets['E']} 0 1g",
            ]
        if what == "SHUNT":
            return [f"R{ref} {nets['IN+']} {nets['IN-']} {_SHUNT_OHM}"]
        if what == "MUX":
            return self._mux(ref, nets)
        return []

    def _mux(self, ref: str, nets: Mapping[str, str]) -> list[str]:
        lines = [
            f"rmux{channel} {nets[f'X{channel}']} {nets['X']} "
            f"{_MUX_OHM if channel == self.channel and not self.faultable else _OPEN_OHM:g}"
            for channel in range(8)
        ]
        for inner in sorted({net for pin, net in nets.items() if pin.startswith("X") and net != "0"}):
            lines += [f"D{ref}{inner}p {inner} {nets['VCC']} CLAMP", f"D{ref}{inner}n 0 {inner} CLAMP"]
        return lines

    def _model(self, ref: str) -> str:
        return self.design.kinds[ref].model.split()[1].partition("(")[0]


def run(deck: Deck, control: Iterable[str]) -> dict[str, float]:
    """What ngspice printed and measured, by name, in V, A, s."""
    return dict(_printed(deck, control))


def _printed(deck: Deck, control: Iterable[str]) -> list[tuple[str, float]]:
    program = shutil.which("ngspice")
    if program is None:
        raise SimulationError("ngspice is not installed: apt install ngspice")
    text = deck.text(control)
    done = subprocess.run([program, "-b", "/dev/stdin"], input=text, capture_output=True, text=True, timeout=_SECONDS)
    found = [(match[1].lower(), float(match[2])) for match in _RESULT.finditer(done.stdout)]
    if not found or "error" in done.stderr.lower():
        raise SimulationError(f"ngspice on {deck.design.stage}:\n{done.stderr}\n{done.stdout[-800:]}\n{text}")
    return found


def operating_point(deck: Deck, *wanted: str) -> dict[str, float]:
    """DC values: `wanted` are expressions such as "v(u_3v3)"; the answer has them as they were asked for."""
    control = ["op"]
    for index, expression in enumerate(wanted):
        control += [f"let r{index} = {expression}", f"print r{index}"]
    found = run(deck, control)
    return {expression: found[f"r{index}"] for index, expression in enumerate(wanted)}


def transient(deck: Deck, step: str, until: str, measures: Mapping[str, str], *, uic: bool = False) -> dict[str, float]:
    """`measures`: name -> what ngspice's `meas tran NAME` takes."""
    control = [f"tran {step} {until}{' uic' if uic else ''}"]
    for name, what in measures.items():
        between = _BETWEEN.search(what)  # `meas` knows no differences: they become vectors first
        if between is not None:
            control.append(f"let d_{name} = v({between[1]}) - v({between[2]})")
            what = what.replace(between[0], f"d_{name}")
        control.append(f"meas tran m_{name} {what}")  # a result becomes a vector: never under a node's name
    found = run(deck, control)
    missing = [name for name in measures if f"m_{name}" not in found]
    if missing:
        raise SimulationError(f"ngspice did not find {', '.join(missing)} on {deck.design.stage}")
    return {name: found[f"m_{name}"] for name in measures}


def each_fault(deck: Deck, cases: Iterable[tuple[Fault, int]], *wanted: str) -> list[tuple[Fault, dict[str, float]]]:
    """DC values with each fault in turn and the multiplexer's channel beside it, in one run of ngspice."""
    cases = list(cases)
    deck = replace(deck, faultable=True)
    control = []
    for fault, channel in cases:
        name = fault.element()
        whole, broken = (_SHORT_OHM / 10, _OPEN_OHM) if fault.kind == "open" else (_OPEN_OHM, _SHORT_OHM)
        select = [f"alter rmux{channel} "] if "U2" in deck.design.kinds else []
        control += [f"alter {name} {broken:g}", *(f"{one}{_MUX_OHM}" for one in select)]
        control += ["op", f"print {' '.join(wanted)}", "destroy all", f"alter {name} {whole:g}"]
        control += [f"{one}{_OPEN_OHM:g}" for one in select]
    values = [value for _name, value in _printed(deck, control)]
    if len(values) != len(cases) * len(wanted):
        raise SimulationError(f"ngspice on {deck.design.stage}: {len(values)} values of {len(cases) * len(wanted)}")
    rows = [values[at : at + len(wanted)] for at in range(0, len(values), len(wanted))]
    return [(fault, dict(zip(wanted, row, strict=True))) for (fault, _channel), row in zip(cases, rows, strict=True)]
