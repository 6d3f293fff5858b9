"""How a job can end: one name, one sentence, one exit class, and its signs: a colour word, a symbol and a code each.

`exit_class` is what a shell sees: 0 the unit ended well, 1 it did not, 4 the image is in and nobody has proven that the
unit starts with it. `TOOL_ERROR` is ours and `CHECK_WIRES` the
wiring's: neither is ever counted against the unit. Recovered is not released: the maker's protection test comes after.
"""


class Outcome:
    """One way a job can end. `symbol`: one character, on the display. `code`: long (-) and short (.), as it is beeped
    once, and as a helper without a display blinks it; one that begins long asks for no repair. The word on the display
    is `word.NAME` of its catalogues (`device/words`)."""

    def __init__(
        self, name: str, sentence: str, colour: str, exit_class: int, symbol: str, code: str, counts_against_unit: bool
    ) -> None:
        self.name = name
        self.sentence = sentence
        self.colour = colour
        self.exit_class = exit_class
        self.symbol = symbol
        self.code = code
        self.counts_against_unit = counts_against_unit


RECOVERED = "RECOVERED"
RECOVERED_CHECK_CONFIG = "RECOVERED_CHECK_CONFIG"
VERIFIED_UNPROVEN = "VERIFIED_UNPROVEN"
NO_FAULT_FOUND = "NO_FAULT_FOUND"
NOT_FIRMWARE = "NOT_FIRMWARE"
CHECK_WIRES = "CHECK_WIRES"
LOCKED = "LOCKED"
WRONG_TARGET = "WRONG_TARGET"
UNSAFE = "UNSAFE"
INTERRUPTED = "INTERRUPTED"
ABORTED = "ABORTED"
EXAMINED = "EXAMINED"
TOOL_ERROR = "TOOL_ERROR"

_TABLE = (
    Outcome(RECOVERED, "The unit runs again after a true power cycle.", "green", 0, "✔", "-", False),
    Outcome(
        RECOVERED_CHECK_CONFIG, "The unit runs again; its configuration must be checked.", "yellow", 0, "☑", "-.", False
    ),
    Outcome(
        VERIFIED_UNPROVEN,
        "The image is in and verified; the proof by a power cycle could not be made.",
        "magenta",
        4,
        "⏻",
        "-..",
        False,
    ),
    Outcome(NO_FAULT_FOUND, "The firmware is intact; nothing was changed.", "green", 0, "○", "--", False),
    Outcome(NOT_FIRMWARE, "Not a firmware fault: new firmware does not cure it.", "blue", 1, "⚒", "..", True),
    Outcome(
        CHECK_WIRES,
        "Trouble with the wires or contacts, not with the unit; nothing is lost.",
        "cyan",
        1,
        "⌁",
        "..-",
        False,
    ),
    Outcome(
        LOCKED,
        "Not touched: it is protected, or needs a consent that the job does not give.",
        "blue",
        1,
        "⚿",
        ".-",
        True,
    ),
    Outcome(WRONG_TARGET, "This is not the unit the job is for; nothing was written.", "red", 1, "≠", ".-.", False),
    Outcome(UNSAFE, "Stopped and switched off: a rail or current is out of its limits.", "red", 1, "⚠", "......", True),
    Outcome(INTERRUPTED, "Cut short; the next run continues where this one stopped.", "red", 1, "✂", "...", False),
    Outcome(ABORTED, "Stopped on request before anything was at risk.", "yellow", 1, "◼", "--.", False),
    Outcome(EXAMINED, "Looked at without a job: nothing was changed.", "yellow", 1, "◎", "-.-", False),
    Outcome(TOOL_ERROR, "The helper, its card or its job is at fault, not the unit.", "red", 1, "⚙", ".--", False),
)

OUTCOMES = {outcome.name: outcome for outcome in _TABLE}


def exit_class(name: str) -> int:
    """0 when the unit ended well, 1 when it did not (or when nobody knows the name)."""
    outcome = OUTCOMES.get(name)
    return 1 if outcome is None else outcome.exit_class
