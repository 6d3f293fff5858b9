"""Puts the bench commands on the application."""

import typer

from bmsrescue.cli import bench_card, bench_chip, bench_flash, bench_job, bench_look, bench_power, records_commands
from bmsrescue.cli.bench_serve import serve
from bmsrescue.cli.bench_shell import shell

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
