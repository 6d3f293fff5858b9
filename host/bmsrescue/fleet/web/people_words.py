"""What records call things, in words for people. What has no word here is shown as it stands in the record."""

from __future__ import annotations

from functools import cache

from bmsrescue.agent.files import device_dir
from rescuelink.outcomes import OUTCOMES

STEP_WORDS = {
    "job": "reading the job",
    "sense": "looking at the wires",
    "energise": "switching on",
    "rails": "measuring the rails",
    "connect": "connecting to the chip",
    "evidence": "looking at the chip",
    "map": "comparing the flash",
    "diagnosis": "diagnosing",
    "plan": "planning",
    "backup": "saving what it holds",
    "act": "writing the flash",
    "verify": "checking the flash",
    "proof": "proving it by a power cycle",
    "put-back": "putting back what it held",
    "safe-off": "switching off",
    "record": "writing the record",
}
STEP_ORDER = tuple(STEP_WORDS)

PHASE_WORDS = {"off": "before switching on", "on": "switched on", "proof": "after the power cycle"}

KIND_WORDS = {  # of what people said of a unit
    "note": "note",
    "photo": "photo",
    "test": "protection test",
    "card": "whose, which",
    "disposition": "disposition",
    "label": "label",
}

OUTCOME_WORDS = {
    "RECOVERED": "recovered",
    "RECOVERED_CHECK_CONFIG": "recovered, check its configuration",
    "VERIFIED_UNPROVEN": "written, not proven",
    "NO_FAULT_FOUND": "nothing was wrong",
    "NOT_FIRMWARE": "not a firmware fault",
    "CHECK_WIRES": "wires or contacts",
    "LOCKED": "locked, or needs consent",
    "WRONG_TARGET": "not the unit for this job",
    "UNSAFE": "unsafe: out of limits",
    "INTERRUPTED": "cut short",
    "ABORTED": "stopped by a person",
    "EXAMINED": "looked at only",
    "TOOL_ERROR": "a fault of the tool",
}


def step_words(name: object) -> str:
    return STEP_WORDS.get(str(name), str(name))


def outcome_words(name: str) -> str:
    return OUTCOME_WORDS.get(name, name)


def outcome_sentence(name: str) -> str:
    found = OUTCOMES.get(name)
    return name if found is None else found.sentence


_UNCUT = {  # what is cut short for the display
    ("en", "rdp1"): "read protected",
    ("en", "wrp"): "write protected",
    ("de", "latch-shorted"): "Schalter kurzgeschlossen",
}


def cause_words(name: str, language: str = "en") -> str:
    """What a dongle's display calls a cause: "update was cut short". One that it does not know goes by its own name."""
    return _UNCUT.get((language, name)) or _on_display(language).get("cause." + name) or name.replace("-", " ")


def confidence_words(name: str, language: str = "en") -> str:
    """How sure a diagnosis is, as a dongle's display says it."""
    return _on_display(language).get("sure." + name, name)


@cache
def _on_display(language: str) -> dict[str, str]:
    file = device_dir() / "words" / f"{language}.txt"
    if not file.exists():
        return {}
    rows = (line.partition(" = ") for line in file.read_text(encoding="utf-8").splitlines())
    return {key: text.strip() for key, _, text in rows}
