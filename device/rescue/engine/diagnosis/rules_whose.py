# Rules about whose firmware is on the unit. They come before write protection: a consent to lift that is none to write
# over somebody else's firmware.

from rescue.engine.diagnosis import whose
from rescue.engine.diagnosis.about_chip import core_line
from rescue.engine.diagnosis.about_flash import (
    boot_sector,
    map_line,
    marker_line,
    owned_sectors,
    version_line,
    wrong_sectors,
)
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY

_FEW = 32  # of 64 parts: with more it is another application


def other_product(evidence):
    if not whose.other_product(evidence):
        return None
    marker = evidence["marker"]
    found = "'%s'" % marker["text"] if marker["text"] else "something else"
    damaged = any(sector["state"] == "torn" for sector in owned_sectors(evidence)) or not whose.is_whole(evidence)
    values = {"found": found, "wanted": marker["wanted"], "at": "0x%08x" % marker["address"]}
    lines = [marker_line(evidence), map_line(evidence)]
    return (LIKELY, values, lines, ["differs"]) if damaged else (CERTAIN, values, lines, [])


def older(evidence):
    return _asked(evidence, whose.OLDER, "differs")


def unknown(evidence):
    return _asked(evidence, whose.UNKNOWN, "differs")


def another(evidence):
    """Whether an application that is not the job's is in order: whose it is comes before torn data beside it."""
    if not whose.is_whole(evidence):
        return False
    return whose.word_for(evidence) is not None or whose.compared(evidence.get("version")) == 1


def _not_running(evidence):
    if not evidence.get("core"):
        return "; nobody has seen whether it runs"
    from rescue.engine.unit import running

    words = running.why_not(evidence)[1]
    return "; the core %s" % words if words else ""


def _asked(evidence, word, alternative):
    if whose.word_for(evidence) != word:
        return None
    seen = "the core runs it" if whose.runs(evidence) else "its start is in order" + _not_running(evidence)
    others = (boot_sector(evidence).get("other_parts") or (0,))[0]
    if 0 < others <= _FEW:
        seen += "; all but %d/64 of its first sector is equal to the job's image" % others
    version = evidence.get("version") or {"found": None, "wanted": None}
    values = {"missing": len(wrong_sectors(evidence)), "owned": len(owned_sectors(evidence)), "seen": seen}
    values["found"], values["wanted"] = version["found"], version["wanted"]
    lines = [map_line(evidence), core_line(evidence), marker_line(evidence), version_line(evidence)]
    return LIKELY, values, [line for line in lines if line], [alternative]
