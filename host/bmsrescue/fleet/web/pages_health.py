"""What goes in and out of a bench: queues, imports, what was set aside; and the backups that it keeps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from bmsrescue.fleet.benches import benches_of
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.kept_backups import PAGE, backup_of, fetch, find_backups, put_back_card
from bmsrescue.fleet.models import CardImport
from bmsrescue.fleet.queues import queues_of, time_fault
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.web.access import Deciding, Viewing
from bmsrescue.fleet.web.ordering import order_of
from bmsrescue.fleet.web.parts import Plain, TheFleet
from bmsrescue.fleet.web.refusals import a_file
from bmsrescue.fleet.web.rendering import page
from bmsrescue.fleet.webhook import Webhook
from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.whole_backup import whole_flash

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(prefix="/api/fleet", tags=["backups"])
_IMPORTS = 50
_Page = Annotated[int, Query(alias="page", ge=0, le=100_000)]
_Text = Annotated[Plain, Query(max_length=64)]


@router.get("/health")
def health(request: Request, fleet: TheFleet, person: Viewing, number: _Page = 0) -> Response:
    """Whether what is learned here gets out, and what came in."""
    with fleet.store.read() as session:
        down = order_of(request).by("imports", "at")[1]
        newest = CardImport.id.desc() if down else CardImport.id
        wanted = select(CardImport).order_by(newest).limit(_IMPORTS + 1).offset(number * _IMPORTS)
        imports = list(session.scalars(wanted))
        lines = aside.count(session)
    shown: dict[str, Any] = {
        "imports": imports[:_IMPORTS],
        "more": len(imports) > _IMPORTS,
        "number": number,
        "lines": lines,
    }
    shown["webhook"] = fleet.webhook
    shown["refused"] = fleet.webhook.refusals() if fleet.webhook is not None else []
    shown["stored_order"] = {"imports": ("at",)} if number or len(imports) > _IMPORTS else None
    clock_fault = time_fault()
    return page(request, "health.html", person, "Health", queues=queues_of(fleet), clock_fault=clock_fault, **shown)


@router.get("/benches")
def benches(request: Request, fleet: TheFleet, person: Viewing) -> Response:
    """Every bench whose records are in this store."""
    with fleet.store.read() as session:
        found = benches_of(session)
    return page(request, "benches.html", person, "Benches", benches=found)


@router.get("/backups")
def backups(request: Request, fleet: TheFleet, person: Viewing, q: _Text = "", number: _Page = 0) -> Response:
    """What was read out of units before anything was erased."""
    with fleet.store.read() as session:
        found = find_backups(session, q.strip(), number, order_of(request).by("backups", "stored_at")[1])
    shown: dict[str, Any] = {"backups": found[:PAGE], "more": len(found) > PAGE, "q": q.strip(), "number": number}
    shown["stored_order"] = {"backups": ("stored_at",)} if number or len(found) > PAGE else None
    return page(request, "backups.html", person, "Backups", **shown)


@api.get("/backups")
def all_backups(fleet: TheFleet, _person: Viewing, q: _Text = "", number: _Page = 0) -> list[dict[str, Any]]:
    """Newest first, 50 a page; `q`: in the label, the chip's identity or the backup's hash."""
    with fleet.store.read() as session:
        return [asdict(one) for one in find_backups(session, q.strip(), number)[:PAGE]]


@api.post("/backups/{sha256}/check")
def check(sha256: Plain, fleet: TheFleet, person: Deciding) -> dict[str, Any]:
    """Read a backup back and hold it against its hash."""
    data = _data(fleet, sha256, person.name, "backup checked")
    return {"sha256": sha256, "bytes": len(data), "intact": True}


@api.get("/backups/{sha256}/flash.bin", response_class=Response, responses=a_file("application/octet-stream"))
def download(sha256: Plain, fleet: TheFleet, person: Deciding) -> Response:
    """What the flash held, from its first byte to its last; 0xFF where it was blank or could not be read.

    A file that is no helper's backup is given as it is.
    """
    data = _data(fleet, sha256, person.name, "backup downloaded")
    with suppress(ImageFileError):
        data = whole_flash(data, sha256)
    return _file(data, "application/octet-stream", f"{sha256[:16]}.bin")


@api.get("/backups/{sha256}/put-back.zip", response_class=Response, responses=a_file("application/zip"))
def put_back(sha256: Plain, fleet: TheFleet, person: Deciding) -> Response:
    """A card (job.json and image) whose job writes the backup back into its unit, and proves it."""
    with fleet.store.read() as session:
        kept = backup_of(session, sha256)
    data = _data(fleet, sha256, person.name, "backup made into a job")
    if kept is None:
        raise HTTPException(404, "there is no such backup")
    return _file(put_back_card(kept, data), "application/zip", f"put-back-{(kept.uid or '')[-8:]}.zip")


@api.get("/webhook/refused", tags=["webhook"])
def refused(fleet: TheFleet, _person: Viewing) -> list[dict[str, Any]]:
    """Attempts that the webhook's program refuses while it takes others, the oldest first; at most 100."""
    return [asdict(one) for one in _webhook(fleet).refusals()]


@api.post("/webhook/again", status_code=204, tags=["webhook"])
def tell_again(fleet: TheFleet, person: Deciding) -> None:
    """Tell what was refused in the next seconds, not ten minutes after the last time."""
    webhook = _webhook(fleet)
    with fleet.store.write() as session:
        decide(session, fleet.site_id, person.name, "webhook told again", webhook.where, [], attempts=webhook.refused)
    webhook.tell_again()


@api.delete("/webhook/refused/{number}", status_code=204, tags=["webhook"])
def leave_out(number: Annotated[int, Path(ge=0, le=2**62)], fleet: TheFleet, person: Deciding) -> None:
    """Never tell an attempt that was refused. It stays on record here."""
    attempt = _webhook(fleet).leave_out(number)
    with fleet.store.write() as session:
        decide(session, fleet.site_id, person.name, "not told to the webhook", attempt["sha256"], [], entry=number)


def _webhook(fleet: TheFleet) -> Webhook:
    if fleet.webhook is None:
        raise HTTPException(404, "no webhook is configured")
    return fleet.webhook


def _data(fleet: TheFleet, sha256: str, actor: str, action: str) -> bytes:
    with fleet.store.read() as session:
        if backup_of(session, sha256) is None:
            raise HTTPException(404, "there is no such backup")
    return fetch(fleet.store, fleet.site_id, fleet.backups, sha256, actor, action)


def _file(data: bytes, kind: str, name: str) -> Response:
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
