"""`bmsrescue serve`: the daemon."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bmsrescue.cli.common import JsonOption
from bmsrescue.cli.output import show_note
from bmsrescue.config import Config, DaemonAddress, data_dir, load_config
from bmsrescue.errors import UsageError
from bmsrescue.private import RECORDS_FILE

_UNIT_FILE = Path(__file__).parent.parent / "daemon" / "bmsrescue.service"
_LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; this machine only (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port (8725); 0 takes a free one.", min=0, max=65535)] = None,
    uds: Annotated[Path | None, typer.Option(metavar="PATH", help="Listen on a Unix socket instead.")] = None,
    helper: Annotated[
        list[str] | None, typer.Option("--helper", "-H", metavar="URL", help="A helper's port, besides those on USB.")
    ] = None,
    stations: Annotated[
        bool, typer.Option("--stations", help="Mass recovery: every helper is a station; the page is at the address.")
    ] = False,
    twin: Annotated[
        int, typer.Option("--twin", metavar="N", help="Stations with N virtual helpers and units.", min=0, max=64)
    ] = 0,
    store: Annotated[
        str, typer.Option(metavar="URL", help="Every bench's records out of the shared store, to look at; no helpers.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Which units come to the virtual stations.", min=0)] = 0,
    print_unit: Annotated[bool, typer.Option("--print-unit", help="Print a systemd user unit and leave.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Own the helpers' ports and serve them to this command, to debuggers and to your own programs."""
    from bmsrescue.daemon.serve import serve as run
    from bmsrescue.private import private_data_folder

    if print_unit:
        typer.echo(_unit_file(), nl=False)
        return
    config = load_config()
    address = config.daemon
    if host is not None or port is not None:
        address = replace(address, uds="")
    if host is not None:
        address = replace(address, host=host)
    if port is not None:
        address = replace(address, port=port)
    if uds is not None:
        address = replace(address, uds=str(uds))
    if not address.uds and address.host not in _LOCAL and not address.cert:
        show_note("passwords go over the network as they are: set cert and key in [daemon] (docs/security.md)")

    def tell(where: str) -> None:
        typer.echo(json.dumps({"listening": where}) if as_json else f"listening: {where}")

    private_data_folder(data_dir())
    if store:
        if stations or twin or helper:
            raise UsageError("--store has no stations", "Leave out --stations, --twin and --helper, or --store.")
        _serve_store(config, address, store, tell)
        return
    if not stations and not twin:
        run(config, tuple(helper or ()), address, data_dir(), tell, **_door())
        return
    from bmsrescue.fleet.fleet import Fleet
    from bmsrescue.fleet.service import FleetService
    from bmsrescue.fleet.twin.crew import Crew

    with Crew(twin, seed, f"{int(time.time()):x}") as crew:
        service = FleetService(Fleet(config, data_dir()), crew)
        run(config, tuple(helper or ()), address, data_dir(), tell, crew.find, service.beside)


def _serve_store(config: Config, address: DaemonAddress, url: str, tell: Callable[[str], None]) -> None:
    """The page over a store that is looked at; in a folder of its own, so that a bench may run beside it."""
    from bmsrescue.daemon.serve import serve as run
    from bmsrescue.fleet.fleet import Fleet
    from bmsrescue.fleet.service import FleetService

    folder = data_dir() / "store-page"
    service = FleetService(Fleet(config, folder, url))
    run(config, (), address, folder, tell, beside=service.beside, search=False)


def _door() -> dict[str, Any]:
    """Of a bench whose accounts are here already, also while its stations are not served: who may, and who notes it."""
    if not (data_dir() / RECORDS_FILE).exists():
        return {}
    from bmsrescue.fleet.service import door_of

    access = door_of(data_dir())
    return {"door": access, "note": access.accounts.note_use}


def _unit_file() -> str:
    """The systemd user unit, with this installation's command: systemd looks into no virtual environment."""
    text = _UNIT_FILE.read_text(encoding="utf-8")
    command = Path(sys.argv[0])
    return text.replace("ExecStart=bmsrescue", f"ExecStart={command.resolve()}") if command.is_file() else text
