"""Every command by its name: a function of its own, and one line here, in the order in which --help shows it.

A command's help is the function's docstring. Each function takes --json (a test holds that).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer

from bmsrescue.cli import card, deploy, image, keys, records, serve, tls
from bmsrescue.cli.helper import board, chip, dap, flash, job, look, power, shell, silicon
from bmsrescue.cli.helper import card as helper_card
from bmsrescue.cli.twin import commands as twin

Command = Callable[..., Any]


@dataclass(frozen=True)
class Group:
    """Commands behind one word. `alone`: what the word does by itself; otherwise it shows its help."""

    help: str
    commands: Mapping[str, Command]
    alone: Command | None = None


COMMANDS: Mapping[str, Command | Group] = {
    "scan": look.scan,
    "info": look.info,
    "rails": power.rails,
    "power": power.power,
    "diagnose": job.diagnose,
    "plan": job.plan,
    "recover": job.recover,
    "backup": flash.backup,
    "flash": flash.flash,
    "verify": flash.verify,
    "options": chip.options,
    "core": chip.core,
    "log": look.log,
    "shell": shell.shell,
    "silicon-check": silicon.silicon_check,
    "dap": dap.dap,
    "serve": serve.serve,
    "tls": Group(
        "Certificates for the daemon, from a CA of the bench's own.", {"new-ca": tls.new_ca, "issue": tls.issue}
    ),
    "deploy": deploy.deploy,
    "mem": Group("The target's memory.", {"read": chip.read, "write": chip.write}),
    "records": Group(
        "The sealed records of a helper, with their chain checked.",
        {
            "import": records.import_cards,
            "aside": records.set_aside,
            "recount": records.recount,
            "check": records.check,
        },
        alone=records.records,
    ),
    "card": Group(
        "The dongle's card.",
        {
            "build": card.build,
            "check": card.check,
            "ls": helper_card.ls,
            "get": helper_card.get,
            "put": helper_card.put,
        },
    ),
    "keys": Group(
        "Keys that sign jobs, and whose jobs are good.",
        {
            "new": keys.new,
            "export": keys.export,
            "trust": keys.trust,
            "revoke": keys.revoke,
            "list": keys.list_keys,
        },
    ),
    "board": Group("The helper's own parts: board.json.", {"check": board.check_board}),
    "image": Group("Firmware files.", {"inspect": image.inspect}),
    "twin": Group(
        "The virtual bench with its broken units.",
        {
            "scenarios": twin.scenarios,
            "run": twin.run,
            "field": twin.field,
            "serve": twin.serve,
            "firmware": twin.firmware,
            "demo": twin.demo,
            "catalogue": twin.catalogue,
        },
    ),
}


def register(app: typer.Typer, commands: Mapping[str, Command | Group] = COMMANDS) -> None:
    """Put all of them on the application."""
    for name, command in commands.items():
        if not isinstance(command, Group):
            app.command(name)(command)
            continue
        alone = command.alone
        group = typer.Typer(help=command.help, no_args_is_help=alone is None, rich_markup_mode=None)
        group.callback(invoke_without_command=alone is not None)(alone or _nothing)
        register(group, command.commands)
        app.add_typer(group, name=name)


def _nothing() -> None:
    # With a callback a group of one command stays a group.
    pass
