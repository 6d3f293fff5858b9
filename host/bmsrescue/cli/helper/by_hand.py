"""A person at this terminal does what the helper has no wire for: told what, and let go when the helper sees it."""

from __future__ import annotations

import re
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bmsrescue.cli.output import show_note
from bmsrescue.client.session import Session
from rescuelink.errors import RescueError

WAIT_S = 120
"""How long a person is waited for."""
_LOOK_S = 0.2
_METER = "meter"
_YES = ("", "ok", "done", "y", "yes")
_NO = ("no", "n", "cannot", "i cannot")
_READING = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m?v)?\Z", re.IGNORECASE)
_MOST_V = 100


def waits_for_person(as_json: bool) -> int:
    """For how many seconds: 0 where nobody is there to be asked."""
    return 0 if as_json or not sys.stdin.isatty() else WAIT_S


class AtTerminal:
    """Give `event` to who watches the helper's events. A question is answered by Enter (done), "no", or a reading."""

    def __init__(self, session: Session, read_line: Callable[[threading.Event], str | None] | None = None) -> None:
        self._session = session
        self._read_line = read_line or _line_of_stdin
        self._over = threading.Event()

    def event(self, name: str, data: Any) -> None:
        if not isinstance(data, dict) or type(data.get("number")) is not int:
            return
        if name == "ask":
            self._over = threading.Event()
            asked = (self._over, int(data["number"]), str(data.get("scope")), _METER in data.get("words", ()))
            threading.Thread(target=self._ask, args=asked, name="ask", daemon=True).start()
        elif name == "answer":
            self._over.set()

    def _ask(self, over: threading.Event, number: int, text: str, is_meter: bool) -> None:
        hint = (
            'type it, as "3.28" (V) or "3280 mV", or "no"' if is_meter else 'Enter when it is done, or "no": I cannot'
        )
        show_note(f"BY HAND: {text}. {hint}")
        while not over.is_set():
            line = self._read_line(over)
            if line is None:
                return
            said = meaning(line, is_meter)
            if said is None:
                show_note(hint)
                continue
            with suppress(RescueError):  # the helper has gone, or waits no longer
                self._session.answer(number, said)
            return


def meaning(line: str, is_meter: bool) -> str | None:
    """What is sent to the helper for a line that was typed: "done", "cannot", or mV; None for what says neither."""
    text = " ".join(line.lower().split())
    if text in _NO:
        return "cannot"
    if not is_meter:
        return "done" if text in _YES else None
    found = _READING.match(text)
    if found is None:
        return None
    value = float(found[1].replace(",", "."))
    volts = value / 1000 if found[2] == "mv" else value
    return str(round(volts * 1000)) if volts <= _MOST_V else None


def _line_of_stdin(over: threading.Event) -> str | None:
    """The next line, None when nobody waits for it any longer or there is nobody."""
    while not over.is_set():
        try:
            ready = select.select([sys.stdin], [], [], _LOOK_S)[0]
        except (OSError, ValueError):  # not to be waited for on this system: it is read when it comes
            ready = [sys.stdin]
        if ready:
            line = sys.stdin.readline()
            return line.rstrip("\n") if line else None
    return None
