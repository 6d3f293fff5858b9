"""`bmsrescue deploy`: the agent onto a helper."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bmsrescue.board.config import load_board
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.helper.common import ProgressTeller, progress_bar
from bmsrescue.cli.keys import trusted_keys
from bmsrescue.cli.output import console, show_note
from bmsrescue.client.finding import find_helpers
from bmsrescue.config import load_config
from bmsrescue.deploy import snippets
from bmsrescue.deploy.agent_link import greet, leave_agent
from bmsrescue.deploy.bring import bring
from bmsrescue.deploy.difference import Action, Change
from bmsrescue.deploy.own_keys import helper_id, own_key, set_trusted, trusted_there
from bmsrescue.deploy.plan import Plan, make_plan
from bmsrescue.deploy.repl import PATIENCE_S, Repl
from bmsrescue.errors import UsageError
from bmsrescue.keys.store import KeyStore
from rescuelink.errors import LinkError
from rescuelink.manifest import key_id

_ON_A_PAGE = 12  # files that are named one by one
_FOLDERS_DEEP = 2


def deploy(
    port: Annotated[
        str | None, typer.Option(metavar="PORT|URL", help="The helper's serial port; found on USB when left out.")
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Write this board's board.json, keeping the helper's name and calibrations. Left out: the helper's "
            "own is kept; where there is none, pico.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    source: Annotated[bool, typer.Option("--source", help="Bring source files; the board compiles them.")] = False,
    override: Annotated[
        bool,
        typer.Option("--override", help="Bring the agent's files also where the firmware holds the same agent."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write board.json as chosen, without the helper's name and calibrations.")
    ] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="Run jobs that this key has signed, and no others; may be repeated. Left out: as the helper was.",
        ),
    ] = None,
    development: Annotated[
        bool, typer.Option("--development", help="Run any job, signed or not: for a bench where jobs are made.")
    ] = False,
    sign_records: Annotated[
        bool,
        typer.Option(
            "--sign-records",
            help="Have the helper sign its records with a key of its own, which it keeps; its public half is known "
            "here from now on. Import its card first.",
        ),
    ] = False,
    patience: Annotated[
        float,
        typer.Option(metavar="FACTOR", help="Wait so many times as long, e.g. for an emulated board.", min=1),
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Put the agent on a helper, or bring the one that is there up to date. A unit on it is made safe first."""
    with telling_errors(as_json):
        if board is not None:
            load_board(board)  # a wrong name is told before anything is interrupted
        if trust and development:
            raise UsageError("--trust and --development are two ways to deploy a helper", "Choose one.")
        keys = [] if development else trusted_keys(trust) or None
        _deploy(
            port or _the_only_helper(), board, dry_run, source, override, force, keys, sign_records, patience, as_json
        )


def _deploy(
    url: str,
    board: str | None,
    dry_run: bool,
    source: bool,
    override: bool,
    force: bool,
    keys: Sequence[bytes] | None,
    sign_records: bool,
    patience: float,
    as_json: bool,
) -> None:
    out = console()
    leave_agent(url, patience)
    with Repl(url, patience * PATIENCE_S) as repl:
        repl.run(snippets.STOP_WATCHDOG)
        plan = make_plan(repl, board, source, force, override)
        if not as_json:
            _show(out, url, plan)
        if keys is not None and not dry_run:
            set_trusted(repl, keys)  # before the agent: cut in between, it never runs what it should not
        trusted = trusted_there(repl)
        own = _own_key(repl) if sign_records and not dry_run else None
        if not as_json:
            _show_trust(out, trusted)
            if own is not None:
                out.print(f"It signs its records with its own key {own}, which is known here.")
        if not dry_run:
            with progress_bar(as_json) as tell:
                bring(repl, plan, _teller(plan, tell))
        repl.restart()
    about = None if dry_run else greet(url, patience)
    if as_json:
        print_json(_result(url, plan, about) | {"trusted": trusted, "own_key": own})
    elif about is not None:
        out.print(f"{about['helper']} runs agent {about['agent']}, {about['heap_free'] or 0:,} bytes of heap free.")


def _own_key(repl: Repl) -> str:
    """Has the helper have one, and known here. Returns its number."""
    public = own_key(repl)
    KeyStore().know_helper(helper_id(repl), public)
    return key_id(public)


def _the_only_helper() -> str:
    found = find_helpers(load_config())
    if not found:
        raise LinkError(
            "no_helper",
            "there is no board",
            next_step="plug one in, or name its port with --port; a Pico that shows up as a drive has no MicroPython "
            "yet (micropython.org/download)",
        )
    if len(found) > 1:
        ports = ", ".join(f"{helper.url} ({helper.what})" for helper in found)
        raise UsageError("there are several boards", f"Choose one with --port: {ports}")
    return found[0].url


def _show(out: Console, url: str, plan: Plan) -> None:
    facts, difference = plan.facts, plan.difference
    out.print(f"{facts.machine} on {url}, MicroPython {facts.micropython}, {plan.free_bytes:,} bytes free")
    for note in plan.notes:
        show_note(note)
    changed = difference.of(Action.ADD, Action.UPDATE, Action.REMOVE)
    if changed:
        out.print(_table_of(changed))
    out.print(
        f"{len(difference.to_bring)} files to bring ({plan.bytes_to_bring:,} bytes), "
        f"{len(difference.of(Action.REMOVE))} to remove, {len(difference.of(Action.KEEP))} unchanged"
    )


def _show_trust(out: Console, trusted: list[str] | None) -> None:
    if trusted is None:
        out.print("It runs any job, signed or not (development): --trust KEY changes that.")
    else:
        names = [KeyStore().name_of(one) for one in trusted]
        told = [f"{name} ({one})" if name else one for name, one in zip(names, trusted, strict=True)]
        out.print(f"It runs jobs signed by {' or '.join(told) or 'nobody'}, and no others.", soft_wrap=True)


def _table_of(changed: list[Change]) -> Table:
    """Each file; folder by folder where they are more than fit on a page."""
    table = Table(box=None, pad_edge=False)
    for title in ("file", "change"):
        table.add_column(title, overflow="fold")
    table.add_column("bytes", justify="right")
    if len(changed) <= _ON_A_PAGE:
        for change in changed:
            table.add_row(change.path, change.action.value, f"{change.size:,}")
        return table
    sizes: dict[tuple[str, str], list[int]] = {}
    for change in changed:
        folder = "/".join(change.path.split("/")[:-1][:_FOLDERS_DEEP])
        sizes.setdefault((folder or change.path, change.action.value), []).append(change.size)
    for (place, action), found in sizes.items():
        files = f"{place}/, {len(found)} files" if len(found) > 1 or "." not in place else place
        table.add_row(files, action, f"{sum(found):,}")
    return table


def _teller(plan: Plan, tell: ProgressTeller) -> Callable[[str, int], None]:
    """Shows how far the files are, of all that are to come."""
    brought = 0

    def on_file(path: str, size: int) -> None:
        nonlocal brought
        tell("bring", min(brought, plan.bytes_to_bring), plan.bytes_to_bring)
        brought += size

    return on_file


def _result(url: str, plan: Plan, about: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "url": url,
        "board": plan.facts.machine,
        "micropython": plan.facts.micropython,
        "changes": [[change.path, change.action.value, change.size] for change in plan.difference.changes],
        "notes": list(plan.notes),
        "frozen": plan.frozen and {"release": plan.frozen.version, "serves": plan.serves_frozen},
        "agent": about,
    }
