"""What engineers decide, over HTTP: released jobs, accounts, tokens; and the audit log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import segno
from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from pydantic import BaseModel, Field

from bmsrescue.errors import UsageError
from bmsrescue.fleet.accounts import ENGINEER, MIN_PASSWORD, SCOPES, STATIONS
from bmsrescue.fleet.audit import audit_page, told
from bmsrescue.fleet.web.access import Access, Deciding, Governing, Viewing
from bmsrescue.fleet.web.parts import Plain, TheFleet

router = APIRouter(prefix="/api/fleet", tags=["decisions"])
_BADGE_DAYS = 365
_MAX_UPLOAD_BYTES = 8 * 1024 * 1024


Allowance = Annotated[int | None, Field(ge=1, le=10**9)]


class Rollback(BaseModel):
    version: int = Field(ge=1, le=1_000_000)
    why: Plain = Field(min_length=1, max_length=300)


class RailLimits(BaseModel):
    """In mV; above `danger_mv` the power is cut at once."""

    low_mv: int = Field(ge=0, le=100_000)
    high_mv: int = Field(ge=0, le=100_000)
    danger_mv: int = Field(ge=0, le=100_000)


class NewLimits(BaseModel):
    """All limits of a job; those that are left out get the defaults of docs/job-format.md."""

    version: int = Field(ge=1, le=1_000_000, description="The version in force, as the person has seen it.")
    numbers: dict[Plain, int] = Field(default_factory=dict, max_length=50)
    rails: dict[Plain, RailLimits] = Field(default_factory=dict, max_length=10)
    note: Plain = Field("", max_length=400)
    allowance: Allowance = None


class NewAccount(BaseModel):
    name: Plain = Field(min_length=1, max_length=32)
    role: Plain
    password: str = Field("", max_length=256, description=f"At least {MIN_PASSWORD} characters; empty: tokens only.")


class AccountChange(BaseModel):
    """What is not given stays as it is."""

    role: Plain | None = None
    password: str | None = Field(None, max_length=256)
    disabled: bool | None = None


class OwnPassword(BaseModel):
    old: str = Field(min_length=1, max_length=256)
    new: str = Field(min_length=1, max_length=256, description=f"At least {MIN_PASSWORD} characters.")


class NewToken(BaseModel):
    purpose: Plain = Field(min_length=1, max_length=64)
    days: int = Field(ge=1, le=3660)
    scopes: list[Plain] | None = Field(
        None, max_length=8, description=f"Of {', '.join(SCOPES)}; left out: all of them."
    )


@router.get("/releases")
def releases(fleet: TheFleet, _person: Viewing) -> list[dict[str, Any]]:
    """The version of each job that is in force, and how many units it may still recover."""
    return [asdict(release) for release in fleet.desk.releases.all_in_force()]


@router.post("/releases", status_code=201)
def publish(
    fleet: TheFleet,
    person: Deciding,
    files: Annotated[list[UploadFile], File(description="job.json and the image that it names")],
    note: Annotated[Plain, Form(max_length=400)] = "",
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


@router.get("/releases/{job}/versions")
def versions(job: Plain, fleet: TheFleet, _person: Viewing) -> list[dict[str, Any]]:
    """Every version of a job, the newest first, with how many units each has recovered."""
    return [asdict(version) for version in fleet.desk.releases.versions(job)]


@router.get("/releases/{job}/versions/{version}/document")
def document(
    job: Plain, version: Annotated[int, Path(ge=1, le=1_000_000)], fleet: TheFleet, _person: Viewing
) -> dict[str, Any]:
    """The job.json of a version."""
    return fleet.desk.releases.document(job, version)


@router.post("/releases/{job}/limits", status_code=201)
def publish_limits(job: Plain, body: NewLimits, fleet: TheFleet, person: Deciding) -> dict[str, Any]:
    """Release the version in force again as the next one, with these limits and nothing else changed."""
    limits = body.numbers | {"rails": {name: rail.model_dump() for name, rail in body.rails.items()}}
    _accounts, decided = fleet.deciding()
    return asdict(decided.publish_limits(job, body.version, limits, person, body.note, body.allowance))


@router.post("/releases/{job}/rollback")
def roll_back(job: Plain, body: Rollback, fleet: TheFleet, person: Deciding) -> dict[str, Any]:
    """Put an earlier version in force again."""
    _accounts, decided = fleet.deciding()
    return asdict(decided.roll_back(job, body.version, person, body.why))


@router.get("/accounts")
def all_accounts(fleet: TheFleet, _person: Deciding) -> list[dict[str, Any]]:
    """Every account, with what its tokens are for; never a password or a token."""
    return [asdict(account) for account in fleet.accounts.all()]


@router.post("/accounts", status_code=201)
def add_account(body: NewAccount, fleet: TheFleet, person: Governing) -> None:
    """A new account. The first one has to be an engineer's."""
    accounts, _releases = fleet.deciding()
    if not accounts.any() and (body.role != ENGINEER or not body.password):
        raise UsageError("the first account is an engineer's, with a password", "Else nobody could add others.")
    accounts.add(body.name, body.role, body.password, person.name)


@router.patch("/accounts/{name}")
def change_account(name: Plain, body: AccountChange, fleet: TheFleet, person: Governing) -> None:
    """Another role or password, or shut; the last engineer stays."""
    accounts, _releases = fleet.deciding()
    accounts.change(name, person.name, role=body.role, password=body.password, disabled=body.disabled)


@router.post("/password")
def change_own_password(body: OwnPassword, request: Request, fleet: TheFleet, person: Viewing) -> None:
    """One's own, by the one before; every session of the account ends."""
    access: Access = request.app.state.access
    access.check_password(person.name, body.old, request.client.host if request.client else "")
    accounts, _releases = fleet.deciding()
    accounts.change(person.name, person.name, password=body.new)


@router.post("/accounts/{name}/tokens", status_code=201)
def make_token(name: Plain, body: NewToken, fleet: TheFleet, person: Governing) -> dict[str, str]:
    """A program's key; it is shown only in this answer."""
    accounts, _releases = fleet.deciding()
    return {"token": accounts.make_token(name, body.purpose, body.days, person.name, body.scopes)}


@router.post("/accounts/{name}/badge", status_code=201)
def make_badge(name: Plain, fleet: TheFleet, person: Governing) -> dict[str, str]:
    """A badge for a person's scanner, as its text and as a picture (data URI); it is shown only in this answer."""
    accounts, _releases = fleet.deciding()
    badge = accounts.make_token(name, "badge", _BADGE_DAYS, person.name, [STATIONS])
    return {"badge": badge, "picture": segno.make_qr(badge, error="m").png_data_uri(scale=5)}


@router.delete("/accounts/{name}/tokens")
def revoke_tokens(name: Plain, fleet: TheFleet, person: Deciding) -> dict[str, int]:
    """All tokens of an account."""
    accounts, _releases = fleet.deciding()
    return {"revoked": accounts.revoke_tokens(name, person.name)}


@router.get("/audit")
def audit(
    fleet: TheFleet,
    _person: Deciding,
    q: Annotated[Plain, Query(max_length=64, description="Only entries in which this stands.")] = "",
    page: Annotated[int, Query(ge=0, le=100_000, description="Counted from 0, the newest.")] = 0,
    count: Annotated[int, Query(ge=1, le=1000, description="Entries of a page.")] = 100,
) -> list[dict[str, Any]]:
    """What people decided, newest first."""
    with fleet.store.read() as session:
        return [told(entry) for entry in audit_page(session, q.strip(), page, count).entries]
