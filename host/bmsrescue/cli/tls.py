"""`bmsrescue tls`: certificates for the daemon, from a certificate authority of the bench's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.cli.common import JsonOption, print_json
from bmsrescue.cli.output import console
from bmsrescue.config import data_dir, load_config

_FOLDER = "tls"

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Names and addresses of the bench; left out: names in the configuration."),
]


def new_ca(names: NamesArgument = None, as_json: JsonOption = False) -> None:
    """Make a CA that can certify these names and no others; browsers are given its certificate, once."""
    from bmsrescue.door.local_ca import new_ca as make

    cert = make(_folder(), _names("new-ca", names))
    if as_json:
        print_json({"certificate": str(cert)})
        return
    console().print(f"Give {cert} to the browsers, once: settings, certificates, authorities, import.")
    console().print("Its key stays here. Next: bmsrescue tls issue")


def issue(
    names: NamesArgument = None,
    days: Annotated[int, typer.Option(help="How long it is valid.", min=1, max=397)] = 397,
    as_json: JsonOption = False,
) -> None:
    """Make the daemon's certificate and key, in place of the ones before. It takes them at its next start."""
    from bmsrescue.door.local_ca import issue as make

    cert, key = make(_folder(), _names("issue", names), days)
    if as_json:
        print_json({"certificate": str(cert), "key": str(key)})
        return
    console().print(f'For the configuration:\n\n[daemon]\ncert = "{cert}"\nkey = "{key}"')


def _folder() -> Path:
    from bmsrescue.private import private_data_folder

    folder = data_dir()
    private_data_folder(folder)
    (folder / _FOLDER).mkdir(mode=0o700, exist_ok=True)
    return folder / _FOLDER


def _names(command: str, given: list[str] | None) -> list[str]:
    from bmsrescue.errors import UsageError

    names = list(dict.fromkeys(given or load_config().daemon.names))
    if not names:
        raise UsageError(
            "no name of the bench is given",
            f"Give the one that browsers use: bmsrescue tls {command} bench2.example, or names in [daemon].",
        )
    return names
