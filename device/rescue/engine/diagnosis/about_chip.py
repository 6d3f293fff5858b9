# What the rules see of the chip, its core and its resets, and how they say it.

from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, rail_of

_RESET_EDGES = 3
BY_ITSELF = ("IWDG1RSTF", "WWDG1RSTF", "SFTRSTF", "LPWRRSTF")  # resets that the chip gives itself


def core_line(evidence):
    core = evidence.get("core") or {}
    line = "core " + str(core.get("state"))
    if core.get("clock_hz"):
        line += ", clock %.1f MHz" % (core["clock_hz"] / 1e6)
    return line


def is_another_chip(evidence):
    """Whether the chip that answers is not the one that the job is for."""
    chip, expected = evidence.get("chip"), evidence["expected"]
    if not chip:
        return False
    return chip["dev_id"] != expected["dev_id"] or chip["flash_kib"] != expected["flash_kib"]


def chip_wanted(expected):
    """The chip that the job is for, as a sentence calls it."""
    if expected.get("open"):
        return ""
    return "%s (0x%03x with %d KiB)" % (expected["chip"], expected["dev_id"], expected["flash_kib"])


def reset_loop(evidence):
    """A rule of two tables: where the loop keeps SWD from working, and where the flash was found in order."""
    nrst = evidence.get("nrst")
    if not nrst:
        return None
    later = nrst.get("later")
    edges = nrst["edges"]
    if edges < _RESET_EDGES and later and later["period_ms"] and edges + later["edges"] >= _RESET_EDGES:
        # Too seldom for one look: it has shown itself while the unit was worked on.
        edges += later["edges"]
        nrst = {"edges": edges, "window_ms": later["period_ms"] * edges}
    if nrst["edges"] < _RESET_EDGES:
        return None
    flags = (evidence.get("reset_cause") or {}).get("flags") or []
    values = {"edges": nrst["edges"], "window_ms": nrst["window_ms"], "cause": ", ".join(flags) or "cause not readable"}
    values["period_ms"] = nrst.get("period_ms") or nrst["window_ms"] // nrst["edges"]
    lines = ["NRST edges %d in %d ms" % (nrst["edges"], nrst["window_ms"])]
    if rail_of(evidence, "logic") is None and not [flag for flag in flags if flag in BY_ITSELF]:
        return LIKELY, values, lines, ["brown-out"]  # a supply that goes and comes resets it as well
    return CERTAIN, values, lines, []
