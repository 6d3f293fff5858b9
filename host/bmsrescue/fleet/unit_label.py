"""A sticker for a unit that has been through a station, in ZPL II, which label printers in depots speak."""

from __future__ import annotations

from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.stations.states import state_for

_DOTS_PER_MM = 8  # of a 203 dpi printer
_WIDTH_MM, _HEIGHT_MM = 50, 25


def zpl(attempt: Attempt, uid: str | None) -> str:
    """One label of 50 mm x 25 mm: the verdict, the unit, its barcode, the attempt."""
    name = attempt.label or uid or "not identified"
    lines = [
        "^XA",
        "^CI28",  # the text is UTF-8
        f"^PW{_WIDTH_MM * _DOTS_PER_MM}",
        f"^LL{_HEIGHT_MM * _DOTS_PER_MM}",
        f"^FO16,12^A0N,40,40^FH^FD{_text(state_for(attempt.outcome))}^FS",
        f"^FO150,20^A0N,24,24^FH^FD{_text(attempt.outcome)}^FS",
        f"^FO16,62^BY2^BCN,60,N,N,N^FH^FD{_text(name)}^FS",
        f"^FO16,130^A0N,24,24^FH^FD{_text(name)}^FS",
        f"^FO16,162^A0N,20,20^FH^FD{_text(f'{attempt.at:%Y-%m-%d} {attempt.helper} {attempt.sequence}')}^FS",
        "^XZ",
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """As ^FH takes it: what could be a command of the printer is written as its bytes."""
    safe = []
    for character in text[:48]:
        if character in "^~_\\" or not character.isprintable():
            safe.append("".join(f"_{byte:02X}" for byte in character.encode("utf-8", "replace")))
        else:
            safe.append(character)
    return "".join(safe)
