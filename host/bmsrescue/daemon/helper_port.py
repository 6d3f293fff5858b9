"""One helper in the daemon: its port, opened again whenever it comes back; its queue of calls; its job.

Runs on the event loop; the blocking link is driven from one thread of its own. Calls wait for their turn in the order
they came. While a job runs, or another client holds the helper, they are refused as "busy"; `status` always works.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bmsrescue.client.finding import Found
from bmsrescue.client.session import CALL_S, JOB_S, EventHandler, open_link
from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.job_notes import JobNotes
from bmsrescue.link.card_stream import write_file
from bmsrescue.link.client import LinkClient
from bmsrescue.link.event_flow import FLOOD, EventFlow
from rescuelink.errors import LinkError, RescueError

Opener = Callable[[str, EventHandler, Callable[[LinkError], None]], tuple[LinkClient, dict[str, Any]]]

_FIRST_RETRY_S = 0.25
_LAST_RETRY_S = 5.0
_QUEUE_S = 10.0  # a call waits no longer than this for its turn
_STEP_NAME, _MOST_STEPS = 64, 500
_LOST_KINDS = ("lost", "timeout", "host_lost")
_OURS = ("station", "display", "found", "gone", "connected", "absent", "interrupted", "job", "host_disk", FLOOD)
_job_numbers = itertools.count(1)


@dataclass
class Job:
    """Long work, and how it ended."""

    method: str
    params: list[Any]
    number: int = field(default_factory=lambda: next(_job_numbers))
    state: str = "running"  # then "done" or "failed"
    step: str | None = None
    steps: int = 0  # so far
    result: Any = None
    error: dict[str, Any] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def status(self, whole: bool) -> dict[str, Any]:
        """For the API; with the result only when `whole`."""
        told = {"job": self.number, "method": self.method, "state": self.state, "step": self.step, "error": self.error}
        return {**told, "result": self.result} if whole else told


class HelperPort:
    """A helper that was found, whether it is there just now or not."""

    def __init__(self, found: Found, events: EventLog, notes: JobNotes, opener: Opener = open_link) -> None:
        self.found = found
        self._events = events
        self._notes = notes
        self._opener = opener
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=found.name)
        self._opening: asyncio.Future[tuple[LinkClient, dict[str, Any]]] | None = None
        self._link: LinkClient | None = None
        self._lost = asyncio.Event()
        self._about: dict[str, Any] | None = None
        self._error: RescueError | None = None
        self._turn = asyncio.Lock()
        self._holder = ("", 0.0)  # client, until (monotonic)
        self._job: Job | None = None
        self._job_task: asyncio.Task[None] | None = None

    # -- the port ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the port open until cancelled; between two tries wait a little longer each time."""
        retry_s = _FIRST_RETRY_S
        while True:
            self._lost = asyncio.Event()
            try:
                await self._open(self._lost)
            except RescueError as error:
                self._tell_error(error)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _LAST_RETRY_S)
                continue
            retry_s = _FIRST_RETRY_S
            await self._lost.wait()
            link, self._link, self._about = self._link, None, None
            if link is not None:
                await asyncio.to_thread(link.close)

    async def _open(self, lost: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        flow = EventFlow()

        def on_event(name: str, data: Any) -> None:
            if flow.lets_through():
                loop.call_soon_threadsafe(self._on_event, name, data)
            elif flow.first_held_back:
                loop.call_soon_threadsafe(self._events.add, self.found.name, FLOOD, None)

        def on_lost(error: LinkError) -> None:
            loop.call_soon_threadsafe(self._on_lost, error, lost)

        self._opening = loop.run_in_executor(self._thread, self._opener, self.found.url, on_event, on_lost)
        self._link, self._about = await asyncio.shield(self._opening)
        self._opening = None
        self._error = None
        self._events.add(self.found.name, "connected", self._about)

    def _on_lost(self, error: LinkError, lost: asyncio.Event) -> None:
        self._tell_error(error)
        lost.set()

    def _tell_error(self, error: RescueError) -> None:
        # The same error again and again, while a port stays away, is told once.
        if self._error is None or self._error.to_dict() != error.to_dict():
            self._events.add(self.found.name, "absent", error.to_dict())
        self._error = error

    async def close(self) -> None:
        """Let go of the port: the agent stops what it does and makes the unit safe."""
        if self._opening is not None:  # cut off while it was being opened
            with contextlib.suppress(RescueError):
                self._link, _about = await self._opening
        link, self._link = self._link, None
        if link is not None:
            await asyncio.to_thread(link.close)
        if self._job_task is not None:
            await asyncio.gather(self._job_task, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    # -- what clients ask ----------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What is known without asking the helper."""
        holder, until = self._holder
        return {
            "name": self.found.name,
            "url": self.found.url,
            "what": self.found.what,
            "state": "absent" if self._link is None else "busy" if self._working() else "ready",
            "about": self._about,
            "error": None if self._link is not None or self._error is None else self._error.to_dict(),
            "job": None if self._job is None else self._job.status(whole=False),
            "held_by": holder if until > time.monotonic() else None,
            "interrupted": self._notes.interrupted.get(self.found.name),
        }

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any:
        """One call in its turn. Raises RescueError; LinkError (busy) when it is somebody else's turn for long."""
        return await self._in_turn(client, lambda link: link.call(method, *params, timeout_s=timeout_s))

    async def write_file(self, path: str, offset: int, data: bytes, timeout_s: float, client: str) -> None:
        """A piece of a file for the card, in one turn."""
        await self._in_turn(client, lambda link: write_file(link, path, offset, data, timeout_s))

    async def _in_turn(self, client: str, work: Callable[[LinkClient], Any]) -> Any:
        self._admit(client)
        try:
            async with asyncio.timeout(_QUEUE_S):
                await self._turn.acquire()
        except TimeoutError:
            raise self._busy("other calls are before this one") from None
        try:
            self._admit(client)
            return await self._ask(work)
        finally:
            self._turn.release()

    def hold(self, client: str, seconds: float) -> None:
        """Keep other clients out for `seconds` from now; 0 lets them in again."""
        self._admit(client)
        self._holder = (client, time.monotonic() + seconds) if seconds > 0 else ("", 0.0)

    def start_job(self, method: str, params: list[Any], client: str) -> Job:
        """Begin long work. Raises LinkError (busy, host_disk, or why the helper is absent)."""
        self._admit(client)
        if self._turn.locked():
            raise self._busy("a call is being carried out")
        self._require_link()
        self._notes.begin(self.found.name, method, params)
        job = self._job = Job(method, params)
        self._job_task = asyncio.create_task(self._carry_out(job))
        return job

    def job(self) -> Job:
        """The newest job. Raises LinkError (no_job)."""
        if self._job is None:
            raise LinkError("no_job", f"{self.found.name} has had no job since the daemon started")
        return self._job

    async def cancel(self) -> None:
        """Stop what is under way at its next safe point."""
        await asyncio.to_thread(self._require_link().notify, "cancel")

    async def answer(self, number: int, text: str) -> None:
        """What a person says to the helper's question, while its job waits."""
        link = self._require_link()
        await asyncio.to_thread(lambda: link.call("answer", number, text, timeout_s=CALL_S))

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _carry_out(self, job: Job) -> None:
        name = self.found.name
        self._events.add(name, "job", job.status(whole=False))
        try:
            async with self._turn:
                job.result = await self._ask(lambda link: link.call(job.method, *job.params, timeout_s=JOB_S))
            job.state = "done"
        except RescueError as error:
            job.state, job.error = "failed", error.to_dict()
        lost = job.error is not None and job.error["kind"] in _LOST_KINDS
        try:
            self._notes.end(name, interrupted=lost)
        except LinkError as error:
            self._events.add(name, "host_disk", error.to_dict())
        job.ended.set()
        self._events.add(name, "job", job.status(whole=False))

    async def _ask(self, work: Callable[[LinkClient], Any]) -> Any:
        link = self._require_link()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, link)
        except LinkError as error:
            if error.kind == "no_session":  # the agent was restarted, or we were silent for too long
                self._lost.set()
            raise

    def _require_link(self) -> LinkClient:
        if self._link is not None:
            return self._link
        if self._error is not None:
            raise self._error
        raise LinkError("port", f"{self.found.url} is being opened", next_step="try again in a second")

    def _working(self) -> bool:
        return self._job is not None and self._job.state == "running"

    def _admit(self, client: str) -> None:
        if self._working() and self._job is not None:
            raise self._busy(f"{self._job.method} is under way")
        holder, until = self._holder
        if holder not in ("", client) and until > time.monotonic():
            raise self._busy("another client is working with it")

    def _busy(self, why: str) -> LinkError:
        return LinkError("busy", f"the helper {self.found.name} is busy: {why}", next_step="wait, or cancel it")

    def _on_event(self, name: str, data: Any) -> None:
        job = self._job
        if name == "step" and self._working() and job is not None and isinstance(data, dict):
            job.step = str(data.get("name"))[:_STEP_NAME]
            job.steps += 1
            try:
                if job.steps > _MOST_STEPS:
                    return  # no job has so many: each of them is a file that is written
                self._notes.step(self.found.name, job.step)
            except LinkError as error:
                self._events.add(self.found.name, "host_disk", error.to_dict())
        # The daemon's own events of a helper go by these names: a helper's must not pass for one.
        self._events.add(self.found.name, f"helper {name}" if name in _OURS else name, data)
