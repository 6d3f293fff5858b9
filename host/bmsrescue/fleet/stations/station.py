"""One station: a helper, the unit on it, and what is going on, as a state machine that is asked twice a second.

A unit is there when it holds NRST low with the power off: a fixture pulls NRST up weakly (100 kΩ to the helper's
3.3 V), and an unpowered unit pulls it down through its own pull-up. Nothing is energised to find out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from bmsrescue.daemon.helper_port import Job
from bmsrescue.errors import HostError
from bmsrescue.fleet.records.taking import Taken
from bmsrescue.fleet.releases import InForce
from bmsrescue.fleet.stations.backup_fetch import BackupFetch
from bmsrescue.fleet.stations.desk import Desk, Result
from bmsrescue.fleet.stations.helper_card import CLIENT, RecordTail, StationPort, ask, put_on_card
from bmsrescue.fleet.stations.identify import ChipThere, chip_on
from bmsrescue.fleet.stations.pace import JobPace
from bmsrescue.fleet.stations.states import (
    CHECK,
    DETECTING,
    EMPTY,
    FAIL,
    HOLDS_RESULT,
    OUT,
    PASS,
    REMOVE,
    WAIT_LABEL,
    WIRES,
    WORKING,
    state_for,
    told,
)
from bmsrescue.fleet.stations.who import Who, who_is
from bmsrescue.keys.records import Signatures
from rescuelink.errors import LinkError, RescueError

_BUSY_S = 60.0  # so long others' calls may come first
_LONGEST = 200  # of what a helper says, in a line on the wall
_UNSIGNED = (
    "{} new records here have no signature of the helper that they name, and are set aside: its power went before it "
    "had signed, or they were made in its name."
)


class Station:
    """`tell` is called with the station's status whenever it has changed."""

    def __init__(self, name: str, port: StationPort, desk: Desk, tell: Callable[[dict[str, Any]], None]) -> None:
        self.name = name
        self.port = port
        self.state = OUT
        self.label: str | None = None
        self.operator = ""
        self.why = "starting"
        self.paused = False
        self.result: Result | None = None
        self.release: InForce | None = None
        self.counts = {PASS: 0, CHECK: 0, FAIL: 0, "other": 0}
        self.note = ""  # of the helper: what a person should know whatever unit is there
        self.alike = ""  # another helper that this one could be taken for
        self._unsigned = False  # some of the lines that were taken last
        self._desk = desk
        self._tell = tell
        self._tail = RecordTail()
        self._backups = BackupFetch(desk.shelf)
        self._behind = True  # the helper may have records that are not stored
        self._since = 0.0  # when the unit came, or was last seen
        self._job: Job | None = None
        self._waits_since: float | None = None  # the label, for a unit that has not come
        self._left = ""  # what is to be said of the unit that has gone, until the next one comes
        self._told: dict[str, Any] = {}
        self._met: Who | None = None  # the helper whose records are being followed
        self._busy_since: float | None = None  # the helper has answered that it is
        self._pace: JobPace | None = None
        self._progress: dict[str, float | int | None] = {"left_s": None, "share": None}
        self._after = 0  # the newest attempt before the job

    # -- what a person does --------------------------------------------------------------------------------------------

    def scan(self, label: str, operator: str) -> None:
        """A label for the unit that is on the station or comes next. Raises LinkError."""
        wrong = self._desk.settings.wrong_label(label)
        if wrong:
            raise LinkError("bad_value", wrong, next_step="scan the unit's own label")
        if self.state not in (EMPTY, DETECTING, WAIT_LABEL):
            raise LinkError(
                "busy", f"station {self.name} is {self.state}", next_step="wait for its result and remove the unit"
            )
        self.label, self.operator, self._waits_since = label, operator, None
        self._show()

    def retest(self, operator: str) -> None:
        """The same unit again. Raises LinkError."""
        if self.state not in HOLDS_RESULT:
            raise LinkError("busy", f"station {self.name} is {self.state}", next_step="retest a unit that has a result")
        self.operator = operator
        self._enter(WAIT_LABEL)

    def pause(self, paused: bool) -> None:
        """Begin nothing new; what is under way goes on."""
        self.paused = paused
        self._show()

    async def abort(self) -> None:
        """Stop the job at its next safe point. Raises LinkError."""
        if self.state != WORKING:
            raise LinkError("no_job", f"station {self.name} is {self.state}")
        await self.port.cancel()

    async def set_service(self, why: str, actor: str) -> None:
        """Take the station out of service for a reason, or ("") back. Raises LinkError, HostError."""
        if self.state == WORKING:
            raise LinkError("busy", f"station {self.name} is working", next_step="abort it first")
        await asyncio.to_thread(self._desk.set_service, self.name, self.helper, why, actor)
        self._forget_unit()  # nothing begins with a label that was scanned before
        self._enter(OUT if why else EMPTY, why)

    # -- what happens --------------------------------------------------------------------------------------------------

    @property
    def who(self) -> Who | None:
        """The helper, as it names itself in its records; None where it is away, or does not say."""
        return who_is(self.port.status()["about"])

    @property
    def helper(self) -> str | None:
        """Its name."""
        who = self.who
        return None if who is None else who.name

    def status(self) -> dict[str, Any]:
        """All that a page shows."""
        job = self._job
        return {
            **told(self.state),
            "station": self.name,
            "helper": self.helper,
            "helper_id": None if (who := self.who) is None else who.id,
            "note": " ".join(filter(None, (self.alike, self.note))),
            "label": self.label,
            "operator": self.operator,
            "why": self.why,
            "paused": self.paused,
            "step": job.step if job is not None and self.state == WORKING else None,
            **(self._progress if self.state == WORKING else {"left_s": None, "share": None}),
            "release": None if self.release is None else f"{self.release.job} version {self.release.version}",
            "result": None if self.result is None else self.result.told(),
            "counts": dict(self.counts),
        }

    async def tick(self, now: float) -> None:
        """Look, and go on. `now` in seconds of any steady clock."""
        try:
            await self._look(now)
            self._busy_since = None
        except RescueError as error:
            if error.kind == "busy" and not self._busy_long(now):  # somebody else's call is under way: look again
                return
            self._behind = True
            self._enter(OUT, f"helper: {error.message[:_LONGEST]}")
        except HostError as error:
            self._behind = True
            self._enter(OUT, f"{error.message} {error.next_step}".strip())
        self._show()

    def _busy_long(self, now: float) -> bool:
        if self._busy_since is None:
            self._busy_since = now
        return now - self._busy_since >= _BUSY_S

    def fail(self, error: Exception) -> None:
        """What nobody thought of has happened: out of service until the next look, with a reason to report."""
        self._behind, self._job = True, None
        self._enter(OUT, f"A fault of bmsrescue's own ({type(error).__name__}): report it with the daemon's log.")

    async def _look(self, now: float) -> None:
        status = self.port.status()
        if self.state == WORKING:
            self._follow_pace(now)
            if self._job is not None and self._job.ended.is_set():
                await self._finish(self._job)
            return
        if status["state"] == "absent":
            self._behind = True
            self._forget_unit()
            self._enter(OUT, "the helper is away")
            return
        if status["state"] == "busy":
            return  # somebody works with it by hand
        who = who_is(status["about"])
        if who is None:
            self._behind = True
            self._enter(OUT, "The helper does not say who it is: bring its agent up to date with `bmsrescue deploy`.")
            return
        await self._meet(who)
        if self._behind:
            await self._collect(who)
            if self.state == OUT:
                reason = await asyncio.to_thread(self._desk.out_of_service, self.name)
                self._forget_unit()
                self._enter(OUT if reason else EMPTY, reason or self._left)
        if self.state != OUT:
            await self._follow_unit(now)
        if self.state == EMPTY or self.state in HOLDS_RESULT:
            self.why = await self._backups.go_on(self.port, who.id) or self.why

    async def _meet(self, who: Who) -> None:
        """Another helper than the one before: nothing of that one's is known of it."""
        if who == self._met:
            return
        self._met = who
        self._tail, self._behind = RecordTail(), True
        self._backups.look_again()
        self._left = ""
        self._forget_unit()
        self._enter(OUT, "starting")
        self.note = await asyncio.to_thread(self._desk.met, who, self.name)

    async def _follow_unit(self, now: float) -> None:
        present = await self._unit_is_there()
        settle_s = self._desk.settings.settle_s
        if self.state == EMPTY:
            if present:
                self._since = now
                self._enter(DETECTING, self._left)
            else:
                self._expire_label(now)
        elif self.state == DETECTING:
            if not present:
                self._enter(EMPTY, self._left)
            elif now - self._since >= settle_s:
                self._since, self._left = now, ""
                self._enter(WAIT_LABEL)
        elif present:
            self._since = now
        elif now - self._since >= settle_s:
            self._forget_unit()
            self._enter(EMPTY, self._left)
        if self.state == WAIT_LABEL and present and not self.paused and self._met is not None:
            await self._begin(self._met)

    async def _begin(self, who: Who) -> None:
        settings = self._desk.settings
        if self.label is None and settings.label_required:
            return
        if self.label != settings.golden and await asyncio.to_thread(self._desk.golden_due, self.name):
            self.why = "The golden unit comes first."
            return
        board = who.board
        consent = await asyncio.to_thread(self._desk.consents.waiting, self.label)
        chip, name = None, None
        if settings.asks_for_chip(self.label, board) or (consent is not None and consent.uid is not None):
            try:
                chip = await self._identify()
            except LinkError as error:
                if error.kind != "cancelled":
                    self._enter(WAIT_LABEL)
                    raise
                self._enter(REMOVE, f"No verdict: {error.message}.")
                return
            # A chip that is silent is taken for what the label had before.
            name = chip.name if chip else await asyncio.to_thread(self._desk.chip_before, self.label)
        note = ""
        if consent is not None and consent.uid is not None and (chip is None or chip.uid != consent.uid):
            note = f"{consent.actor}'s consent is for another chip: not used." if chip else "No chip: consent not used."
            consent = None
        try:
            self.release = await asyncio.to_thread(self._desk.job_for, self.label, board, name)
            files = {}
            if self.release is not None:
                files = await asyncio.to_thread(self._desk.releases.card_files, self.release.id)
        except HostError as error:
            self._enter(REMOVE, f"{error.message}. {error.next_step}")
            return
        await put_on_card(self.port, files)
        await self._collect(who)  # another card may be in the helper since
        asked = (who, self._tail.newest, self.name, self.label, self.operator, self.release, consent)
        booked = await asyncio.to_thread(self._desk.book, *asked)
        words, self._after = booked.words, booked.after
        if consent is not None and words:
            note = f"With {consent.actor}'s consent: {', '.join(words)}."
        self.result = None
        await self._stream_rails(settings.rails_ms)
        self._job = self.port.start_job("job.run", [False, ",".join(words)] if words else [], CLIENT)
        self._pace = None
        self._enter(WORKING, note)

    def _follow_pace(self, now: float) -> None:
        if self._job is None:
            return
        if self._pace is None:
            self._pace = JobPace(self._desk.pace, self._desk.course, now)
        self._pace.at(self._job.step, now)
        self._progress = self._pace.told(now)

    async def _identify(self) -> ChipThere | None:
        # Shown as work: the unit is powered meanwhile.
        self._job = None
        self._enter(WORKING, "Looking which chip this is.")
        return await chip_on(self.port)

    async def _stream_rails(self, period_ms: int) -> None:
        with contextlib.suppress(RescueError):  # only for show
            await ask(self.port, "rails.stream", period_ms)

    async def _finish(self, job: Job) -> None:
        self._behind = True
        await self._stream_rails(0)
        if job.error is not None or not isinstance(job.result, dict):
            error = job.error or {"message": "the job ended without a record"}
            self.counts["other"] += 1
            self._enter(REMOVE, f"No verdict: {str(error['message'])[:_LONGEST]}.")
            return
        found, why = await self._result_of(job.result)
        if found is None:
            self.counts["other"] += 1
            self._enter(REMOVE, f"{why} No verdict.")
            return
        self.result = found
        if self._pace is not None:
            self._desk.metrics.ended(self.name, found.outcome, self._pace.spent_s)
        state = state_for(found.outcome)
        if state in (FAIL, WIRES) and not await self._unit_is_there():
            await self._pulled(found)
            return
        self.counts[state if state in self.counts else "other"] += 1
        self._enter(state, found.remark)
        if self.label is not None and self.label == self._desk.settings.golden:
            await self._judge_golden(found)

    async def _result_of(self, answer: dict[str, Any]) -> tuple[Result | None, str]:
        """The attempt whose very record the job's answer names, or why there is none. Never another's."""
        who, sha256 = self.who, answer.get("line_sha256")
        if who is None or who != self._met:
            return None, "The helper was exchanged meanwhile."
        await self._collect(who)
        if not isinstance(sha256, str):
            if answer.get("record_saved") is False:
                return None, f"{str(answer.get('sentence'))[:_LONGEST]}."
            return None, "The helper does not say which record is this unit's: use `bmsrescue deploy` on it."
        found = await asyncio.to_thread(self._desk.result, sha256)
        if found is None and (kept := await self._tail.from_flash(self.port, sha256)):
            await self._take(who, kept, "helper")
            found = await asyncio.to_thread(self._desk.result, sha256)
        if found is None and self._unsigned:
            return None, "The record is not signed by this helper, and set aside."
        if found is None:
            return None, "The record has not come from the helper."
        if found.helper_id != who.id or found.number <= self._after:
            return None, "The helper names a record that is not this unit's."
        return found, ""

    async def _pulled(self, found: Result) -> None:
        # Its record stays as the helper made it; but what a missing unit looks like says nothing about the unit.
        who = self.label or "The unit"
        self.counts["other"] += 1
        self._left = f"{who} was taken out in the middle: it has to be done again."
        await asyncio.to_thread(self._desk.taken_out, self.name, self.operator or "station", who, found)
        self._enter(REMOVE, f"No verdict: {self._left}")

    async def _judge_golden(self, found: Result) -> None:
        fault = await asyncio.to_thread(self._desk.golden_fault, found)
        await asyncio.to_thread(self._desk.set_service, self.name, self.helper, fault, "golden check", golden=not fault)
        if fault:
            self._enter(OUT, fault)

    async def _collect(self, who: Who) -> None:
        lines = await self._tail.new_lines(self.port)
        if lines:
            taken = await self._take(who, lines)
            if taken.anew:
                self.note = (
                    f"{taken.anew} new records of this helper have numbers that it has used before: its card and flash "
                    "were emptied, or records were made in its name. All are kept, none is mixed up."
                )
            elif taken.unsigned:
                self.note = _UNSIGNED.format(taken.unsigned)
            elif taken.breaks:
                self.why = f"{len(taken.breaks)} records of this helper are damaged or do not follow each other."
            self._backups.look_again()
        self._tail.confirm()
        self._behind = False

    async def _take(self, who: Who, lines: list[str], place: str = "") -> Taken:
        keys = await asyncio.to_thread(self._desk.helper_keys)
        found = await self._tail.signatures(self.port, len(lines), place) if keys else {}
        signatures = Signatures(keys, found, self._desk.signed_only)
        taken = await asyncio.to_thread(self._desk.take, f"{who.name} {who.number}".strip(), lines, signatures)
        self._unsigned = taken.unsigned > 0
        return taken

    async def _unit_is_there(self) -> bool:
        level = await ask(self.port, "lines.level")
        nrst = level.get("nrst") if isinstance(level, dict) else None
        if nrst is None:
            raise LinkError(
                "malformed", "the helper does not say how NRST is", next_step="use `bmsrescue deploy` on it"
            )
        return not nrst

    def move_label(self) -> None:
        """The label that was scanned ahead for this station has been scanned at another one."""
        self.label = None
        self._show()

    def _expire_label(self, now: float) -> None:
        """A label that was scanned long before any unit came is hardly the next one's."""
        if self.label is None:
            return
        if self._waits_since is None:
            self._waits_since = now
        elif now - self._waits_since >= 60 * self._desk.settings.label_minutes:
            why = f"{self.label} was scanned, and no unit came: scan it again."
            self._forget_unit()
            self._enter(EMPTY, why)

    def _forget_unit(self) -> None:
        self.label, self.result, self.release = None, None, None

    def _enter(self, state: str, why: str = "") -> None:
        self.state, self.why = state, why
        self._show()

    def _show(self) -> None:
        status = self.status()
        if status != self._told:
            self._told = status
            self._tell(status)
