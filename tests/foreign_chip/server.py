"""Somebody else's STM32H725 on two sockets: OpenOCD's remote_bitbang with SWD, and a control port for power and BOOT0.

    python tests/foreign_chip/server.py --state blank --bitbang-port 0 --control-port 0

prints one JSON line with the ports. Nothing here knows bmsrescue: it was written from the chip's documents alone, to
have a second opinion.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import selectors
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from chip import Chip, Identity
from dap import OK, DapOptions, DebugPort
from flash import FLASH_BASE, WORD_BYTES, Flash
from swd_line import SwdLine
from timebase import TimeBase

WORD_OF_SAMPLES = b"fd" + b"cfd" * 31
"""What follows the "c" of a word's first bit, up to its parity bit: served in one go, for speed."""
_BITS = bytes.maketrans(b"fg", b"01")
_CLOCK_LOW = bytes.maketrans(b"fg", b"de")


def _bits_out(value: int, count: int) -> bytes:
    return b"".join(b"eg" if value >> bit & 1 else b"df" for bit in range(count))


def _requests() -> dict[bytes, int]:
    """The well-formed requests, by their characters; TARGETSEL, which nobody acknowledges, is left out."""
    fields = range(0x10)
    requests = [0x81 | field << 1 | (field.bit_count() & 1) << 5 for field in fields]
    return {_bits_out(request, 8): request for request in requests if request != 0x99}


# A transfer as most debuggers send it comes in one piece, and is served in one go, too.
REQUESTS = _requests()
REST_OF_READ = b"odf" + b"dcf" * 36 + b"dfO"
REST_OF_WRITE = b"odf" + b"dcf" * 3 + b"dfO"
_REQUEST_LENGTH, _DATA_LENGTH = 16, 66
_IDLE_CLOCKS = re.compile(b"(?:df){4,}")
"""What a debugger sends behind transfers, and to a chip that is to have time: served in one go, too."""
STATES = ("blank", "image", "partial", "torn", "rdp1", "other-chip")


class Pins:
    """remote_bitbang characters on one side, the chip's pins on the other."""

    def __init__(self, chip: Chip, line: SwdLine, port: DebugPort, clock: TimeBase) -> None:
        self._chip, self._line, self._port, self._clock = chip, line, port, clock
        self.while_unpowered: Counter[str] = Counter()
        self.bad_characters: Counter[str] = Counter()
        self._swclk = self._swdio = 0
        self._host_drives = False
        self._nrst_low_by = {"bitbang": False, "control": False}
        self.sleep_s = 0.0

    def feed(self, characters: bytes) -> tuple[bytes, int]:
        """Eats characters until they are used up or a sleep is asked for. Returns the answers, how many were eaten."""
        answers = bytearray()
        listens = self._chip.powered_up
        clock, edge, line = self._clock, self._line.edge, self._line
        swclk, swdio, host_drives = self._swclk, self._swdio, self._host_drives
        position, end = 0, len(characters)
        while position < end:
            character = characters[position]
            position += 1
            if character == 0x65 and listens and host_drives:  # the start bit of a request is high
                eaten = self._whole_transfer(characters, position - 1, answers)
                if eaten:
                    position += eaten - 1
                    # What was clocked last, and whether it was high: "O" leaves it as it was.
                    swclk, swdio = 1, characters[position - (2 if characters[position - 1] == 0x4F else 1)] & 1
                    continue
            # A line that is not free would look along the whole rest at each of its clocks: ask it first.
            if character == 0x64 and listens and host_drives and line.is_free:
                idle = _IDLE_CLOCKS.match(characters, position - 1)
                if idle:
                    position = idle.end()
                    clocks = (position - idle.start()) // 2
                    line.whole_idle(clocks)
                    clock.swclk_cycles += clocks
                    swclk, swdio = 1, 0
                    continue
            if 0x64 <= character <= 0x67:  # d e f g: SWCLK SWDIO as two bits
                swdio = character & 1
                if character < 0x66:
                    swclk = 0
                elif not swclk:
                    swclk = 1
                    clock.swclk_cycles += 1
                    if listens:
                        edge(swdio, host_drives)
                if not listens:
                    self._watch_unpowered(swclk, swdio and host_drives)
            elif character == 0x63:  # c
                if line.word_begins and not (swclk or host_drives) and characters.startswith(WORD_OF_SAMPLES, position):
                    answers += line.whole_word()
                    clock.swclk_cycles += 32
                    swdio = 0
                    position += len(WORD_OF_SAMPLES)
                    continue
                level = line.out if line.driving else swdio if host_drives else 1
                answers.append(0x30 + (level if self._chip.power else 0))
            elif character in b"oO":
                host_drives = character == 0x4F
                self._watch_unpowered(swclk, swdio and host_drives)
            elif character in b"Zz":
                self.sleep_s += 1e-3 if character == 0x5A else 1e-6
                if self.sleep_s >= 1e-3:
                    break
            else:
                self._rare(character)
        self._swclk, self._swdio, self._host_drives = swclk, swdio, host_drives
        return bytes(answers), position

    def _whole_transfer(self, characters: bytes, start: int, answers: bytearray) -> int:
        """Serve the transfer that begins there, or its request alone where that is refused. Returns how many
        characters that was: none where they are no such transfer, or the line is not free for one."""
        request = REQUESTS.get(characters[start : start + _REQUEST_LENGTH])
        if request is None or not self._line.is_free:
            return 0
        end, bits = start + _REQUEST_LENGTH, b""
        if request & 4:
            if not characters.startswith(REST_OF_READ, end):
                return 0
            end += len(REST_OF_READ)
        else:
            if not characters.startswith(REST_OF_WRITE, end):
                return 0
            data = end + len(REST_OF_WRITE)
            end = data + _DATA_LENGTH
            clocked = characters[data + 1 : end : 2]
            bits = clocked.translate(_BITS)
            odd = bits.strip(b"01") or len(bits) < _DATA_LENGTH // 2
            if odd or characters[data:end:2] != clocked.translate(_CLOCK_LOW):
                return 0
        self._clock.swclk_cycles += 8
        if self._line.whole_request(request) != OK:
            return _REQUEST_LENGTH
        self._clock.swclk_cycles += 38
        answers += self._line.whole_write(int(bits[::-1], 2)) if bits else self._line.whole_answer()
        return end - start

    def _rare(self, character: int) -> None:
        if character in b"rstu":  # bit 0 is SRST, bit 1 TRST, asserted when 1
            self.set_nrst("bitbang", bool(character - 0x72 & 1))
        elif character == 0x51:  # Q
            raise ConnectionAbortedError
        elif character not in b"Bb\n":
            self.bad_characters[chr(character)] += 1

    def _watch_unpowered(self, swclk: int, swdio_high: int) -> None:
        if not self._chip.power:
            self.while_unpowered["swdio_high"] += bool(swdio_high)
            self.while_unpowered["swclk_high"] += bool(swclk)

    def set_nrst(self, who: str, low: bool) -> None:
        self._nrst_low_by[who] = low
        self._chip.set_nrst(any(self._nrst_low_by.values()))

    def set_power(self, on: bool) -> None:
        if on == self._chip.power:
            return
        self._port.power_on_reset()
        self._line.power_on_reset()
        self._chip.set_power(on)
        self._watch_unpowered(self._swclk, self._swdio and self._host_drives)


class Control:
    """One command per line, one JSON object per answer."""

    def __init__(self, chip: Chip, pins: Pins, line: SwdLine, port: DebugPort, clock: TimeBase) -> None:
        self._chip, self._pins, self._line, self._port, self._clock = chip, pins, line, port, clock

    def answer(self, command: str) -> dict[str, Any]:
        words = command.split()
        match words:
            case ["power", "0" | "1" as level]:
                self._pins.set_power(level == "1")
            case ["boot0", "0" | "1" as level]:
                self._chip.boot0 = level == "1"
            case ["nrst", "0" | "1" as level]:
                self._pins.set_nrst("control", level == "0")
            case ["status"]:
                pass
            case ["stats"]:
                return {"ok": True, **self._stats()}
            case ["dump", path]:
                Path(path).write_bytes(self._chip.flash.array)
                torn = [FLASH_BASE + WORD_BYTES * word for word in sorted(self._chip.flash.torn)]
                return {"ok": True, "bytes": len(self._chip.flash.array), "torn": torn}
            case _:
                return {"ok": False, "error": f"unknown command: {command}"}
        chip = self._chip
        return {"ok": True, "power": int(chip.power), "boot0": int(chip.boot0), "nrst": int(not chip.nrst_low)}

    def _stats(self) -> dict[str, Any]:
        flash, chip = self._chip.flash, self._chip
        flash.read_register(0x10)  # lets what is due be counted
        errors = dict(self._line.violations) | {f"character {c!r}": n for c, n in self._pins.bad_characters.items()}
        return {
            "power": int(chip.power),
            "power_cycles": chip.power_cycles,
            "swclk_cycles": self._clock.swclk_cycles,
            "transfers": {k: self._port.counters[k] for k in ("dp_reads", "dp_writes", "ap_reads", "ap_writes")},
            "waits": self._port.counters["waits"],
            "faults": self._port.counters["faults"],
            "protocol_errors": errors,
            "erases": flash.erases,
            "words_programmed": flash.words_programmed,
            "double_programmed": flash.double_programmed,
            "refused_flash_accesses": flash.refused,
            "option_changes": flash.option_changes,
            "cr3_writes": chip.cr3_writes,
            "debug_block_dead": chip.debug_block_dead,
            "driven_while_unpowered": {line: n for line, n in self._pins.while_unpowered.items() if n},
        }


class Server:
    """Both ports in one thread. Pins are served before commands, so that what was sent first is done first."""

    def __init__(self, pins: Pins, control: Control, bitbang_port: int, control_port: int) -> None:
        self._pins, self._control = pins, control
        self._selector = selectors.DefaultSelector()
        self._listeners = {"bitbang": self._listen(bitbang_port), "control": self._listen(control_port)}
        for role, listener in self._listeners.items():
            self._selector.register(listener, selectors.EVENT_READ, (role, "listener"))
        self._waiting = b""
        self._wake_at = 0.0
        self._lines: dict[socket.socket, bytes] = {}
        self._debugger: socket.socket | None = None

    @staticmethod
    def _listen(port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port))

    def ports(self) -> dict[str, int]:
        return {f"{role}_port": listener.getsockname()[1] for role, listener in self._listeners.items()}

    def serve_forever(self) -> None:
        while True:
            timeout = max(0.0, self._wake_at - time.monotonic()) if self._waiting else None
            ready = [key for key, _ in self._selector.select(timeout)]
            for key in sorted(ready, key=lambda key: key.data[0]):  # "bitbang" sorts before "control"
                if key.data[1] == "listener":
                    self._accept(key.data[0], key.fileobj)
                elif key.data[0] == "bitbang":
                    self._serve_bitbang(key.fileobj)
                else:
                    self._serve_control(key.fileobj)
            if self._waiting and time.monotonic() >= self._wake_at and self._debugger:
                waiting, self._waiting = self._waiting, b""
                self._eat(self._debugger, waiting)

    def _accept(self, role: str, listener: Any) -> None:
        connection = listener.accept()[0]
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if role == "bitbang":
            if self._debugger:
                self._drop(self._debugger)
            self._debugger, self._waiting = connection, b""
        else:
            self._lines[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, (role, "connection"))

    def _drop(self, connection: Any) -> None:
        self._selector.unregister(connection)
        connection.close()
        self._lines.pop(connection, None)
        if connection is self._debugger:
            self._debugger = None

    def _receive(self, connection: Any) -> bytes:
        try:
            received: bytes = connection.recv(1 << 16)
        except ConnectionError:
            received = b""
        if not received:
            self._drop(connection)
        return received

    def _serve_bitbang(self, connection: Any) -> None:
        received = self._receive(connection)
        if self._waiting:
            self._waiting += received
        elif received:
            self._eat(connection, received)

    def _eat(self, connection: Any, characters: bytes) -> None:
        try:
            answers, eaten = self._pins.feed(characters)
            if answers:
                connection.sendall(answers)
        except ConnectionError:
            self._drop(connection)
            return
        self._waiting = characters[eaten:]
        self._wake_at = time.monotonic() + self._pins.sleep_s
        self._pins.sleep_s = 0.0

    def _serve_control(self, connection: Any) -> None:
        received = self._receive(connection)
        if not received:
            return
        *commands, rest = (self._lines[connection] + received).split(b"\n")
        self._lines[connection] = rest
        for command in commands:
            answer = self._control.answer(command.decode("utf-8", "replace").strip())
            connection.sendall(json.dumps(answer).encode() + b"\n")


def prepare(flash: Flash, identity: Identity, state: str, image: bytes, rng: random.Random) -> None:
    """An update cut halfway has the first half of the image; a torn one has a broken word where it was cut."""
    if state == "blank":
        return
    whole = image or (0x2002_0000).to_bytes(4, "little") + (0x0800_02C1).to_bytes(4, "little") + rng.randbytes(0x8000)
    half = len(whole) // 2 & ~(WORD_BYTES - 1)
    flash.preload(0, whole if state in ("image", "rdp1", "other-chip") else whole[:half])
    if state == "torn":
        flash.tear(half // WORD_BYTES)
    if state == "rdp1":
        flash.options[0x1C] = flash.options[0x1C] & ~0xFF00 | 0x5500
        flash.reset()
    if state == "other-chip":
        identity.dev_id, identity.rev_id, identity.flash_kib, identity.name = 0x450, 0x2003, 2048, 0x4837_3433


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A simulated STM32H725 for anybody's SWD debugger.")
    parser.add_argument("--state", choices=STATES, default="blank")
    parser.add_argument("--image", type=Path, help="what state image, partial, torn and rdp1 were made from")
    parser.add_argument("--bitbang-port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time", choices=("wall", "swclk"), default="wall", help="swclk: cycles at a nominal 4 MHz")
    parser.add_argument(
        "--scale", type=float, default=20.0, help="flash busy times are this much shorter than silicon's"
    )
    parser.add_argument(
        "--wait-rate", type=float, default=0.0, help="part of the requests answered with WAIT for no reason"
    )
    parser.add_argument("--bit-error-rate", type=float, default=0.0)
    parser.add_argument("--orundetect", choices=("honoured", "absent", "stored"), default="honoured")
    parser.add_argument("--no-orundetect", dest="orundetect", action="store_const", const="absent")
    parser.add_argument(
        "--array-kib", type=int, default=1024, help="how much flash there really is; the size word is unchanged"
    )
    parser.add_argument("--stale-flags", action="store_true", help="SR1.RDSERR is set after every reset")
    parser.add_argument("--alive", action="store_true", help="CYCCNT counts at 64 MHz and PCSR moves")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    clock = TimeBase(options.time, options.scale)
    identity = Identity(alive=options.alive)
    rng = random.Random(options.seed)
    flash = Flash(clock, options.array_kib, rng, options.stale_flags)
    prepare(flash, identity, options.state, options.image.read_bytes() if options.image else b"", rng)
    chip = Chip(clock, flash, identity, rng)
    port = DebugPort(chip, DapOptions(options.orundetect, options.wait_rate), rng)
    line = SwdLine(port, options.bit_error_rate, rng)
    pins = Pins(chip, line, port, clock)
    server = Server(pins, Control(chip, pins, line, port, clock), options.bitbang_port, options.control_port)
    sys.stdout.write(json.dumps(server.ports()) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
