"""What a station can be, in words, symbols and colours that a person reads across the room."""

from dataclasses import dataclass
from typing import Any

from rescuelink.outcomes import (
    ABORTED,
    CHECK_WIRES,
    EXAMINED,
    RECOVERED_CHECK_CONFIG,
    TOOL_ERROR,
    VERIFIED_UNPROVEN,
    exit_class,
)

EMPTY = "empty"
DETECTING = "detecting"
WAIT_LABEL = "wait for label"
WORKING = "working"
PASS = "PASS"
CHECK = "CHECK CONFIG"
UNPROVEN = "NOT PROVEN"
FAIL = "FAIL"
WIRES = "check wires"
REMOVE = "remove unit"
OUT = "out of service"


@dataclass(frozen=True)
class Face:
    """How a state looks: never by colour alone."""

    symbol: str
    colour: str
    advice: str


FACES = {
    EMPTY: Face("○", "grey", "Insert a unit."),
    DETECTING: Face("◔", "grey", "Leave it as it is."),
    WAIT_LABEL: Face("▥", "yellow", "Scan the unit's label."),
    WORKING: Face("▶", "blue", "Do not touch the unit."),
    PASS: Face("✔", "green", "Remove the unit."),
    CHECK: Face("⚠", "amber", "It runs. Remove it and put it where configurations are checked."),
    UNPROVEN: Face("◐", "magenta", "The image is in. Remove the unit, switch it off and on by hand, and look at it."),
    FAIL: Face("✖", "red", "Remove the unit and put it aside."),
    WIRES: Face("≠", "cyan", "Look at the contacts and the adapter, then try the unit again."),
    REMOVE: Face("⏏", "yellow", "Remove the unit."),
    OUT: Face("⊘", "purple", "Call an engineer."),
}

HOLDS_RESULT = (PASS, CHECK, UNPROVEN, FAIL, WIRES, REMOVE)


def state_for(outcome: str) -> str:
    """What a station shows for an outcome: a fault of the tool or the wires is no verdict on the unit, and a unit that
    runs with a configuration that nobody has checked is none to be given back.
    """
    if outcome == CHECK_WIRES:
        return WIRES
    if outcome in (TOOL_ERROR, ABORTED, EXAMINED):
        return REMOVE
    if outcome == RECOVERED_CHECK_CONFIG:
        return CHECK
    if outcome == VERIFIED_UNPROVEN:
        return UNPROVEN
    return PASS if exit_class(outcome) == 0 else FAIL


def told(state: str) -> dict[str, Any]:
    """The state with its face, for a page."""
    face = FACES[state]
    return {"state": state, "symbol": face.symbol, "colour": face.colour, "advice": face.advice}
