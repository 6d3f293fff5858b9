"""The tables of a store. Importing this package makes all of them known to `Base.metadata`."""

from bmsrescue.fleet.models.attempts import Attempt, Course, Measurement, RecordedConsent, SealedLine
from bmsrescue.fleet.models.base import Base
from bmsrescue.fleet.models.counts import (
    DayCount,
    LineDay,
    LineHour,
    LineMonth,
    MonthCount,
    RailDay,
    RailMonth,
    StationDay,
    StationMonth,
    StepDay,
    StepMonth,
)
from bmsrescue.fleet.models.ledger import LedgerEntry, Site
from bmsrescue.fleet.models.people import ApiToken, AuditEntry, ConsentGiven, Operator
from bmsrescue.fleet.models.releases import JobDocument, JobHead, Release
from bmsrescue.fleet.models.stations import Booking, Station
from bmsrescue.fleet.models.stock import Backup, CardImport, Image, QuarantinedLine
from bmsrescue.fleet.models.unit_life import UnitCard, UnitNote
from bmsrescue.fleet.models.units import Unit, UnitLabel

__all__ = (
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "Backup",
    "Base",
    "Booking",
    "CardImport",
    "ConsentGiven",
    "Course",
    "DayCount",
    "Image",
    "JobDocument",
    "JobHead",
    "LedgerEntry",
    "LineDay",
    "LineHour",
    "LineMonth",
    "Measurement",
    "MonthCount",
    "Operator",
    "QuarantinedLine",
    "RailDay",
    "RailMonth",
    "RecordedConsent",
    "Release",
    "SealedLine",
    "Site",
    "Station",
    "StationDay",
    "StationMonth",
    "StepDay",
    "StepMonth",
    "Unit",
    "UnitCard",
    "UnitLabel",
    "UnitNote",
)
