"""A helper without firmware: the agent with its own `hal` on the unix port, over stand-ins of `machine` and `time`.

Their pins are those of `BoardWiring`: what runs between the pins and the agent is what runs on a board.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from bmsrescue.agent.build import format_of
from bmsrescue.agent.cache import built
from bmsrescue.agent.files import agent_files, device_dir
from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.helper.helper import RunResult, serve_to_end
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.helper.process import MicroPythonChild, find_interpreter
from bmsrescue.twin.helper.rpc import Handler, Refused, Reply, RpcServer
from bmsrescue.twin.helper.unit_ports import ClockPort, ObserverPort
from bmsrescue.twin.rp2040.micropython import pin_calls as call
from bmsrescue.twin.rp2040.wiring import BoardWiring

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit

# What machine.Pin bit-banging makes on a Pico (docs/reference/unit.md#pin-bit-bang).
PIN_SWCLK_HZ: Final = 64_000
HEAP_KIB: Final = 320
"""The 288 of a board, and the stand-ins that live in the same heap."""

_HERE = Path(__file__).parent
_TWIN = _HERE.parent / "helper" / "micropython"
_ADC_NS: Final = 10_000  # one read_u16() on a Pico
_PIN_STEP_NS: Final = 1_000
_SPI_BYTE_NS: Final = 640  # 12.5 MHz
_FALLS_SHIFT: Final = 48


@functools.cache
def _search_path(interpreter: Path) -> tuple[Path, ...]:
    stand_ins = {Path(path.name): path for path in sorted(_HERE.glob("micropython/*.py")) if path.stem != "__init__"}
    twin = {Path(name): _TWIN / name for name in ("twin_ports.py", "twin_link.py", "twin_opcodes.py")}
    return (built(agent_files() | twin | stand_ins, format_of(interpreter)),)


class PinHelper:
    """A Pico's wiring with the agent's own drivers behind it. `run` is one power-on and press of the button."""

    def __init__(
        self,
        unit: Unit,
        card: ImageBytes | None,
        *,
        config: Mapping[str, Any] | None = None,
        seed: int = 0,
        presses: Sequence[Press] = (Press(),),
        watch: Callable[[int, str, object], None] | None = None,
        wall_limit_s: float = 240.0,
    ) -> None:
        self._unit = unit
        self._config = dict(config or json.loads((device_dir() / "board.json").read_text()))
        self._card = card
        self._watch = watch
        self._wall_limit_s = wall_limit_s
        self.wiring = BoardWiring(self._config, unit, card, swclk_hz=PIN_SWCLK_HZ, seed=seed, presses=presses)

    def run(self, script: Path | None = None) -> RunResult:
        """Run the agent, or `script` with the stand-ins, to its end."""
        unit, clock, wiring = self._unit, self._unit.clock, self.wiring
        started_s, started_ns, cycles = monotonic(), clock.now_ns, wiring.swd.cycles
        time = ClockPort(clock)
        observer = ObserverPort(clock, self._watch)
        with (
            tempfile.TemporaryDirectory(prefix="bmsrescue-helper-") as folder,
            MicroPythonChild(script or "main", _search_path(find_interpreter()), HEAP_KIB) as child,
        ):
            settings = {"ports": "pin_ports", "once": True, "socket": child.socket_fd, "folder": folder}
            config = Path(folder) / "board.json"
            config.write_text(json.dumps(self._config | settings))
            child.start(str(config))
            calls = _Calls(unit, wiring, time, observer)
            server = RpcServer(child.connection, calls.table, self._wall_limit_s, time)
            try:
                end = serve_to_end(server, child)
            finally:
                left_powered = unit.supply_on
                time.stop()
                wiring.release_all()
        return RunResult(
            how=end.how,
            exit_status=end.exit_status,
            output=end.output,
            events=observer.events,
            panel=wiring.panel,
            card=self._card,
            virtual_ms=(clock.now_ns - started_ns) // 1_000_000,
            swclk_cycles=wiring.swd.cycles - cycles,
            power_ons=wiring.power_ons,
            left_powered=left_powered,
            wall_s=monotonic() - started_s,
            counters={
                "calls": server.calls,
                "card_blocks_read": wiring.card.blocks_read,
                "card_blocks_written": wiring.card.blocks_written,
            },
        )


class _Calls:
    """The table of calls in micropython/pin_calls.py."""

    def __init__(self, unit: Unit, wiring: BoardWiring, time: ClockPort, observer: ObserverPort) -> None:
        self._unit = unit
        self._wiring = wiring
        self._time = time
        self._falls_told = unit.nrst_falls
        self.table: dict[int, Handler] = {
            call.PINS: self._pins,
            call.ADC_READ: self._adc,
            call.SPI_READ: self._spi_read,
            call.SPI_WRITE: self._spi_write,
            call.I2C_WRITE: self._i2c_write,
            call.I2C_READ: self._i2c_read,
            call.PWM_DUTY: self._pwm,
            call.TIME: self._pass,
            call.FEED: time.feed,
            call.EVENT: observer.event,
        }

    def _pins(self, _small: int, _number: int, _wide: int, payload: bytes) -> Reply:
        drive = self._wiring.drive
        answer = 0
        for step in payload:
            pin, action = step & call.PIN_MASK, step & ~call.PIN_MASK
            if action == call.LOOK:
                answer = self._wiring.level(pin)
            elif action in (call.PULL_UP, call.PULL_DOWN):
                self._wiring.pull(pin, action == call.PULL_UP)
                drive(pin, None)
            else:
                drive(pin, None if action == call.FLOAT else action == call.HIGH)
        self._unit.clock.advance(_PIN_STEP_NS)
        return int(answer)

    def _adc(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._unit.clock.advance(_ADC_NS)
        return self._wiring.adc(small)

    def _spi_read(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._unit.clock.advance(number * _SPI_BYTE_NS)
        return self._wiring.card.transfer(bytes((small,)) * number)

    def _spi_write(self, _small: int, _number: int, _wide: int, payload: bytes) -> Reply:
        self._unit.clock.advance(len(payload) * _SPI_BYTE_NS)
        self._wiring.card.transfer(payload)
        return 0

    def _i2c_write(self, small: int, _number: int, _wide: int, payload: bytes) -> Reply:
        part = self._wiring.i2c.get(small)
        if part is None:
            return 0
        part.write(payload)
        return 1

    def _i2c_read(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        part = self._wiring.i2c.get(small)
        if part is None:
            raise Refused(f"nothing at I2C address {small}")
        return part.read(number)

    def _pwm(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._wiring.pwm(small, number)
        return 0

    def _pass(self, _small: int, _number: int, wide: int, _payload: bytes) -> Reply:
        if wide:
            self._time.sleep_us(0, 0, wide, b"")
        us = self._time.us(0, 0, 0, b"")
        falls = self._unit.nrst_falls
        new, self._falls_told = falls - self._falls_told, falls
        return int(us) | new << _FALLS_SHIFT
