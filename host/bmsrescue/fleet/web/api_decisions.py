"""What engineers decide, over HTTP: released jobs, accounts, tokens; and the audit log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy import select

from bmsrescue.errors import UsageError
from bmsrescue.fleet.accounts import ENGINEER, MIN_PASSWORD
from bmsrescue.fleet.models import AuditEntry
from bmsrescue.fleet.web.access import Deciding, Viewing
from bmsrescue.fleet.web.parts import TheFleet

router = APIRouter(prefix="/api/fleet", tags=["decisions"])
_MAX_UPLOAD_BYTES = 8 * 1024 * 1024


class Rollback(BaseModel):
    version: int = Field(ge=1, le=1_000_000)
    why: str = Field(min_length=1, max_length=300)


class NewAccount(BaseModel):
    name: str = Field(min_length=1, max_length=32)
    role: str
    password: str = Field("", max_length=256, description=f"At least {MIN_PASSWORD} characters; empty: tokens only.")


class AccountChange(BaseModel):
    """What is not given stays as it is."""

    role: str | None = None
    password: str | None = Field(None, max_length=256)
    disabled: bool | None = None


class NewToken(BaseModel):
    purpose: str = Field(min_length=1, max_length=64)
    days: int = Field(ge=1, le=3660)


@router.get("/releases")
def releases(fleet: TheFleet, _person: Viewing) -> list[dict[str, Any]]:
    """The version of each job that is in force, and how many units it may still recover."""
    return [asdict(release) for release in fleet.desk.releases.all_in_force()]


@router.post("/releases", status_code=201)
def publish(
    fleet: TheFleet,
    person: Deciding,
    files: Annotated[list[UploadFile], File(description="job.json and the image that it names")],
    note: Annotated[str, Form(max_length=400)] = "",
    allowance: Annotated[int | None, Form(ge=1, le=10**9)] = None,
) -> dict[str, Any]:
    """Release a job: the next version of its name, in force at once."""
    given: dict[str, bytes] = {}
    for file in files[:3]:
        data = file.file.read(_MAX_UPLOAD_BYTES + 1)
        if len(data) > _MAX_UPLOAD_BYTES:
            raise UsageError("a file is larger than any job or image", f"At most {_MAX_UPLOAD_BYTES:,} bytes.")
        given[file.filename or ""] = data
    _accounts, decided = fleet.deciding()
    return asdict(decided.publish(given, person, note, allowance))


@router.post("/releases/{job}/rollback")
def roll_back(job: str, body: Rollback, fleet: TheFleet, person: Deciding) -> dict[str, Any]:
    """Put an earlier version in force again."""
    _accounts, decided = fleet.deciding()
    return asdict(decided.roll_back(job, body.version, person, body.why))


@router.post("/accounts", status_code=201)
def add_account(body: NewAccount, fleet: TheFleet, person: Deciding) -> None:
    """A new account. The first one has to be an engineer's."""
    accounts, _releases = fleet.deciding()
    if not accounts.any() and (body.role != ENGINEER or not body.password):
        raise UsageError("the first account is an engineer's, with a password", "Else nobody could add others.")
    accounts.add(body.name, body.role, body.password, person.name)


@router.patch("/accounts/{name}")
def change_account(name: str, body: AccountChange, fleet: TheFleet, person: Deciding) -> None:
    """Another role or password, or shut; the last engineer stays."""
    accounts, _releases = fleet.deciding()
    accounts.change(name, person.name, role=body.role, password=body.password, disabled=body.disabled)


@router.post("/accounts/{name}/tokens", status_code=201)
def make_token(name: str, body: NewToken, fleet: TheFleet, person: Deciding) -> dict[str, str]:
    """A program's key; it is shown only in this answer."""
    accounts, _releases = fleet.deciding()
    return {"token": accounts.make_token(name, body.purpose, body.days, person.name)}


@router.delete("/accounts/{name}/tokens")
def revoke_tokens(name: str, fleet: TheFleet, person: Deciding) -> dict[str, int]:
    """All tokens of an account."""
    accounts, _releases = fleet.deciding()
    return {"revoked": accounts.revoke_tokens(name, person.name)}


@router.get("/audit")
def audit(
    fleet: TheFleet, _person: Deciding, count: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[dict[str, Any]]:
    """What people decided, newest first."""
    wanted = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.number.desc()).limit(count)
    with fleet.store.read() as session:
        return [
            {
                "bench": entry.bench,
                "number": entry.number,
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "details": entry.details,
            }
            for entry in session.scalars(wanted)
        ]
