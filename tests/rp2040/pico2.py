"""A Pico 2 with its own firmware in rp2350js, wired to a unit of the twin as the emulated Pico is (docs/rp2040.md).

The emulator runs in node (pico2.mjs) and keeps the time; what its pins and buses do comes over a pipe, in the order of
time, and is done here to the same `BoardWiring`.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast

from whole_flash import whole_flash

from bmsrescue.agent.build import format_for
from bmsrescue.agent.cache import built_files
from bmsrescue.agent.files import agent_files, device_dir
from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rp2040.internal_flash import BLOCK_BYTES
from bmsrescue.twin.rp2040.swd_wires import LONGEST_WAIT_NS, WaitingEdges
from bmsrescue.twin.rp2040.wiring import BoardWiring

SCRIPT: Final = Path(__file__).parent / "pico2.mjs"
ARCHITECTURE: Final = "armv7emsp"
FLASH_BYTES: Final = 4 * 1024 * 1024
FILES_AT: Final = 0x10_0000
"""Where the Pico 2's firmware keeps its files (MicroPython ports/rp2, RPI_PICO2): from the end of the first MiB on."""

_FREE_CYCLES_HZ: Final = 1_000_000_000_000
_ADC_PIN: Final = 26
_USB_PIECE_BYTES: Final = 64
_PIPE_BYTES: Final = 1 << 16


def pico2_config(**settings: object) -> dict[str, Any]:
    """The Pico 2's board.json with other settings."""
    text = (device_dir() / "boards" / "pico2.json").read_text(encoding="utf-8")
    config: dict[str, Any] = json.loads(text)
    return config | settings


def agent_for_pico2(config: dict[str, Any]) -> dict[str, bytes]:
    """The agent's files as `deploy` brings them onto a Pico 2."""
    return built_files(agent_files(), format_for(ARCHITECTURE)) | {"board.json": json.dumps(config).encode()}


def flash_of(uf2: Path, files: dict[str, bytes]) -> bytes:
    """What lies in its flash: its firmware, and the file system with those files."""
    return whole_flash(uf2, files, FLASH_BYTES, FILES_AT, (FLASH_BYTES - FILES_AT) // BLOCK_BYTES)


class EmulatedPico2:
    """`run_until` lets it run from power-on. config: the board.json that describes the wiring."""

    def __init__(
        self,
        rp2350js: Path,
        flash: Path,
        config: dict[str, Any],
        unit: Unit,
        card: ImageBytes | None,
        presses: Sequence[Press] = (Press(),),
    ) -> None:
        self.unit = unit
        self.wiring = BoardWiring(
            config,
            unit,
            card,
            swclk_hz=_FREE_CYCLES_HZ,
            presses=presses,
            edges=lambda port: WaitingEdges(port, self._follow, self._edges_wait),
        )
        self._edges = cast(WaitingEdges, self.wiring.edges)
        lines, swd = config["lines"], config["swd"]
        self._inputs: list[int] = [lines["nrst"], swd["swdio"], swd["swclk"], config["panel"]["button"]]
        wired = {
            "outputs": sorted(self.wiring.outputs),
            "inputs": self._inputs,
            "nrst": lines["nrst"],
            "spi": config["card"]["spi"],
            "i2c": config["i2c"]["id"],
            "addresses": list(self.wiring.i2c),
        }
        self._command = ["node", str(SCRIPT), str(rp2350js), str(flash), json.dumps(wired)]
        self.output = bytearray()
        self.to_usb = bytearray()
        self.on_output: Callable[[bytes], None] = lambda _data: None
        self.now_ns = 0
        self._hand_on_at_ns: int | None = None
        """When edges that wait reach the unit, whatever comes or does not come behind them."""
        self._behind_ns = unit.clock.now_ns  # the unit is older than the Pico
        self._falls_seen = unit.nrst_falls
        self._released: set[int] = set(self.wiring.outputs)
        self._calls: dict[int, Callable[[Callable[[int], bytes]], bytes]] = {
            ord("D"): self._pin,
            ord("L"): self._look,
            ord("A"): self._convert,
            ord("X"): self._exchange,
            ord("W"): self._i2c_write,
            ord("R"): self._i2c_read,
            ord("U"): self._usb,
            ord("T"): self._tick,
        }

    def run_until(self, is_done: Callable[[], bool], emulated_s: float, wall_s: float) -> bool:
        """From power-on until `is_done` (looked at each emulated ms), then power off; False: a limit came first."""
        until_s = monotonic() + wall_s
        to_board, from_board = os.pipe(), os.pipe()  # each: the end that reads, the end that writes
        pipes = (to_board[1], from_board[0])
        with (
            subprocess.Popen([*self._command, *map(str, pipes)], pass_fds=pipes) as emulator,
            os.fdopen(to_board[0], "rb", _PIPE_BYTES) as messages,
            os.fdopen(from_board[1], "wb", 0) as answers,
        ):
            for end in pipes:
                os.close(end)
            try:
                while head := messages.read(9):
                    letter, now_ns = struct.unpack("<Bd", head)
                    self._hand_on_before(int(now_ns))
                    self.now_ns = int(now_ns)
                    answer = self._calls[letter](messages.read)
                    if answer:
                        answers.write(answer)
                    if letter == ord("T"):
                        if is_done():
                            return True
                        if now_ns > emulated_s * 1e9 or monotonic() > until_s:
                            return False
                return False
            finally:
                emulator.kill()
                self._catch_up()
                self.wiring.release_all()

    # --- time ---------------------------------------------------------------------------------------------------------

    def _edges_wait(self) -> None:
        self._hand_on_at_ns = self.now_ns + LONGEST_WAIT_NS

    def _hand_on_before(self, now_ns: int) -> None:
        # Else the last idle clocks would reach the chip behind the pause in which SWCLK stood still.
        if self._hand_on_at_ns is not None and self._hand_on_at_ns < now_ns:
            self.now_ns, self._hand_on_at_ns = self._hand_on_at_ns, None
            self._edges.flush()

    def _catch_up(self) -> None:
        self._edges.flush()
        self._to_now()

    def _to_now(self) -> None:
        ahead_ns = self._behind_ns + self.now_ns - self.unit.clock.now_ns
        if ahead_ns > 0:
            self.unit.clock.advance(ahead_ns)

    def _follow(self) -> None:
        """For the wire: the unit's clock may stay behind by less than anybody there can tell."""
        if self._behind_ns + self.now_ns - self.unit.clock.now_ns > LONGEST_WAIT_NS:
            self._to_now()

    # --- messages: what each brings, and the answer -------------------------------------------------------------------

    def _pin(self, read: Callable[[int], bytes]) -> bytes:
        number, state = read(2)
        if state < 2 and number not in self._released and number == self._inputs[1]:
            self._edges.swdio(state)
            return b""
        if state < 2 and number not in self._released and number == self._inputs[2]:
            self._edges.swclk(state)
            return b""
        self._catch_up()
        if state < 2:
            self._released.discard(number)
            self.wiring.drive(number, state == 1)
        else:
            self._released.add(number)
            self.wiring.pull(number, state == 3)
            self.wiring.drive(number, None)
        return b""

    def _look(self, _read: Callable[[int], bytes]) -> bytes:
        self._catch_up()
        levels = 0
        for pin in self._inputs:
            if (pin in self._released or pin not in self.wiring.outputs) and self.wiring.level(pin):
                levels |= 1 << pin
        return struct.pack("<I", levels)

    def _convert(self, read: Callable[[int], bytes]) -> bytes:
        self._catch_up()
        return struct.pack("<H", self.wiring.adc(_ADC_PIN + read(1)[0]))

    def _exchange(self, read: Callable[[int], bytes]) -> bytes:
        return bytes((self.wiring.card.exchange(read(1)[0]),))

    def _i2c_write(self, read: Callable[[int], bytes]) -> bytes:
        address, count = struct.unpack("<BH", read(3))
        data = read(count)
        self._catch_up()
        if part := self.wiring.i2c.get(address):
            part.write(data)
        return b""

    def _i2c_read(self, read: Callable[[int], bytes]) -> bytes:
        part = self.wiring.i2c.get(read(1)[0])
        self._catch_up()
        return part.read(16) if part else bytes(16)

    def _usb(self, read: Callable[[int], bytes]) -> bytes:
        data = read(struct.unpack("<H", read(2))[0])
        self.output += data
        self.on_output(data)
        return b""

    def _tick(self, _read: Callable[[int], bytes]) -> bytes:
        self._catch_up()
        falls, self._falls_seen = self.unit.nrst_falls - self._falls_seen, self.unit.nrst_falls
        given = bytes(self.to_usb[:_USB_PIECE_BYTES])
        del self.to_usb[:_USB_PIECE_BYTES]
        return struct.pack("<2BH", min(falls, 255), self.unit.nrst_level, len(given)) + given
