"""Any wiring on any broken unit, and what must hold whatever is missing. What is true comes from the fault that was put
in and from the catalogue (the scenario's cause and outcome with every part there), never from a rule of the engine.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.field.physics import look_alone
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import Scenario, all_scenarios, find
from dongle_run import DongleRun, press_button
from must_end_as import ROWS, cut_in_time, nothing_driven, nothing_written, told, without_a_power_cycle, zero_is_told

SWITCHABLE: Final = ("power", "boot0", "card", "display")
"""The parts that the whole campaign takes away, beside the rails."""
BARE: Final = frozenset(("power", "boot0", "unit_button", "current", "display"))
"""A bare probe: SWDIO, SWCLK, GND and NRST, and no rail."""
_SECTOR: Final = 128 * 1024
_WIRE_OFF: Final = {"v12-sense": ("v12", "interrupted-erase")}
"""(rail, what the unit is besides): the fault is the wire to that rail, and a helper without it has no such fault."""
_LEFT_ALONE: Final = (cut_in_time, nothing_driven, nothing_written, without_a_power_cycle, zero_is_told)
_GREEN: Final = ("RECOVERED", "RECOVERED_CHECK_CONFIG", "NO_FAULT_FOUND")
_LABELS: Final = {"bplus": "B+", "v12": "12 V", "v5iso": "isolated 5 V", "v3v3": "3.3 V", "vcap": "VCAP"}
_ERASES_ALL: Final = "rdp-regression"
_MOVES_WITHOUT_ERASING: Final = {"option-corruption", "wrong-boot-address-consent"}  # of option bytes alone


@dataclass(frozen=True)
class Case:
    """A unit, the rails that the helper sees, and the parts that it does without."""

    name: str
    rails: tuple[str, ...] = RAILS
    missing: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.name}: sees {','.join(self.rails) or 'no rail'}; without {','.join(sorted(self.missing)) or '-'}"


def rail_subsets() -> list[tuple[str, ...]]:
    """All 32."""
    return [found for count in range(len(RAILS) + 1) for found in itertools.combinations(RAILS, count)]


def every_case() -> Iterator[Case]:
    """The whole: each scenario with each subset of rails, with and without each part of SWITCHABLE."""
    for scenario in all_scenarios():
        for rails in rail_subsets():
            for count in range(len(SWITCHABLE) + 1):
                for missing in itertools.combinations(SWITCHABLE, count):
                    yield Case(scenario.name, rails, frozenset(missing))


def in_rounds(seed: int) -> list[Case]:
    """The whole in a seeded order, in 16 rounds: in each of them every unit meets every subset of rails once, with
    another choice of SWITCHABLE missing. Any beginning of it is a fair sample."""
    rounds: dict[int, list[Case]] = {}
    draw = random.Random(seed)
    for _, cases in itertools.groupby(every_case(), key=lambda case: (case.name, case.rails)):
        choices = list(cases)
        draw.shuffle(choices)
        for turn, case in enumerate(choices):
            rounds.setdefault(turn, []).append(case)
    for cases_of_round in rounds.values():
        draw.shuffle(cases_of_round)
    return [case for turn in sorted(rounds) for case in rounds[turn]]


def true_name(case: Case) -> str:
    """The catalogue's name of what there is to be found by that helper."""
    rail, besides = _WIRE_OFF.get(case.name, ("", case.name))
    return case.name if rail in case.rails else besides


def bare(name: str) -> Case:
    return Case(name, (), BARE)


def run(case: Case) -> DongleRun:
    """One press of the button on that unit."""
    scenario = find(case.name)

    def breaks(unit: Any) -> None:
        scenario.breaks(unit)
        without = frozenset(RAILS) - set(case.rails)
        traits: HelperTraits = unit.faults.helper
        unit.break_board(helper=replace(traits, missing_rails=without, missing_parts=case.missing))

    card = card_for(scenario)
    return press_button(TwinRig(replace(scenario, breaks=breaks), card), card)


def judge(case: Case, done: DongleRun) -> list[str]:
    """What is wrong with how it ended, as sentences; none where all is well."""
    if done.result.how != ENDED or done.result.output or done.result.record is None:
        return [f"ended {done.result.how}: {done.result.output[-400:]}"]
    checks = (_own_faults, _sentences, _power_claims, _writes, _left_behind, _verdict)
    return [line for check in checks for line in check(case, done)]


def has_found(case: Case, done: DongleRun) -> str:
    """ "found"; "narrowed": the cause is among what it could be, and that is not said to be certain; "not seen": the
    unit is well as far as seen, and it is said what was not; or "missed"."""
    diagnosis, wanted = done.record["diagnosis"], find(true_name(case)).expected_diagnosis
    if diagnosis["cause"] == wanted or _also_true(case, diagnosis["cause"]):
        return "found"
    if wanted in diagnosis["alternatives"] and diagnosis["confidence"] != "certain":
        return "narrowed"
    if (
        diagnosis["cause"] == "healthy"
        and diagnosis["confidence"] != "certain"
        and "as far as" in diagnosis["sentence"]
    ):
        return "not seen"
    return "missed"


def _own_faults(case: Case, done: DongleRun) -> Iterator[str]:
    error = done.record["error"]
    if error is not None and error["kind"] in ("tool", "memory"):
        yield f"a fault of the agent's own: {error['message']}"
    unseen = {name for name in RAILS if name not in case.rails}
    unseen |= case.missing & {"power", "nrst", "unit_button", "pulls", "current"}
    evidence = done.record["evidence"]
    # A person at the dongle may hold BOOT0: nobody knows before they are asked.
    if "unseen" in evidence and set(evidence["unseen"]) - {"boot0"} != unseen:
        yield f"evidence.unseen is {evidence['unseen']}, and without are {sorted(unseen)}"
    seen = set((evidence["rails"]["on"] or {}).keys()) | set((evidence["rails"]["off"] or {}).keys())
    if seen - set(case.rails):
        yield f"rails in the evidence that nobody sees: {seen - set(case.rails)}"


def _sentences(case: Case, done: DongleRun) -> Iterator[str]:
    # What is said of what nobody saw.
    words = told(done)
    if done.record["proof"]:
        words += " / ".join(done.record["proof"]["lines"])
    for rail in set(RAILS) - set(case.rails):
        for name in (rail, _LABELS[rail]):
            if re.search(
                rf"(?<![\w.]){re.escape(name)} (rail )?(reads|is at|at|stays at|reached|comes to) -?\d+ mV", words
            ):
                yield f"a voltage of {rail} is told, which nobody saw: {words}"
            if re.search(rf"(?<![\w.]){re.escape(name)} -?\d+ mV", words):
                yield f"a voltage of {rail} is told, which nobody saw: {words}"
        if re.search(rf"(?<![\w.]){re.escape(_LABELS[rail])} is (good|there|up)\b", words):
            yield f"{rail} is said to be there, which nobody saw: {words}"
    if "power" in case.missing:
        for claim in (
            "Power was cut",
            "power was cut",
            "with the power switched on",
            "switched off and proven",
            "topped and switched off",
        ):
            if claim in words:
                yield f"{claim!r} is said by a helper without a switch"
        if done.record["diagnosis"]["cause"] == "backfeed":
            yield "a unit that others feed is said to be back-fed by a helper that cannot switch it"
    if "nrst" in case.missing and re.search(r"NRST (edges|low|high|fell)", words):
        yield f"NRST is told, which nobody saw: {words}"


def _power_claims(case: Case, done: DongleRun) -> Iterator[str]:
    # Off means that a rail was seen to fall, and the unit's chip has to have been without supply in truth.
    record = done.record
    first = (record["proof"] or {"lines": []})["lines"][:1]
    claims = record["outcome"] in ("RECOVERED", "RECOVERED_CHECK_CONFIG") or any("power was away:" in x for x in first)
    could = "power" not in case.missing and bool({"v3v3", "vcap"} & set(case.rails))
    if claims and not could:
        yield f"a true power cycle is claimed: {record['outcome']}, {first}"
    if "power" in case.missing and record["power_cycles"]:
        yield f"{record['power_cycles']} power cycles are counted by a helper without a switch"
    if record["outcome"] == "VERIFIED_UNPROVEN":
        if could:
            yield "not proven, although this helper can switch the unit and sees the chip's supply"
        said = ("no proof by a power cycle", "the proof at the end needs a person")
        if not any(line.startswith(said) for line in record["plan"] or ()):
            yield "that nothing can be proven was not said before the first erase"


def _verdict(case: Case, done: DongleRun) -> Iterator[str]:
    record, scenario = done.record, find(true_name(case))
    diagnosis, wanted = record["diagnosis"], scenario.expected_diagnosis
    whole = set(case.rails) == set(RAILS) and not case.missing - {"display"}
    if whole and (diagnosis["cause"], record["outcome"]) != (wanted, scenario.expected_outcome):
        yield f"with every part there it ends {diagnosis['cause']}, {record['outcome']}"
    roles = {"bplus", "v12", "v3v3", "vcap"}
    if diagnosis["cause"] in ("healthy", "quiet") and diagnosis["confidence"] == "certain":
        if not roles <= set(case.rails) or "nrst" in case.missing:
            yield "healthy for certain, and not all of it was seen"
        if scenario.expected_outcome != "NO_FAULT_FOUND":
            yield f"healthy for certain, and it is {wanted}"
    sure = record["outcome"] != "NO_FAULT_FOUND" or diagnosis["confidence"] == "certain"
    green = record["outcome"] in _GREEN and sure
    if green and scenario.expected_outcome not in _GREEN and not _was_only_cut_short(scenario, done):
        yield f"it ends {record['outcome']}, and with every part there {scenario.expected_outcome}"
    if scenario.expected_outcome in _NOT_AFTER and "Not a firmware fault" in record["sentence"]:
        yield f"{record['sentence']!r} is said, and with every part there it ends {scenario.expected_outcome}"
    by_wires = scenario.expected_outcome in ("CHECK_WIRES", "NO_FAULT_FOUND")
    if "not with the unit" in record["sentence"] and not by_wires:
        yield f"the wires are blamed, and with every part there it ends {scenario.expected_outcome}"
    if "card" in case.missing:
        return  # without a job it says what the unit is, not what it should be
    if (
        diagnosis["confidence"] == "certain"
        and diagnosis["cause"] != wanted
        and not _also_true(case, diagnosis["cause"])
    ):
        yield f"{diagnosis['cause']} for certain, and it is {wanted}: {diagnosis['sentence']}"


def _was_only_cut_short(scenario: Scenario, done: DongleRun) -> bool:
    # INTERRUPTED is how a run went, not what the unit is: one that nothing stopped may have cured it.
    if scenario.expected_outcome != "INTERRUPTED":
        return False
    image = json.loads(done.card["job.json"])["image"]
    for segment in image["segments"]:
        data = done.card[image["file"]][segment["offset"] :][: segment["length"]]
        at = int(segment["address"], 0) - 0x0800_0000
        if done.flash_after[at : at + len(data)] != data:
            return False
    return look_alone(done.bench.unit).runs


def _also_true(case: Case, cause: str) -> bool:
    # What is true beside the scenario's own cause: causes that the same fault brings about.
    return cause in _BESIDE.get(true_name(case), ())


_NOT_AFTER: Final = _GREEN  # what new firmware cures, or what is well, is not said to be past it
# What such a unit has besides, and is named where its own cause shows only after a power cycle.
_BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "dead-crystal-half-on": ("update-cut",),
    "fault-image": ("update-cut",),
    "fault-image-put-back": ("older-firmware",),
    "other-supply-image": ("update-cut",),
    "brownout-during-flash": ("update-cut",),
}


def may_write(name: str) -> bool:
    """Whether a helper with every part writes to this unit: by what must hold of it (must_end_as.py)."""
    return ROWS[name].check not in _LEFT_ALONE


def _writes(case: Case, done: DongleRun) -> Iterator[str]:
    changed = [
        n for n in range(8) if done.flash_before[n * _SECTOR :][:_SECTOR] != done.flash_after[n * _SECTOR :][:_SECTOR]
    ]
    if not changed:
        return
    name = true_name(case)
    scenario = find(name)
    if "card" in case.missing or not may_write(name) or scenario.expected_outcome in ("LOCKED", "WRONG_TARGET"):
        yield f"sectors {changed} are changed, which a helper with every part leaves alone"
        return
    owned = [sector["index"] for sector in done.record["evidence"].get("sectors") or [] if sector["owned"]]
    allowed = {*owned, *(int(word[7:]) for word in scenario.consent if word.startswith("sector:"))}
    if _ERASES_ALL in scenario.consent:
        allowed = set(range(8))
    if "update-flag" in scenario.consent:
        flag = json.loads(done.card["job.json"])["bootloader"]["flag"]["address"]
        allowed.add((int(flag, 0) - 0x0800_0000) // _SECTOR)
    if not set(changed) <= allowed:
        yield f"sectors {changed} are changed, and {sorted(allowed)} may be"


def _left_behind(case: Case, done: DongleRun) -> Iterator[str]:
    if done.result.left_powered:
        yield "the agent has left the unit's supply on"
    if done.bench.unit.supply_on != ("power" in case.missing):
        yield "the supply is not as others had left it"
    was_well = find(true_name(case)).expected_outcome == "NO_FAULT_FOUND"
    in_order = was_well or done.record["outcome"] == "VERIFIED_UNPROVEN"
    works = done.record["proof"] is None or done.record["proof"]["passed"]
    if done.bench.unit.supply_on and in_order and works and not _blinks(done.bench.unit):
        yield "the unit does not run any more, and it has its supply"


def _blinks(unit: Any) -> bool:
    lit = set()
    for _ in range(40):
        unit.clock.advance(50_000_000)
        lit.add(tuple(sorted(unit.leds.items())))
    return len(lit) > 1
