"""`bmsrescue twin serve`: a broken unit for anybody's debugger."""

import json

import typer

from bmsrescue.cli.output import console
from bmsrescue.errors import HostError
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.scenarios.scenario import build_unit
from bmsrescue.twin.servers.serve import Ports, serve_unit


def serve_scenario(
    name: str,
    bitbang_port: int,
    control_port: int,
    seed: int,
    virtual_time: bool,
    chip: str | None = None,
    as_json: bool = False,
) -> None:
    """Serve until SIGINT, SIGTERM or the control command `quit`.

    Raises:
        UsageError: no such scenario.
        HostError: a port cannot be had.
    """
    unit = build_unit(scenario_named(name, chip), seed)

    def tell(ports: Ports) -> None:
        if as_json:
            typer.echo(json.dumps({"host": ports.host, "bitbang": ports.bitbang, "control": ports.control}))
            return
        console().print(
            f"{name}: remote_bitbang on {ports.host}:{ports.bitbang}, control on {ports.host}:{ports.control}"
        )

    try:
        serve_unit(unit, bitbang_port, control_port, virtual_time=virtual_time, on_ready=tell)
    except OSError as error:
        raise HostError(f"cannot listen on the ports: {error.strerror}", "Choose other ones.") from error
