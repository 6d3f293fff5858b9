"""The views of what engineers decide: released jobs and their limits, accounts, the audit log."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from bmsrescue.fleet.accounts import MIN_PASSWORD, ROLES, SCOPES
from bmsrescue.fleet.audit import audit_page
from bmsrescue.fleet.limit_changes import limit_changes, other_changes
from bmsrescue.fleet.web.access import Deciding, Viewing
from bmsrescue.fleet.web.limit_words import LIMIT_WORDS, RAIL_WORDS
from bmsrescue.fleet.web.ordering import order_of
from bmsrescue.fleet.web.parts import Plain, TheFleet
from bmsrescue.fleet.web.rendering import page
from rescuelink.job import validate
from rescuelink.limits import ceiling_mv

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/releases")
def releases(request: Request, fleet: TheFleet, person: Viewing) -> Response:
    """Every job that was released, with its versions."""
    versions = fleet.desk.releases.versions()
    jobs = {job: list(same) for job, same in groupby(versions, key=lambda version: version.job)}
    return page(request, "releases.html", person, "Releases", jobs=jobs, rules=fleet.desk.settings.rules)


@router.get("/releases/{job}/{version}")
def release(
    request: Request, job: Plain, version: Annotated[int, Path(ge=1, le=1_000_000)], fleet: TheFleet, person: Viewing
) -> Response:
    """One version: its limits, to be looked at, changed, or put in force again."""
    found = next((one for one in fleet.desk.releases.versions(job) if one.version == version), None)
    if found is None:
        raise HTTPException(404, "there is no such release")
    document = fleet.desk.releases.document(job, version)
    before = fleet.desk.releases.document(job, version - 1) if version > 1 else None
    limits = validate(document).limits
    own_board = "rails" in document.get("board", {})
    return page(
        request,
        "release.html",
        person,
        f"{job} version {version}",
        release=found,
        document=document,
        changes=limit_changes(before, document),
        others=other_changes(before, document),
        rails=[(name, RAIL_WORDS.get(name, name), window) for name, window in limits.rails.items()],
        ceilings={
            name: ceiling_mv(limits.role_of(name) if own_board else name, document["target"]["chip"])
            for name in limits.rails
        },
        numbers=[(name, words, unit, getattr(limits, name)) for name, (words, unit) in LIMIT_WORDS.items()],
    )


@router.get("/accounts")
def accounts(request: Request, fleet: TheFleet, person: Deciding) -> Response:
    """Who may do what."""
    told = {"accounts": fleet.accounts.all(), "roles": ROLES, "min_password": MIN_PASSWORD, "scopes": SCOPES}
    return page(request, "accounts.html", person, "Accounts", **told)


@router.get("/audit")
def audit(
    request: Request,
    fleet: TheFleet,
    person: Deciding,
    q: Annotated[Plain, Query(max_length=64)] = "",
    number: Annotated[int, Query(alias="page", ge=0, le=100_000)] = 0,
) -> Response:
    """What people decided, a page at a time."""
    text = q.strip()
    with fleet.store.read() as session:
        found = audit_page(session, text, number, down=order_of(request).by("audit", "at")[1])
    stored = {"audit": ("at",)} if number or found.more else None
    shown = {"found": found, "q": text, "number": number, "stored_order": stored}
    return page(request, "audit.html", person, "Audit log", **shown)
