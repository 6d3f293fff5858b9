"""All helpers of this host: finds them, keeps them open, lets them go."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from bmsrescue.client.finding import Found
from bmsrescue.client.session import open_link
from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.helper_port import HelperPort, Opener
from bmsrescue.daemon.job_notes import JobNotes
from bmsrescue.door.uses import Uses
from rescuelink.errors import LinkError

_LOOK_S = 2.0


class Helpers:
    """`find` is asked for helpers every two seconds; one that is gone from its answer is let go."""

    def __init__(self, find: Callable[[], list[Found]], folder: Path, opener: Opener = open_link) -> None:
        self._find = find
        self._opener = opener
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.ports: dict[str, HelperPort] = {}
        self.events = EventLog()
        self.notes = JobNotes(folder)
        self.uses = Uses()

    async def run(self) -> None:
        """Look for helpers until cancelled; then let all of them go."""
        for name, entry in self.notes.interrupted.items():
            self.events.add(name, "interrupted", entry)
        try:
            while True:
                await self._look()
                await asyncio.sleep(_LOOK_S)
        finally:
            await asyncio.gather(*(self._let_go(name) for name in list(self.ports)))

    def port(self, name: str) -> HelperPort:
        """That of the helper of that name. Raises LinkError (no_helper)."""
        if name not in self.ports:
            known = ", ".join(self.ports) or "none is connected"
            raise LinkError("no_helper", f"there is no helper {name[:60]} ({known})", next_step="see `bmsrescue scan`")
        return self.ports[name]

    async def _look(self) -> None:
        found = {helper.name: helper for helper in await asyncio.to_thread(self._find)}
        for name in [name for name, port in self.ports.items() if found.get(name) != port.found]:
            await self._let_go(name)
            self.events.add(name, "gone", None)
        for name, one in found.items():
            if name not in self.ports:
                port = self.ports[name] = HelperPort(one, self.events, self.notes, self._opener)
                self.events.add(name, "found", {"url": one.url, "what": one.what})
                self._tasks[name] = asyncio.create_task(port.run(), name=name)

    async def _let_go(self, name: str) -> None:
        task, port = self._tasks.pop(name), self.ports.pop(name)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await port.close()
