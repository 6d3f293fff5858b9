"""`--board rp2040` of `bmsrescue twin run` and `serve`: the agent on real firmware, in an emulator."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.card.storage import load_card, save_card
from bmsrescue.cli.twin.serve_serial import open_port, tell_port
from bmsrescue.errors import HostError, UsageError
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import card_for, scenario_named
from bmsrescue.twin.rp2040 import firmware
from bmsrescue.twin.scenarios.scenario import Scenario, build_unit

if TYPE_CHECKING:
    from bmsrescue.twin.rp2040.rig import PicoRig

_BOARD = "rp2040"


def pico_rig(
    board: str | None,
    uf2: Path | None,
    scenario: Scenario,
    card: ImageBytes | None,
    seed: int,
    presses: tuple[Press, ...] = (Press(),),
    settings: Mapping[str, object] | None = None,
) -> PicoRig:
    """An emulated Pico on the scenario's unit, to be run once.

    Raises:
        UsageError: another board, or a firmware that is not there.
        HostError: no firmware at all, or no emulator.
    """
    if board not in (None, _BOARD):
        raise UsageError(f"there is no emulated board {board}", f"The only one is {_BOARD}.")
    try:
        from bmsrescue.twin.rp2040.rig import PicoRig
    except ImportError as error:
        raise HostError(f"the emulator is missing ({error})", "Install bmsrescue[rp2040].") from error
    image = firmware.find(uf2)
    unit = build_unit(scenario, seed)
    return PicoRig(image, unit, card, seed=seed, presses=presses, settings=settings or {"once": True})


def serve_pico(
    name: str,
    card_path: Path | None,
    seed: int,
    tcp: int | None,
    chip: str | None,
    board: str | None,
    uf2: Path | None,
    as_json: bool = False,
) -> None:
    """Serve the Pico's USB serial port until SIGINT or SIGTERM, as `serve_serial` does the virtual helper's.

    Raises:
        UsageError, HostError.
    """
    scenario = scenario_named(name, chip)
    card: ImageBytes | None = card_for(scenario) if card_path is None else load_card(card_path)
    rig = pico_rig(board, uf2, scenario, card, seed, (), {"once": False})
    with open_port(tcp) as port:

        def stop(_signal: int, _frame: FrameType | None) -> None:
            rig.stop()

        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            tell_port("pty" if tcp is None else "tcp", port.url, as_json)
            rig.serve(port)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
    if card_path is not None and card is not None:
        save_card(card_path, card)
