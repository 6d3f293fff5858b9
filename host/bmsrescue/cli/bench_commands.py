"""Puts the bench commands on the application."""

import typer

from bmsrescue.cli import records as records_commands
from bmsrescue.cli.helper import card as bench_card
from bmsrescue.cli.helper import chip as bench_chip
from bmsrescue.cli.helper import flash as bench_flash
from bmsrescue.cli.helper import job as bench_job
from bmsrescue.cli.helper import look as bench_look
from bmsrescue.cli.helper import power as bench_power
from bmsrescue.cli.helper.shell import shell
from bmsrescue.cli.serve import serve

_COMMANDS = (
    bench_look.scan,
    bench_look.info,
    bench_power.rails,
    bench_power.power,
    bench_job.diagnose,
    bench_job.plan,
    bench_job.recover,
    bench_flash.backup,
    bench_flash.flash,
    bench_flash.verify,
    bench_chip.options,
    bench_chip.core,
    bench_look.log,
    shell,
    serve,
)
_CARD_COMMANDS = (bench_card.ls, bench_card.get, bench_card.put)


def register(app: typer.Typer, card: typer.Typer) -> None:
    """All of them; `card` is the group that has `build` and `check` already."""
    for command in _COMMANDS:
        app.command()(command)
    app.add_typer(bench_chip.mem, name="mem")
    app.add_typer(records_commands.app, name="records")
    for card_command in _CARD_COMMANDS:
        card.command()(card_command)
