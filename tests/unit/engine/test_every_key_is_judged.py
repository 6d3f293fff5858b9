"""Everything that is read about a unit is judged or told: each key has its reader (tests/support/evidence_keys.py)."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from test_diagnosis_rules import CASES, diagnose, good_unit

from evidence_keys import _NAMED, KEYS, RULE, WHAT_TO_DO, unknown

ROOT = Path(__file__).parents[3]
WRITTEN = re.compile(r"evidence(?:\[|\.setdefault\()\"(\w+)\"(?:\]\[\"(\w+)\"\])?(?:\]| *,)? *(?:=[^=]|\)|,)")


class Watched(dict[str, Any]):
    """An object that notes which of its keys are asked for."""

    def __init__(self, values: dict[str, Any], path: str, seen: set[str]) -> None:
        super().__init__({key: _watch(value, _join(path, key), seen) for key, value in values.items()})
        self._path, self._seen = path, seen

    def __getitem__(self, key: str) -> Any:
        self._seen.add(_join(self._path, key))
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._seen.add(_join(self._path, key))
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._seen.add(_join(self._path, str(key)))
        return super().__contains__(key)


def _join(path: str, key: str) -> str:
    return f"{path}.*" if path in _NAMED else f"{path}.{key}".lstrip(".")


def _watch(value: Any, path: str, seen: set[str]) -> Any:
    if isinstance(value, dict):
        return Watched(value, path, seen)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [Watched(inner, path + "[]", seen) for inner in value]
    return value


def out_of_the_ordinary() -> dict[str, Any]:
    """A unit in order with everything odd that a remark is about."""
    evidence = good_unit()
    evidence["options"].update(
        change_error=True,
        iwdg_hardware=True,
        reset_on_stop=True,
        reset_on_standby=True,
        bor_level=2,
        bor_mv=2400,
        io_high_speed=True,
        boot_add1=0x24000000,
        itcm_kib=128,
        swap_bank=True,
        pcrop=[[0xA0000, 0xA0FFF]],
    )
    evidence["supply"] = {"cr3": 0x6, "csr1": 0, "d3cr": 0x4000}
    evidence["chip"].update(revision="unknown", rev_id=0x2003, name="STM32H725")
    evidence["swd"].update(dpidr=0x0BE12477, aps={"0": 0x54770002, "1": None})
    evidence["reset_cause"] = {"raw": 0x01000000, "flags": ["SFTRSTF"]}
    evidence["watch"] = {"s": 60, "edges": 3, "rails": {"v3v3": [2900, 3300], "v12": [11900, 12100]}, "dropped": None}
    evidence["unreadable"] = {"supply": "fault"}
    evidence["by_meter"] = ["v12"]
    evidence["rails"]["zero"] = {"raw": 240, "by": "lowest rail"}
    evidence["rails"]["button"] = {"by": "found", "rail": "v12", "before_mv": 30, "mv": 12_010}
    return evidence


def another_family() -> dict[str, Any]:
    """What answers on SWD is no STM32H7."""
    evidence = good_unit()
    aps = {"0": 0x54770002, "1": 0x84770001, "2": 0}
    evidence["swd"].update(how=None, family={"dpidr": 0x6BA02477, "core": "Cortex-M33", "aps": aps})
    return evidence


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """The keys that the diagnosis asks for, over all stories of its rules."""
    seen: set[str] = set()
    for _story, _cause, change in CASES:
        evidence = good_unit()
        change(evidence)
        diagnose(Watched(copy.deepcopy(evidence), "", seen))
    diagnose(Watched(out_of_the_ordinary(), "", seen))
    diagnose(Watched(another_family(), "", seen))
    return seen


def test_each_key_that_a_rule_is_said_to_use_is_asked_for(asked: set[str]) -> None:
    idle = sorted(path for path, user in KEYS.items() if user == RULE and path not in asked)
    assert not idle, f"no rule asks for them in any story of CASES, see KEYS of tests/support/evidence_keys.py: {idle}"


def test_no_rule_asks_for_what_nobody_reads(asked: set[str]) -> None:
    there = {re.split(r"[.\[]", path)[0] for path in KEYS}
    unread = sorted({re.split(r"[.\[]", path)[0] for path in asked} - there)
    assert not unread, f"the agent puts nothing of that name into the evidence, so the rule never holds: {unread}"


def test_each_other_key_is_named_where_it_is_said_to_be_used() -> None:
    for path, user in KEYS.items():
        if user != RULE:
            name = path.removesuffix(".*").rpartition(".")[2]
            assert re.search(rf"[\"'{{]{name}[\"'}}]", (ROOT / user).read_text(encoding="utf-8")), (path, user)


def test_each_group_that_the_agent_puts_into_the_evidence_has_a_reader() -> None:
    stems = {re.split(r"[.\[]", path)[0] for path in KEYS}
    written: set[str] = set()
    for source in (ROOT / "device" / "rescue").rglob("*.py"):
        written |= {match[1] for match in WRITTEN.finditer(source.read_text(encoding="utf-8"))}
    assert {"chip", "core", "marker", "bootloader", "latch", "watch"} & written, (
        "the pattern still finds what is written"
    )
    assert written <= stems, f"{sorted(written - stems)} {WHAT_TO_DO}"


def test_a_key_without_a_reader_is_found() -> None:
    evidence = good_unit()
    assert unknown(evidence) == set()
    evidence["core"]["temperature"] = 20
    evidence["sectors"][3]["age"] = 1
    assert unknown(evidence) == {"core.temperature", "sectors[].age"}


def test_what_is_out_of_the_ordinary_is_told_beside_the_cause() -> None:
    told = diagnose(out_of_the_ordinary())
    assert (told["cause"], told["confidence"]) == ("healthy", "likely")
    said = " / ".join(told["evidence"])
    for words in (
        "v12 12000 mV by a person's meter",
        "OPTCHANGEERR",
        "start the watchdog at reset",
        "enters Stop",
        "enters Standby",
        "below 2400 mV",
        "IO_HSLV",
        "BOOT_ADD1 0x24000000",
        "ITCM has 128 KiB",
        "SWAP_BANK",
        "execute-only area 0x080a0000..0x080a0fff",
        "core supply by LDO and SMPS (PWR_CR3 0x00000006), not ready",
        "revision 0x2003",
        "DPIDR 0x0be12477",
        "SFTRSTF (RCC_RSR 0x01000000)",
        "NRST fell 3 times in the watch of 60 s",
        "v3v3 2900..3300 mV in the watch",
        "not read: supply (fault)",
    ):
        assert words in said


def test_a_good_unit_has_nothing_to_remark() -> None:
    told = diagnose(good_unit())
    assert (told["cause"], told["confidence"]) == ("healthy", "certain")
    assert len(told["evidence"]) <= 4  # map, core, supply, and for how long NRST was watched


@pytest.mark.parametrize("group", ["options", "supply", "reset_cause", "core"])
def test_a_unit_of_which_something_could_not_be_read_is_not_certainly_in_order(group: str) -> None:
    evidence = good_unit()
    evidence["unreadable"] = {group: "fault"}
    told = diagnose(evidence)
    assert told["confidence"] == "likely"
    assert f"not read: {group} (fault)" in told["evidence"]
