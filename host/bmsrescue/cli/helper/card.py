"""`bmsrescue card ls`, `get`, `put`: the files of the card in a helper."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.helper.common import HelperOption, opened, progress_bar
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console
from bmsrescue.client.card_files import get_file, list_card, put_file
from bmsrescue.errors import UsageError


def ls(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A directory of the card.")] = "",
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the card in a helper."""
    with opened(wanted, as_json) as helper:
        entries = list_card(helper.session, path)
        free = helper.session.call("card.free")
    if as_json:
        print_json({"entries": [entry._asdict() for entry in entries], "free": free})
        return
    for entry in entries:
        size = "" if entry.directory else f"{entry.size:,}"
        console().print(f"{size:>12}  {entry.name}{'/' if entry.directory else ''}", markup=False)
    console().print(f"{free:>12,}  bytes free")


def get(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file of the card.")],
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Where to; its own name otherwise.")] = None,
    overwrite: OverwriteOption = False,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a file from the card in a helper."""
    target = out or Path(Path(path).name)
    if target.is_dir():
        target = target / Path(path).name
    with telling_errors(as_json):
        check_new(target, overwrite)
    with opened(wanted, as_json) as helper, progress_bar(as_json) as tell:
        began = time.monotonic()
        data = get_file(helper.session, path, tell)
        seconds = time.monotonic() - began
        write_atomically(target, data)
    if as_json:
        print_json({"file": str(target), "bytes": len(data), "seconds": round(seconds, 3)})
    else:
        console().print(f"{target}: {_rate(len(data), seconds)}", soft_wrap=True)


def put(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file of this host.")],
    path: Annotated[str | None, typer.Argument(metavar="PATH", help="Its name on the card.")] = None,
    wanted: HelperOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a file to the card in a helper, and read it back."""
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", "Check the name.") from error
    name = path or source.name
    with opened(wanted, as_json) as helper, progress_bar(as_json) as tell:
        began = time.monotonic()
        copied = put_file(helper.session, name, data, tell)
        seconds = time.monotonic() - began
    if as_json:
        print_json({"path": name, "bytes": len(data), "copied": copied, "seconds": round(seconds, 3)})
    elif copied:
        console().print(f"{name}: {_rate(len(data), seconds)}, read back and equal", soft_wrap=True)
    else:
        console().print(f"{name}: {len(data):,} bytes, was there already", soft_wrap=True)


def _rate(count: int, seconds: float) -> str:
    return f"{count:,} bytes in {seconds:.1f} s ({count / 1024 / max(seconds, 1e-3):,.0f} KiB/s)"
