"""The control port: what a person does to the bench by hand, one command per line, one JSON object per answer.

================  ====================================================================================================
``power 0|1``     switch the bench supply
``boot0 0|1``     drive BOOT0
``nrst 0|1``      pull NRST low (0), let it go (1)
``advance MS``    let so many milliseconds of the unit's time pass
``status``        supply, rails, lines, core, what the unit's display and LEDs show
``stats``         what debuggers did so far: transfers, WAITs, FAULTs, violations
``quit``          end the servers
================  ====================================================================================================

A command that cannot be done is answered ``{"error": ...}``; the connection stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.servers.bitbang import BitbangPort
from bmsrescue.twin.servers.lines import ResetPulls

MAX_LINE_BYTES = 256
MAX_ADVANCE_MS = 3_600_000
_NS_PER_MS = 1_000_000
_WHO = "control"

Answer = dict[str, object]


class CommandError(Exception):
    """A command that cannot be done; the message says what would be."""


class ControlPort:
    """The commands, for any number of clients.

    quit_server: called on `quit`.
    """

    def __init__(self, unit: Unit, pulls: ResetPulls, bitbang: BitbangPort, quit_server: Callable[[], None]) -> None:
        self._unit = unit
        self._pulls = pulls
        self._bitbang = bitbang
        self._quit_server = quit_server
        self._boot0: bool | None = None
        self._commands: dict[str, Callable[[list[str]], Answer]] = {
            "power": self._set_power,
            "boot0": self._set_boot0,
            "nrst": self._set_nrst,
            "advance": self._advance,
            "status": self._status,
            "stats": self._stats,
            "quit": self._quit,
        }

    def plug_in(self) -> ControlSession:
        """A session for a new client."""
        return ControlSession(self)

    def execute(self, line: str) -> Answer:
        """Do one command and return its answer; never raises for what a client can send."""
        name, *arguments = line.split() or [""]
        command = self._commands.get(name)
        if command is None:
            return {"error": f"unknown command {name[:40]!r}; known: {', '.join(self._commands)}"}
        try:
            return command(arguments)
        except CommandError as error:
            return {"error": f"{name}: {error}"}

    def _set_power(self, arguments: list[str]) -> Answer:
        self._unit.set_power(_level(arguments))
        return {"power": int(self._unit.supply_on)}

    def _set_boot0(self, arguments: list[str]) -> Answer:
        self._boot0 = _level(arguments)
        self._unit.set_boot0(self._boot0)
        return {"boot0": int(self._boot0)}

    def _set_nrst(self, arguments: list[str]) -> Answer:
        released = _level(arguments)
        self._pulls.pull(_WHO, not released)
        return {"nrst": int(self._unit.nrst_level)}

    def _advance(self, arguments: list[str]) -> Answer:
        text = arguments[0] if len(arguments) == 1 else ""
        if not (text.isascii() and text.isdigit()) or int(text) > MAX_ADVANCE_MS:
            raise CommandError(f"needs whole milliseconds, 0 to {MAX_ADVANCE_MS}")
        self._unit.clock.advance(int(text) * _NS_PER_MS)
        return {"time_ms": self._unit.clock.now_ns // _NS_PER_MS}

    def _status(self, arguments: list[str]) -> Answer:
        _nothing(arguments)
        unit = self._unit
        display = unit.display
        return {
            "time_ms": unit.clock.now_ns // _NS_PER_MS,
            "power": int(unit.supply_on),
            "boot0": None if self._boot0 is None else int(self._boot0),
            "nrst": int(unit.nrst_level),
            "rails_mv": {name: unit.rail_mv(name) for name in unit.rail_names},
            "supply_ma": unit.supply_ma,
            "core": core_state(unit.chip),
            "display": {"powered": display.powered, "text": list(display.lines)},
            "leds": dict(unit.leds),
        }

    def _stats(self, arguments: list[str]) -> Answer:
        _nothing(arguments)
        counters = self._unit.chip.counters
        return {
            **counters.as_dict(),
            "violation_list": list(counters.violations),
            "ignored_chars": self._bitbang.ignored,
        }

    def _quit(self, arguments: list[str]) -> Answer:
        _nothing(arguments)
        self._quit_server()
        return {"quit": 1}


class ControlSession:
    """One client: cuts what arrives into lines of bounded length."""

    def __init__(self, port: ControlPort) -> None:
        self._port = port
        self._line = b""
        self._too_long = False
        self.finished = False

    def receive(self, data: bytes) -> bytes:
        *complete, rest = (self._line + data).split(b"\n")
        answers = [self._answer(line) for line in complete]
        self._too_long = self._too_long or len(rest) > MAX_LINE_BYTES
        self._line = b"" if self._too_long else rest
        return b"".join(answers)

    def hung_up(self) -> None:
        """The bench stays as it was set."""

    def _answer(self, line: bytes) -> bytes:
        if self._too_long or len(line) > MAX_LINE_BYTES:
            self._too_long = False
            answer: Answer = {"error": f"a line has at most {MAX_LINE_BYTES} bytes"}
        else:
            answer = self._port.execute(line.decode("ascii", errors="replace").strip())
        return json.dumps(answer).encode() + b"\n"


def core_state(chip: Stm32H7) -> str:
    """What the core is doing now, in one word."""
    core = chip.core
    core.run_to(chip.clock.now_ns)
    states = {"reset": core.in_reset, "halted": core.halted, "lockup": core.lockup, "sleeping": core.sleeping}
    return next((name for name, is_so in states.items() if is_so), "running")


def _level(arguments: list[str]) -> bool:
    if arguments not in (["0"], ["1"]):
        raise CommandError("needs 0 or 1")
    return arguments == ["1"]


def _nothing(arguments: list[str]) -> None:
    if arguments:
        raise CommandError("takes no argument")
