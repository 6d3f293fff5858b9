"""A dongle without a switch, and a person who switches: when they are asked, late, wrongly, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.twin.by_hand_rig import dongle_by_hand
from bmsrescue.twin.chip import dbgmcu
from bmsrescue.twin.chip.core import regs as cm
from bmsrescue.twin.helper.helper import ENDED, RunResult
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find

OFF, ON = "switch the unit's supply off now", "switch the unit's supply on now"
NO_SWITCH = {"power", "boot0"}
VTREF = {"v3v3"}
RUNS_AFTER_NS = 500_000_000
HALTED = cm.DHCSR_KEY << 16 | cm.C_DEBUGEN | cm.C_HALT


class Told:
    """What came of a press."""

    def __init__(self, result: RunResult, asked: list[str]) -> None:
        assert (result.how, result.output) == (ENDED, "")
        assert result.record is not None
        self.record: dict[str, Any] = result.record
        self.asked = asked
        self.answers = [data["answer"] for _, name, data in result.events if name == "answer"]  # type: ignore[call-overload]


def press(
    name: str = "half-on", parts: set[str] = NO_SWITCH, rails: set[str] = VTREF, card: bool = True, **person: Any
) -> Told:
    scenario = find(name)
    by_hand = dongle_by_hand(scenario, card_for(scenario) if card else None, parts, rails, **person)
    return Told(by_hand.rig.run(), by_hand.person.asked)


@pytest.mark.parametrize("name", ["half-on", "watchdog-loop"])
def test_with_a_person_at_the_switch_a_unit_is_cured_and_proven(name: str) -> None:
    assert_cured(name, press(name))


def assert_cured(name: str, told: Told) -> None:
    assert told.record["outcome"] == find(name).expected_outcome
    assert told.record["proof"]["lines"][0].startswith("the power was away: rails fell (v3v3 below 300 mV")
    assert told.asked[-2:] == [OFF, ON]
    assert "left on" in told.record["proof"]["lines"][-1]


def test_boot0_is_held_by_hand_where_nothing_else_reaches_the_chip() -> None:
    told = press("wrong-supply-boot0", rails=VTREF | {"vcap"})
    assert_cured("wrong-supply-boot0", told)
    assert told.record["evidence"]["swd"]["how"] == "boot0"
    assert "hold BOOT0 to 3.3 V and keep it there" in told.asked
    assert told.asked[told.asked.index("hold BOOT0 to 3.3 V and keep it there") + 1] == "let go of BOOT0"


def test_where_no_rail_is_seen_the_debug_port_going_silent_is_what_was_seen() -> None:
    told = press(parts=NO_SWITCH | {"pulls"}, rails=set())
    assert told.record["outcome"] == "RECOVERED"
    assert told.record["proof"]["lines"][0] == "the power was away: the debug port went silent, and answered again"


def test_a_person_who_is_late_is_waited_for() -> None:
    told = press(reaction_ms=40_000)
    assert told.record["outcome"] == "RECOVERED"
    assert told.answers == ["seen", "seen"]


def test_a_person_who_does_not_come_leaves_the_proof_unmade() -> None:
    told = press(away=frozenset({"power"}))
    assert (told.record["outcome"], told.answers) == ("VERIFIED_UNPROVEN", [None])
    assert "nobody has switched it by hand" in told.record["sentence"]


def test_a_person_may_say_that_they_cannot() -> None:
    told = press(cannot=frozenset({"power"}))
    assert (told.record["outcome"], told.answers) == ("VERIFIED_UNPROVEN", ["cannot"])
    assert "nobody has switched it by hand" in told.record["proof"]["unproven"]


def test_the_wrong_supply_is_noticed_and_asked_for_again() -> None:
    told = press(wrong=1)
    assert told.record["outcome"] == "RECOVERED"
    assert told.asked == [OFF, "nothing has moved: look again, and switch the unit's own supply off", ON]


def test_who_only_says_that_it_was_switched_off_is_not_believed() -> None:
    told = press(wrong=3)
    assert told.record["outcome"] == "VERIFIED_UNPROVEN"
    assert told.answers == ["done"] * 3
    assert "the power was away" not in " ".join(told.record["proof"]["lines"])


def test_who_cannot_hold_boot0_leaves_that_way_out() -> None:
    told = press("wrong-supply-boot0", rails=VTREF | {"vcap"}, cannot=frozenset({"boot0"}))
    assert told.record["outcome"] == "EXAMINED", "a core supply that its firmware has taken is not told from a dead one"
    assert "boot0" not in [attempt["how"] for attempt in told.record["evidence"]["swd"]["tries"]]
    assert told.asked.count("hold BOOT0 to 3.3 V and keep it there") == 1


def test_a_look_without_a_job_asks_for_nothing_when_the_unit_is_on() -> None:
    told = press("healthy", card=False)
    assert (told.record["outcome"], told.asked) == ("EXAMINED", [])


def test_a_core_that_a_debugger_has_left_halted_is_started_before_it_is_judged() -> None:
    """The unit keeps its power when the helper before loses its own, and nobody else lets the core go."""
    scenario = find("healthy")
    by_hand = dongle_by_hand(scenario, card_for(scenario), NO_SWITCH, VTREF, cannot=frozenset({"power"}))
    unit = by_hand.rig.unit
    unit.set_power(True)
    unit.clock.advance(RUNS_AFTER_NS)
    unit.chip.dbgmcu.write(dbgmcu.APB4FZ1, 4, dbgmcu.IWDG1_FREEZE)
    unit.chip.core.ppb.write(cm.DHCSR, 4, HALTED)
    assert unit.chip.core.halted
    found = Told(by_hand.rig.run(), by_hand.person.asked).record
    assert (found["outcome"], found["diagnosis"]["cause"]) == ("NO_FAULT_FOUND", "healthy")
    assert (
        "the core was left halted by a debugger: it was started anew, and then looked at"
        in (found["diagnosis"]["evidence"])
    )
    assert not unit.chip.core.halted
