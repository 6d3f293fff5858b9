"""A station's helper without a helper: the unit on it comes and goes as the test says."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.helper_port import Job
from rescuelink.errors import CardError, LinkError, WireError
from rescuelink.seal import line_hash
from sealed_records import chain


class FakeHelper:
    """A helper whose unit comes and goes as the test says; its records are sealed like real ones."""

    def __init__(self, name: str = "h1", number: str | None = None) -> None:
        self.name = name
        self.number = hashlib.sha256(name.encode()).hexdigest()[:16] if number is None else number
        self.answer: dict[str, Any] = {}  # what a job's answer says otherwise than it should
        self.jobs: str | None = "any"  # which jobs it runs, as its hello says; None: an agent that does not say
        self.present = False
        self.here = True
        self.job_now: Job | None = None
        self.records: list[str] = []
        self.in_flash: list[str] = []  # of which the card has nothing
        self.card_takes = True
        self.signatures: dict[str, bytes] = {}  # by place; none: an agent that signs nothing
        self.card: dict[str, bytes] = {}
        self.cancelled = False
        self.chip: str | None = "STM32H725"  # None: it does not answer
        self.uid = "30313233343536373839414D"
        self.asked: list[str] = []
        self.on_call: dict[str, LinkError] = {}  # what a method ends with instead

    def status(self) -> dict[str, Any]:
        working = self.job_now is not None and self.job_now.state == "running"
        state = "absent" if not self.here else "busy" if working else "ready"
        return {"state": state, "about": self.about() if self.here else None}

    def about(self) -> dict[str, Any]:
        return {"helper": self.name, "helper_id": self.number or None, "board": "pico", "jobs": self.jobs}

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any:
        if not self.here:
            raise LinkError("lost", "the helper is gone")
        self.asked.append(method)
        if method in self.on_call:
            raise self.on_call.pop(method)
        if method in ("power.sense", "power.on", "power.off"):
            return {"rails": {}, "trip": None}
        if method == "target.connect":
            if self.chip is None:
                raise WireError("no_ack", "the chip answers by no way tried")
            return {"how": "attach"}
        if method == "flash.info":
            return {"chip": {"name": self.chip, "uid": self.uid}}
        data, flash = ("".join(line + "\n" for line in lines).encode() for lines in (self.records, self.in_flash))
        if method == "lines.level":
            return {"nrst": not self.present, "edges": 0}
        if method == "records.sizes":
            signed = {place: len(data) for place, data in self.signatures.items()}
            return {"card": len(data), "helper": len(flash), "helper-old": 0, **signed}
        if method == "records.read":
            places = {"card": data, "helper": flash, **self.signatures}
            return places[params[0]][params[1] : params[1] + 2048]
        if method == "card.hash":
            if params[0] not in self.card:
                raise CardError("missing", "no such file")
            return hashlib.sha256(self.card[params[0]]).hexdigest()
        if method == "card.read":
            if params[0] not in self.card:
                raise CardError("missing", "no such file")
            return self.card[params[0]][params[1] : params[1] + min(params[2], 2048)]
        assert method in ("card.close", "rails.stream")
        return None

    async def write_file(self, path: str, offset: int, data: bytes, timeout_s: float, client: str) -> None:
        if not self.here:
            raise LinkError("lost", "the helper is gone")
        self.card[path] = self.card.get(path, b"")[:offset] + data

    def start_job(self, method: str, params: list[Any], client: str) -> Job:
        assert method == "job.run"
        self.job_now = Job(method, params)
        return self.job_now

    async def cancel(self) -> None:
        self.cancelled = True

    def end_job(self, outcome: str, **changes: Any) -> None:
        previous = line_hash(self.records[-1]) if self.records else ""
        first = len(self.records) + 1
        known = {"helper_id": self.number} if self.number else {}
        made = {"first": first, "previous": previous, "outcome": outcome, **known, **changes}
        place = self.records if self.card_takes else self.in_flash
        place += chain(self.name, 1, **made)
        job = self.job_now
        assert job is not None
        answer = json.loads(place[-1]) | {"line_sha256": line_hash(place[-1])}
        job.state, job.result = "done", answer | self.answer
        job.ended.set()

    def lose(self) -> None:
        job = self.job_now
        assert job is not None
        job.state, job.error = "failed", {"kind": "lost", "message": "the helper is gone"}
        job.ended.set()
        self.here = False


class NoHelpers:
    """What the daemon has found: nothing."""

    def __init__(self) -> None:
        self.ports: dict[str, Any] = {}
        self.events = EventLog()
