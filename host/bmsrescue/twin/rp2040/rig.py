"""One helper with real firmware on the bench: the agent on an emulated Pico, wired to a unit, with a card."""

from __future__ import annotations

import contextlib
import json
import os
import select
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from bmsrescue.agent import frozen
from bmsrescue.agent.build import format_for
from bmsrescue.agent.cache import built_files
from bmsrescue.agent.files import agent_files, device_dir
from bmsrescue.card.fat import CardFiles, CardImageError
from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.helper.helper import ENDED, TIME_EXPIRED, WATCHDOG, RunResult
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rp2040.firmware import files_bytes
from bmsrescue.twin.rp2040.internal_flash import BLOCK_BYTES, make_flash
from bmsrescue.twin.rp2040.pico import EmulatedPico

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit
    from bmsrescue.twin.serial_twin import SerialPort

ARCHITECTURE: Final = "armv6m"
_RECORDS: Final = ("records/records.jsonl", "records.jsonl")
_PROMPT: Final = b">>> "
_SERIAL_PIECE_BYTES: Final = 256
_SLICE_S: Final = 0.02


def board_config(**settings: object) -> dict[str, Any]:
    """The Pico's board.json with other settings."""
    config: dict[str, Any] = json.loads((device_dir() / "board.json").read_text(encoding="utf-8"))
    return config | settings


def agent_for_pico(config: Mapping[str, Any], uf2: Path | None = None) -> dict[str, bytes]:
    """The agent's files as they are on a Pico, compiled for it; those beside a frozen agent where `uf2` holds it."""
    settings = {"board.json": json.dumps(config).encode()}
    if uf2 is not None and frozen.is_in(uf2):
        return {"main.py": (device_dir() / "main.py").read_bytes()} | settings
    return built_files(agent_files(), format_for(ARCHITECTURE)) | settings


class PicoRig:
    """`run` is one press of the button from power-on; `serve` keeps the board running for a host.

    uf2: the board's firmware. files: what its flash holds at first; by default the agent.
    """

    def __init__(
        self,
        uf2: Path,
        unit: Unit,
        card: ImageBytes | None,
        *,
        seed: int = 0,
        presses: Sequence[Press] = (Press(),),
        settings: Mapping[str, object] | None = None,
        files: Mapping[str, bytes] | None = None,
        on_screen: Callable[[bytes], None] | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> None:
        self.unit = unit
        config = board_config(**(settings or {}))
        image = make_flash(agent_for_pico(config, uf2) if files is None else files, files_bytes(uf2) // BLOCK_BYTES)
        self.pico = EmulatedPico(
            uf2, image, config, unit, card, seed=seed, presses=presses, on_screen=on_screen, on_output=on_output
        )
        self._card = card
        self._stopping = threading.Event()

    def run(self, emulated_s: float = 240.0, wall_s: float = 7200.0) -> RunResult:
        """Until the agent has ended (board.json must say `"once": true`) and the prompt is there, or a limit."""
        pico, wiring = self.pico, self.pico.wiring
        started_s = monotonic()
        ended = pico.run_until(lambda: _PROMPT in pico.output or pico.resets > 0, emulated_s, wall_s)
        left_powered = self.unit.supply_on
        pico.power_off()
        how = WATCHDOG if pico.resets else ENDED if ended else TIME_EXPIRED
        record = last_record(wiring.card.image)
        return RunResult(
            how=how,
            exit_status=0,
            output=pico.output.decode(errors="replace"),
            events=[] if record is None else [(pico.now_ns // 1_000_000, "record", record)],
            panel=wiring.panel,
            card=self._card,
            virtual_ms=pico.now_ns // 1_000_000,
            swclk_cycles=wiring.swd.cycles,
            power_ons=wiring.power_ons,
            left_powered=left_powered,
            wall_s=monotonic() - started_s,
            counters={
                "core_cycles": pico.cycles,
                "card_blocks_read": wiring.card.blocks_read,
                "card_blocks_written": wiring.card.blocks_written,
            },
        )

    def serve(self, port: SerialPort) -> None:
        """Run until `stop`, with the board's USB serial port on `port`.

        Emulated time never runs ahead of the wall's: an idle emulator would let a second pass in the blink of an eye,
        and the agent would take its host for lost.
        """
        pico = self.pico
        pico.on_output = lambda data: _write_all(port.fd, data)
        while not self._stopping.is_set():
            began_s, began_ns = monotonic(), pico.now_ns
            pico.run_until(self._stopping.is_set, _SLICE_S, _SLICE_S)
            if pico.usb.unread < _SERIAL_PIECE_BYTES:
                ahead_s = (pico.now_ns - began_ns) / 1e9 - (monotonic() - began_s)
                pico.usb.write(_read_some(port.fd, max(0.0, ahead_s)))
        pico.power_off()

    def stop(self) -> None:
        """Pull the plug; from any thread or signal handler."""
        self._stopping.set()


def last_record(image: ImageBytes) -> dict[str, Any] | None:
    """The newest record on a card; None when there is none that can be read."""
    try:
        files = CardFiles(image)
        texts = [files[path] for path in files if path.lower() in _RECORDS]
    except CardImageError:
        return None
    for data in texts:
        if data.strip():
            record: dict[str, Any] = json.loads(data.splitlines()[-1])
            return record
    return None


def _read_some(fd: int, wait_s: float) -> bytes:
    select.select([fd], [], [], wait_s)
    try:
        return os.read(fd, _SERIAL_PIECE_BYTES)
    except BlockingIOError:
        return b""


def _write_all(fd: int, data: bytes) -> None:
    with contextlib.suppress(BlockingIOError):  # nobody reads: as on USB, what is not taken is lost
        os.write(fd, data)
