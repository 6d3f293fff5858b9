"""Which calls of the daemon's API stand in the audit log: all but those that only look.

What a debugger repeats hundreds of times a second is noted once in ten minutes, by person, helper and method; what is
written to a card, by its path as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

Note = Callable[[str, str, str, dict[str, Any]], None]
"""Called with who, what they did, the helper, and more about it. Raises HostError."""

_LOOKS = frozenset(
    """hello status result rails.read rails.capture rails.stream records.sizes records.read lines.level
    helper.info helper.time helper.heap helper.log helper.echo card.list card.read card.size card.hash card.free
    card.written card.close flash.info flash.read flash.verify flash.sha256 flash.crc options.read power.status
    core.state core.samples core.clock memory.read target.cycles job.steps""".split()  # noqa: SIM905 - read as a list
)
_REPEATED = ("target.", "core.", "memory.", "flash.program", "card.write", "lines.")
_NOTED_AGAIN_S = 600.0
_MOST_KEPT = 1000
_LONGEST = 200


class Uses:
    """`note` None: nobody keeps an audit log."""

    def __init__(self, note: Note | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.note = note
        self._clock = clock
        self._noted: dict[tuple[str, str, str, str], float] = {}

    async def asked(self, who: str, helper: str, method: str, params: list[Any]) -> None:
        """Before it is done. Raises HostError: what cannot be noted is not done."""
        if self.note is None or method in _LOOKS or self._was_noted(who, helper, method, params):
            return
        more = {"params": repr(params)[:_LONGEST]} if params else {}
        await asyncio.to_thread(self.note, who, f"called {method}"[:64], helper, more)

    def _was_noted(self, who: str, helper: str, method: str, params: list[Any]) -> bool:
        if not method.startswith(_REPEATED):
            return False
        # Another file is another use: job.json must not go in behind a picture.
        file = str(params[0])[:_LONGEST] if method.startswith("card.") and params else ""
        key, now = (who, helper, method, file), self._clock()
        before = self._noted.pop(key, None)
        if before is not None and now - before < _NOTED_AGAIN_S:
            self._noted[key] = before
            return True
        while len(self._noted) >= _MOST_KEPT:
            del self._noted[next(iter(self._noted))]
        self._noted[key] = now
        return False
