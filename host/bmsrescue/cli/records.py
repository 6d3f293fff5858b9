"""`bmsrescue records`: those of a helper, and cards of dongles into this bench's store."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.exit_status import NOT_WELL
from bmsrescue.cli.helper.common import HelperOption, opened
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, show_error
from bmsrescue.client.records import PLACES, fetch
from bmsrescue.config import data_dir
from bmsrescue.errors import UsageError
from rescuelink.chain import damage, verify_chain

if TYPE_CHECKING:
    from bmsrescue.fleet.records.cards import CardReport

_SHOWN_BREAKS = 20
# By whether the check only looked.
_NOT_COUNTED = {False: "It counts no more.", True: "It counts until a check may write to the store."}
_RECOUNT = {False: "They were made anew.", True: "Make them anew: bmsrescue records recount."}


def records(
    context: typer.Context,
    place: Annotated[
        str | None,
        typer.Option(help=f"Where from: {', '.join(PLACES)}; {PLACES[0]} without it, of a helper without one itself."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Keep the lines as they are.")] = None,
    overwrite: OverwriteOption = False,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """The sealed records of a helper, with their chain checked."""
    if context.invoked_subcommand is None:
        _of_a_helper(place, out, overwrite, wanted, as_json)


def import_cards(
    place: Annotated[Path, typer.Argument(metavar="DIR", help="A card, an image of one, or a folder of cards.")],
    as_json: JsonOption = False,
) -> None:
    """Take the cards of pocket dongles into this bench's records. Nothing on them is changed."""
    from bmsrescue.fleet.records.cards import find_cards
    from bmsrescue.fleet.records.here import take_in

    cards = find_cards(place)
    began = time.monotonic()
    reports, set_aside = take_in(cards)
    _show(reports, time.monotonic() - began, as_json)
    if set_aside and not as_json:
        console().print(f"{set_aside:,} lines are set aside at this bench: see `bmsrescue records aside`.")
    if not all(report.whole for report in reports):
        raise typer.Exit(NOT_WELL)


def set_aside(as_json: JsonOption = False) -> None:
    """Lines that came as records of this bench and were set aside: none, or at odds with one that is here."""
    from bmsrescue.fleet.records import aside
    from bmsrescue.fleet.store import Store, sqlite_url

    store = Store.open(sqlite_url(data_dir()))
    try:
        with store.read() as session:
            count, lines = aside.count(session), aside.newest(session)
    finally:
        store.close()
    if as_json:
        told = [asdict(one) | {"seen_at": one.seen_at.isoformat()} for one in lines]
        print_json({"count": count, "lines": told})
        return
    table = Table(box=None, pad_edge=False)
    for title in ("when (UTC)", "from", "line", "why"):
        table.add_column(title, overflow="fold")
    for one in lines:
        table.add_row(f"{one.seen_at:%Y-%m-%d %H:%M}", escape(one.source), str(one.line_number), escape(one.why))
    if lines:
        console().print(table)
    console().print(
        f"{count:,} lines are set aside{f', the newest {len(lines)} are shown' if count > len(lines) else ''}."
    )


def recount(
    url: Annotated[str, typer.Option("--store", metavar="URL", help="A shared store; else this bench's own.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make the counts that the line and the figures are read from anew, from the attempts of a store."""
    from bmsrescue.fleet.records.rollups import count_anew
    from bmsrescue.fleet.store import Store, sqlite_url

    began = time.monotonic()
    store = Store.open(url or sqlite_url(data_dir()))
    try:
        with store.write() as session:
            attempts = count_anew(session)
    finally:
        store.close()
    if as_json:
        print_json({"attempts": attempts})
        return
    console().print(f"{attempts:,} attempts are counted anew in {time.monotonic() - began:.1f} s")


def check(
    url: Annotated[str, typer.Option("--store", metavar="URL", help="A shared store; else this bench's own.")] = "",
    signed_only: Annotated[
        bool,
        typer.Option("--signed-only", help="Records of helpers of which no key is known here do not count either."),
    ] = False,
    only_look: Annotated[
        bool, typer.Option("--only-look", help="Change nothing: an account may do that may read.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify every record of a store by the keys that this computer knows; what does not verify counts no more."""
    from bmsrescue.fleet.checking import check_store
    from bmsrescue.fleet.store import Store, sqlite_url
    from bmsrescue.keys.store import KeyStore

    began = time.monotonic()
    place = url or sqlite_url(data_dir())
    store = Store.open_to_read(place) if only_look else Store.open(place)
    try:
        found = check_store(store, KeyStore().helpers(), signed_only, mark=not only_look)
    finally:
        store.close()
    if as_json:
        print_json(asdict(found))
    else:
        console().print(
            f"{found.attempts:,} records in {time.monotonic() - began:.1f} s: {found.signed:,} signed by their "
            f"helpers, {found.unknown:,} of helpers of which no key is known here, {found.wrong_count:,} do not verify."
        )
        for one in found.wrong[:_SHOWN_BREAKS]:
            show_error(f"{one.helper} {one.sequence} ({one.sha256[:16]}): {one.why}", _NOT_COUNTED[only_look])
        for line in found.ledgers[:_SHOWN_BREAKS]:
            show_error(line, "Ask that bench: its own store has what it wrote.")
        if found.lost:
            show_error(
                f"{found.lost:,} records are in a ledger and not in the store", "Import their cards at a new bench."
            )
        if found.counts_differ:
            show_error("the counts that pages read are not those of the records", _RECOUNT[only_look])
    if not found.good:
        raise typer.Exit(NOT_WELL)


def _show(reports: list[CardReport], seconds: float, as_json: bool) -> None:
    if as_json:
        print_json([asdict(report) for report in reports])
        return
    table = Table(box=None, pad_edge=False)
    for title in ("card", "records", "new", "known", "set aside", "breaks", "backups"):
        table.add_column(title, overflow="fold", justify="left" if title == "card" else "right")
    for report in reports:
        taken = report.taken
        breaks = len(taken.breaks) + taken.unnamed
        counts = (taken.lines, taken.new, taken.known, taken.quarantined, breaks, report.backups)
        table.add_row(report.source, *(f"{count:,}" for count in counts))
    console().print(table)
    lines = sum(report.taken.lines for report in reports)
    console().print(f"{lines:,} records in {seconds:.1f} s")
    for report in reports:
        for number, wrong in report.taken.breaks[:_SHOWN_BREAKS]:
            show_error(f"record {number} of {report.source}: {wrong}", "It is kept as it came.")
        more = len(report.taken.breaks) + report.taken.unnamed - _SHOWN_BREAKS
        if more > 0:
            show_error(f"{more:,} more in {report.source}", "See the first of them with --json.")
        for problem in report.problems:
            show_error(f"of {report.source}: {problem}", "Import it again when that is put right; nothing comes twice.")


def _of_a_helper(place: str | None, out: Path | None, overwrite: bool, wanted: str | None, as_json: bool) -> None:
    if place is not None and place not in PLACES:
        raise UsageError(f"records are not kept at {place}", f"Choose one of {', '.join(PLACES)}.")
    if out is not None:
        with telling_errors(as_json):
            check_new(out, overwrite)
    with opened(wanted, as_json) as helper:
        here = PLACES[1] if "card" in helper.session.about.get("missing", ()) else PLACES[0]
        lines = fetch(helper.session, place or here)
        if out is not None:
            write_atomically(out, "".join(line + "\n" for line in lines).encode())
    breaks = verify_chain(lines)
    sound = [json.loads(line) for line in lines if not damage(line)]
    if as_json:
        print_json({"records": sound, "breaks": breaks})
    else:
        console().print(_records_table(sound) if sound else "There are no records.")
        for number, wrong in breaks:
            show_error(f"record {number} of the file: {wrong}", "Somebody or something has changed it.")
    if breaks:
        raise typer.Exit(NOT_WELL)


def _records_table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("record", "outcome", "cause", "job", "unit"):
        table.add_column(title, overflow="fold")
    for record in found:
        job, unit, diagnosis = record.get("job"), record.get("unit"), record.get("diagnosis")
        table.add_row(
            str(record["sequence"]),
            str(record["outcome"]),
            str(diagnosis["cause"]) if diagnosis else "",
            str(job.get("name", "")) if isinstance(job, dict) else str(job or ""),
            str(unit.get("uid", "")) if isinstance(unit, dict) else str(unit or ""),
        )
    return table
