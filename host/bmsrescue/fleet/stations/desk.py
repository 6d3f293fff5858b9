"""What stations ask of the store: who is who, which job, and the records as they come."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.consents import Consent, Consents
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Attempt, Booking, Measurement, SealedLine, Station, Unit, UnitLabel
from bmsrescue.fleet.records.fields import table
from bmsrescue.fleet.records.taking import BENCH, LineTaker, Taken
from bmsrescue.fleet.releases import InForce, ReleaseError, Releases
from bmsrescue.fleet.stations.backup_fetch import BackupShelf
from bmsrescue.fleet.stations.job_metrics import JobMetrics
from bmsrescue.fleet.stations.pace import Pace
from bmsrescue.fleet.stations.settings import StationSettings
from bmsrescue.fleet.stations.who import Who
from bmsrescue.fleet.store import Store
from bmsrescue.keys.records import Signatures
from bmsrescue.keys.store import KeyStore
from rescuelink.outcomes import NO_FAULT_FOUND

_LINES_AT_ONCE = 50
_UNSIGNED = "Unsigned helper: nobody can tell its records from made-up ones (`bmsrescue deploy --sign-records`)."
_UNSIGNED_JOB = "The job was not signed."
_DEVELOPMENT = "Helper for development: it runs any job, signed or not (`bmsrescue deploy --trust KEY`)."


@dataclass(frozen=True)
class Result:
    """What a station shows of an attempt. `remark`: something about the unit that a person should know.

    `number`: in the order in which attempts came into the store.
    """

    helper: str
    helper_id: str
    sequence: int
    sha256: str
    number: int
    outcome: str
    cause: str
    sentence: str
    next_step: str | None
    uid: str | None
    remark: str

    def told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Booked:
    """A job that is about to begin: the words that it is allowed, and the newest attempt before it."""

    words: list[str]
    after: int


class Desk:
    """`store` and `site` are the site's own: what a station does never waits for the shared store. `signed_only`:
    records of helpers of which no key is known are set aside.
    """

    def __init__(
        self,
        store: Store,
        site: str,
        settings: StationSettings,
        keys: KeyStore | None = None,
        signed_only: bool = False,
    ) -> None:
        self.store = store
        self.site = site
        self.settings = settings
        self._keys = keys
        self.signed_only = signed_only
        self.releases = Releases(store, site, keys)
        self.consents = Consents(store, site)
        self.pace = Pace()
        self.metrics = JobMetrics()
        self.course: list[str] = []
        """The steps of a whole job, in the order in which stations have seen them."""
        self.shelf: BackupShelf | None = None
        """Where the backups go that helpers make; None: they stay on their cards."""

    def job_for(self, label: str | None, board: str, chip: str | None = None) -> InForce | None:
        """The release to use, None for the job on the card. Raises ReleaseError."""
        job = self.settings.job_for(label, board, chip)
        if job is None:
            return None
        release = self.releases.in_force(job)
        if release.remaining == 0:
            raise ReleaseError(
                f"{job} version {release.version} has recovered the {release.allowance} units it was released for",
                "An engineer has to release more.",
            )
        return release

    def chip_before(self, label: str | None) -> str | None:
        """The chip that was last seen under this label; None when there was none."""
        with self.store.read() as session:
            return session.scalar(
                select(Unit.chip)
                .join(UnitLabel, UnitLabel.unit_id == Unit.id)
                .where(UnitLabel.label == label, Unit.chip.is_not(None))
                .order_by(UnitLabel.first_seen.desc())
                .limit(1)
            )

    def book(
        self,
        who: Who,
        newest: int,
        station: str,
        label: str | None,
        operator: str,
        release: InForce | None,
        consent: Consent | None = None,
    ) -> Booked:
        """Note who asked for the job that is about to begin; its record will take this along.

        `newest`: the number of the last record that the helper has. `consent` is used up, unless it was withdrawn
        meanwhile: then it allows no words.
        """
        with self.store.write() as session:
            after = session.scalar(select(func.max(Attempt.id))) or 0
            booking = Booking(
                helper=who.name,
                helper_id=who.id,
                after_sequence=newest,
                after_attempt=after,
                made_at=ledger.now(),
                station=station,
                operator=operator or None,
                label=label,
                release_id=None if release is None else release.id,
            )
            session.add(booking)
            subject = label or "unit without a label"
            actor = operator or "station"
            decide(session, self.site, actor, "started", subject, [], station=station)
            if consent is None or not self.consents.use(session, consent.number, booking, actor):
                return Booked([], after)
            return Booked(consent.words, after)

    def helper_keys(self) -> dict[str, bytes]:
        """The keys of helpers that sign their records, by helper_id."""
        return {} if self._keys is None else self._keys.helpers()

    def take(self, helper: str, lines: list[str], signatures: Signatures | None = None) -> Taken:
        """Store records of a helper; returns what became of them."""
        taker = LineTaker(
            f"helper {helper}", BENCH, signatures or Signatures(self.helper_keys(), only=self.signed_only)
        )
        for begin in range(0, len(lines), _LINES_AT_ONCE):
            with self.store.write() as session:
                taker.take(session, self.site, lines[begin : begin + _LINES_AT_ONCE])
        return taker.taken

    def met(self, who: Who, station: str) -> str:
        """What is to be said of a helper that a station has just met; empty when it is the one of before."""
        keys = self.helper_keys()
        unsigned = _UNSIGNED if keys and who.id not in keys else ""
        development = _DEVELOPMENT if self._runs_signed_releases() and not who.signed_jobs_only else ""
        return " ".join(filter(None, (self._who_is_met(who, station), unsigned, development)))

    def _runs_signed_releases(self) -> bool:
        return self._keys is not None and self._keys.only_signed()

    def _who_is_met(self, who: Who, station: str) -> str:
        mine = select(Attempt.helper, Attempt.helper_id).order_by(Attempt.id.desc()).limit(1)
        with self.store.read() as session:
            here = session.execute(mine.where(Attempt.station == station, Attempt.bench == self.site)).first()
            if here is not None and here.helper_id not in (who.id, f"label {who.name}"):
                return (
                    f"Another helper than before: this station's last record is by {here.helper} "
                    f"{_number(here.helper_id)}, now there is {who.name} {who.number}. Their records are kept apart."
                )
            namesake = session.execute(
                mine.where(Attempt.helper == who.name, Attempt.helper_id.not_in((who.id, f"label {who.name}")))
            ).first()
        if namesake is None:
            return ""
        return (
            f"Records of another helper that is called {who.name} ({_number(namesake.helper_id)}) are here, too; they "
            "are kept apart."
        )

    def result(self, sha256: str) -> Result | None:
        """The attempt whose record has this hash, once it is stored."""
        with self.store.read() as session:
            row = session.execute(
                select(Attempt, Unit.uid)
                .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
                .where(Attempt.sha256 == sha256)
            ).first()
            if row is None:
                return None
            attempt, uid = row
            return Result(
                attempt.helper,
                attempt.helper_id,
                attempt.sequence,
                sha256,
                attempt.id,
                attempt.outcome,
                attempt.cause,
                attempt.sentence,
                attempt.next_step,
                uid,
                " ".join(filter(None, (_remark(session, attempt), self._job_remark(session, attempt)))),
            )

    def _job_remark(self, session: Session, attempt: Attempt) -> str:
        """Where jobs are signed, that this one was not: only a helper for development has run it."""
        if not attempt.job or not self._runs_signed_releases():
            return ""
        line = session.scalar(select(SealedLine.line).where(SealedLine.attempt_id == attempt.id))
        return "" if line is None or table(table(json.loads(line), "job"), "release") else _UNSIGNED_JOB

    # -- golden units and service --------------------------------------------------------------------------------------

    def golden_fault(self, result: Result) -> str:
        """Why the golden unit's result does not do; empty when it does."""
        if result.outcome != NO_FAULT_FOUND:
            return f"the golden unit came out as {result.outcome}"
        with self.store.read() as session:
            bad = session.scalars(
                select(Measurement.rail)
                .join(Attempt, Attempt.id == Measurement.attempt_id)
                .where(Attempt.sha256 == result.sha256)
                .where(Measurement.phase == "on", Measurement.verdict != "pass")
            ).all()
        return f"the golden unit's {', '.join(bad)} is not where it should be" if bad else ""

    def golden_due(self, station: str) -> bool:
        """Whether the station has to see the golden unit first."""
        if not self.settings.golden or not self.settings.golden_hours:
            return False
        with self.store.read() as session:
            row = session.get(Station, (self.site, station))
        if row is None or row.golden_at is None:
            return True
        # A check that lies ahead was made before the clock went backwards: nobody knows how old it is.
        return not timedelta(0) <= ledger.now() - row.golden_at <= timedelta(hours=self.settings.golden_hours)

    def out_of_service(self, station: str) -> str:
        """Why a person or the golden check took it out of service; empty when it is in service."""
        with self.store.read() as session:
            row = session.get(Station, (self.site, station))
        return (row.out_of_service or "") if row is not None else ""

    def set_service(self, station: str, helper: str | None, why: str, actor: str, golden: bool = False) -> None:
        """Out of service for a reason, or ("") in service again; `golden`: the golden unit has just passed."""
        with self.store.write() as session:
            row = session.get(Station, (self.site, station))
            before = None if row is None else row.golden_at
            golden_at = ledger.now() if golden else before
            content = {
                "name": station,
                "helper": helper,
                "out_of_service": why or None,
                "golden_at": golden_at.isoformat() if golden_at else None,
            }
            action = "golden unit passed" if golden else "out of service" if why else "in service"
            decide(session, self.site, actor, action, station, [News(ledger.STATION, content)], why=why)

    def note(self, actor: str, action: str, station: str) -> None:
        """Put into the audit log what somebody did at a station."""
        with self.store.write() as session:
            decide(session, self.site, actor, action, station, [])

    def taken_out(self, station: str, actor: str, subject: str, result: Result) -> None:
        """The unit was gone before its job had ended: the attempt stays as it is, and does not count."""
        content = {"helper": result.helper, "sequence": result.sequence, "sha256": result.sha256}
        with self.store.write() as session:
            news = [News(ledger.TAKEN_OUT, content)]
            decide(session, self.site, actor, "taken out in work", subject, news, station=station, **content)


def _number(helper_id: str) -> str:
    return "without a number" if helper_id.startswith("label ") else helper_id[-6:]


def _remark(session: Session, attempt: Attempt) -> str:
    if attempt.unit_id is None:
        return ""
    others = session.scalars(
        select(UnitLabel.label).where(UnitLabel.unit_id == attempt.unit_id, UnitLabel.label != (attempt.label or ""))
    ).all()
    if others:
        return f"This chip was here before as {', '.join(others[:3])}."
    if attempt.label is None:
        return ""
    same = session.scalar(
        select(func.count()).where(UnitLabel.label == attempt.label, UnitLabel.unit_id != attempt.unit_id)
    )
    return "Another chip was here under this label." if same else ""
