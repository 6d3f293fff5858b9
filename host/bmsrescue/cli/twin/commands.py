"""`bmsrescue twin`: the virtual bench, with the broken units it knows."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.cli.common import JsonOption, telling_errors
from bmsrescue.cli.output import console
from bmsrescue.errors import UsageError

ScenarioOption = Annotated[str | None, typer.Option("--scenario", metavar="NAME", help="Which broken unit.")]
ChipOption = Annotated[str | None, typer.Option("--chip", metavar="CHIP", help="On another chip: H743, H7A3, ...")]
BoardOption = Annotated[
    str | None, typer.Option("--board", metavar="rp2040", help="On a board with real firmware, in an emulator.")
]
Uf2Option = Annotated[Path | None, typer.Option("--uf2", metavar="FILE", help="That board's firmware.")]
WiringOption = Annotated[
    str | None, typer.Option("--wiring", metavar="NAME|FILE", help="The helper has only the parts of this board.")
]
ByHandOption = Annotated[
    bool, typer.Option("--by-hand", help="A person at the bench does what that helper has no wire for.")
]
SeedOption = Annotated[int, typer.Option(help="Chance of the unit, its rails and the helper's ADC.")]


def scenarios(as_json: JsonOption = False) -> None:
    """List the broken units."""
    from bmsrescue.twin.scenarios import all_scenarios

    listed = all_scenarios()
    if as_json:
        rows = [
            {
                "name": scenario.name,
                "summary": scenario.summary,
                "story": scenario.story,
                "expected_diagnosis": scenario.expected_diagnosis,
                "expected_outcome": scenario.expected_outcome,
            }
            for scenario in listed
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(scenario.name) for scenario in listed)
    for scenario in listed:
        console().print(f"{scenario.name:<{width}}  {scenario.summary}", soft_wrap=True)


def run(
    scenario: ScenarioOption = None,
    chip: ChipOption = None,
    card: Annotated[Path | None, typer.Option(metavar="DIR|IMG", help="The dongle's card; kept up to date.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    target: Annotated[str | None, typer.Option(metavar="bitbang:HOST:PORT", help="Somebody else's chip.")] = None,
    control: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Its power and BOOT0.")] = None,
    vcd: Annotated[Path | None, typer.Option(metavar="FILE", help="Record SWDIO and SWCLK.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the dongle's last picture.")] = None,
    press: Annotated[
        list[str] | None, typer.Option(metavar="S[:FOR]", help="Press the button then, for so long; again and again.")
    ] = None,
    wiring: WiringOption = None,
    by_hand: ByHandOption = False,
    board: BoardOption = None,
    uf2: Uf2Option = None,
    silicon: Annotated[
        Path | None, typer.Option(metavar="REPORT.json", help="A chip as a silicon-check has found it.")
    ] = None,
    unit: Annotated[int | None, typer.Option(metavar="SEED", help="A generated unit, with what was in it.")] = None,
    firmware: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Anybody's firmware on a bare chip; no unit, no helper.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="With --firmware: address of the first byte of a BIN.")] = None,
    seconds: Annotated[float, typer.Option("--for", min=0, help="With --firmware: virtual seconds.")] = 5.0,
    typed: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="PORT:TEXT", help="With --firmware: sent once it has fallen silent; \\r, \\n, \\t, \\e."
        ),
    ] = None,
    crystal: Annotated[float, typer.Option(metavar="MHZ", help="With --firmware: the board's crystal.")] = 25.0,
    supply: Annotated[str, typer.Option(help="With --firmware: the core's supply; ldo, smps, external.")] = "ldo",
) -> None:
    """The pocket dongle: one button press, no host help. Or --firmware: anybody's on a bare chip."""
    if firmware is not None:
        from bmsrescue.cli.twin.firmware_run import FirmwareRequest, run_firmware

        others: dict[str, object] = {
            "--scenario": scenario,
            "--card": card,
            "--target": target,
            "--control": control,
            "--vcd": vcd,
            "--png": png,
            "--press": press,
            "--board": board,
            "--uf2": uf2,
            "--unit": unit,
        }
        refuse_beside("--firmware", others)
        asked = FirmwareRequest(firmware, base, chip, seconds, typed or [], crystal, supply, seed, as_json)
        with telling_errors(as_json):
            status = run_firmware(asked)
        raise typer.Exit(status)
    if unit is not None:
        from bmsrescue.cli.twin.field import replay

        raise typer.Exit(replay(unit, as_json))
    from bmsrescue.cli.twin.dongle_run import RunRequest, presses_from, run_dongle

    presses = presses_from(press or [])
    request = RunRequest(
        scenario, chip, card, seed, as_json, target, control, vcd, png, board, uf2, presses, wiring, by_hand, silicon
    )
    raise typer.Exit(run_dongle(request))


def field(
    units: Annotated[int, typer.Option(min=1, help="How many units.")] = 300,
    first: Annotated[int, typer.Option(min=0, help="The first one's seed.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores otherwise.")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page there.")] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Verdicts as lines of JSON; those in it are not run again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run many generated units and say what was right, weak and wrong."""
    from bmsrescue.cli.twin.field import campaign

    raise typer.Exit(campaign(units, first, jobs, write, log, as_json))


def serve(
    scenario: ScenarioOption = "healthy",
    chip: ChipOption = None,
    bitbang_port: Annotated[int, typer.Option(help="Port for remote_bitbang; 0 takes a free one.")] = 0,
    control_port: Annotated[int, typer.Option(help="Port for the control lines; 0 takes a free one.")] = 0,
    seed: SeedOption = 0,
    virtual_time: Annotated[bool, typer.Option("--virtual-time", help="Wall time does not pass for the unit.")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="A helper on it, as a serial port.")] = False,
    tcp: Annotated[int | None, typer.Option(metavar="PORT", help="The same on a TCP port; 0 takes a free one.")] = None,
    card: Annotated[Path | None, typer.Option(metavar="DIR|IMG", help="That helper's card; kept up to date.")] = None,
    wiring: WiringOption = None,
    by_hand: ByHandOption = False,
    board: BoardOption = None,
    uf2: Uf2Option = None,
    as_json: JsonOption = False,
) -> None:
    """Put a broken unit on two TCP ports, for anybody's debugger; or with --serial a helper that is wired to it."""
    if board is not None or uf2 is not None:
        from bmsrescue.cli.twin.pico import serve_pico

        serve_pico(scenario or "healthy", card, seed, tcp, chip, board, uf2, as_json)
        return
    if serial or tcp is not None:
        from bmsrescue.cli.twin.serve_serial import serve_serial

        serve_serial(scenario or "healthy", card, seed, tcp, chip, wiring, as_json, by_hand)
        return
    from bmsrescue.cli.twin.serve_unit import serve_scenario

    serve_scenario(scenario or "healthy", bitbang_port, control_port, seed, virtual_time, chip, as_json)


def firmware(
    url: Annotated[str | None, typer.Option(metavar="URL", help="Another file than the official one.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", metavar="HEX", help="What it must be.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Download MicroPython for the emulated Pico into the user's cache."""
    from bmsrescue.twin.rp2040.firmware import URL, download

    path, digest = download(url or URL, sha256)
    if as_json:
        typer.echo(json.dumps({"file": str(path), "sha256": digest}))
        return
    console().print(f"{path}\nSHA-256 {digest}", soft_wrap=True)


def demo(
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """The whole story: a half-on unit comes back."""
    from bmsrescue.cli.twin.demo import play

    status, told = play(None if as_json else console(), seed)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    raise typer.Exit(status)


def catalogue(
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page there.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="UNIT", help="Run this one; the page keeps what it says of the others.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run every broken unit and make the page of what was found, how it was cured and what it cost."""
    from bmsrescue.cli.twin.catalogue import write_catalogue

    with telling_errors(as_json):
        write_catalogue(console(), write, as_json, only)


def refuse_beside(option: str, others: dict[str, object]) -> None:
    """Raises UsageError where one of the others was given, too."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise UsageError(f"{option} and {given[0]} exclude each other", f"Leave {given[0]} out.")
