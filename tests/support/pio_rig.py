"""The agent's PIO wire on CPython: its program on a PIO emulator (pioemu), its pump and Python as they are.

The program is assembled by MicroPython's own assembler (third_party/micropython_rp2.py, MIT licence).

SWDIO is GPIO 0 and SWCLK GPIO 1, because the emulator's IN always begins at GPIO 0.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pioemu import ShiftRegister, State, emulate

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.chip.swd.pins import SwdPins

SWDIO, SWCLK = 0, 1
_FIFO_WORDS = 4
_TX_FULL, _TX_EMPTY, _RX_EMPTY, _TX_STALL = 1 << 16, 1 << 24, 1 << 8, 1 << 24
_FSTAT, _FDEBUG, _FLEVEL, _TXF0, _RXF0, _ADDR = 1, 2, 3, 4, 8, 53
_STEPS_PER_LOOK = 3
_CORE_HZ = 125_000_000


class _Const:
    """`_rp2.PIO`'s constants."""

    OUT_LOW, OUT_HIGH = 2, 3
    SHIFT_LEFT, SHIFT_RIGHT = 0, 1
    JOIN_NONE, JOIN_TX, JOIN_RX = 0, 1, 2


class Machine:
    """One state machine with its FIFOs and registers; looking at a register lets it run a little."""

    def __init__(self, program: list[int], pins: SwdPins) -> None:
        self._program = program
        self._edges = SwdEdges(pins)
        self._run: Iterator[tuple[State, State]] = iter(())
        self._state = State()
        self._y = 0
        self._stalled = False
        self.stopped = False
        self.steps = 0
        self.widest_word = 0
        self.restart()

    # --- registers, as pio_pump sees them -----------------------------------------------------------------------------

    def __getitem__(self, offset: int) -> int:
        if offset == _RXF0:
            return self._state.receive_fifo.popleft()
        self._advance(_STEPS_PER_LOOK)
        waiting, given = len(self._state.transmit_fifo), len(self._state.receive_fifo)
        if offset == _FSTAT:
            full = _TX_FULL if waiting >= _FIFO_WORDS else 0
            return full | (0 if waiting else _TX_EMPTY) | (0 if given else _RX_EMPTY)
        if offset == _FDEBUG:
            return _TX_STALL if self._stalled else 0
        if offset == _FLEVEL:
            return waiting | given << 4
        if offset == _ADDR:
            return self._state.program_counter
        raise KeyError(offset)

    def __setitem__(self, offset: int, value: int) -> None:
        if offset == _TXF0:
            assert len(self._state.transmit_fifo) < _FIFO_WORDS, "a word was written into a full FIFO"
            self._state.transmit_fifo.append(value & 0xFFFFFFFF)
        elif offset == _FDEBUG:
            self._stalled = False

    # --- what rp2.StateMachine does -----------------------------------------------------------------------------------

    def restart(self) -> None:
        before = self._state
        self._state = State(
            pin_values=before.pin_values,
            pin_directions=before.pin_directions,
            transmit_fifo=before.transmit_fifo,  # a restart leaves the FIFOs as they are
            receive_fifo=before.receive_fifo,
            y_register=self._y,
            output_shift_register=ShiftRegister(0, 32),
            input_shift_register=ShiftRegister(0, 0),
        )
        self._begin()

    def load_y(self, value: int) -> None:
        self._y = value
        self._state = replace(self._state, y_register=value)
        self._begin()

    def drop(self) -> None:
        if self._state.transmit_fifo:
            self._state.transmit_fifo.popleft()

    @property
    def given(self) -> int:
        return len(self._state.receive_fifo)

    def push(self) -> None:
        self._state.receive_fifo.append(self._state.input_shift_register.contents)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        def on_pins(_state: State) -> int:
            return self._edges.sample() << SWDIO

        on_pins.__annotations__["_state"] = State
        self._run = emulate(
            self._program,
            stop_when=lambda _opcode, _state: False,
            initial_state=self._state,
            input_source=on_pins,
            out_base=SWDIO,
            out_count=1,
            set_base=SWDIO,
            set_count=1,
            side_set_base=SWCLK,
            side_set_count=1,
        )

    def _advance(self, steps: int) -> None:
        if self.stopped:
            return
        for _ in range(steps):
            before, after = next(self._run)
            self.steps += 1
            self._stalled = before.program_counter == 0 == after.program_counter and not after.transmit_fifo
            self._state = after
            driving = after.pin_directions >> SWDIO & 1
            self._edges.drive(bool(driving))
            if driving:
                self._edges.swdio(after.pin_values >> SWDIO & 1)
            self._edges.swclk(after.pin_values >> SWCLK & 1)


class PioRig:
    """`wire` is a PioWire whose machine clocks `pins`."""

    def __init__(self, pins: SwdPins) -> None:
        modules = _modules()
        self.machine = Machine(list(modules["pio_swd"].swd[0]), pins)
        self.pins: dict[int, str] = {}
        wire_rp2 = modules["wire_rp2"]
        wire_rp2.rp2.StateMachine = self._state_machine
        wire_rp2._PIO0 = self.machine
        wire_rp2.machine.Pin = self._pin_class()
        wire_rp2.machine.mem32 = {}
        self.registers: dict[int, int] = wire_rp2.machine.mem32
        self.wire: Any = wire_rp2.PioWire(SWCLK, SWDIO)

    def _state_machine(self, _number: int, _program: object, **_pins: object) -> Any:
        bench = self

        class StateMachine:
            def __init__(self) -> None:
                self._put = 0
                bench.pins = {SWCLK: "pio", SWDIO: "pio"}

            def active(self, on: int) -> None:
                bench.machine.stopped = not on

            def restart(self) -> None:
                bench.machine.restart()

            def put(self, value: int) -> None:
                self._put = value
                bench.machine[_TXF0] = value

            def rx_fifo(self) -> int:
                return bench.machine.given

            def get(self) -> int:
                return bench.machine[_RXF0]

            def exec(self, instruction: int) -> None:
                if instruction == 0xA047:
                    bench.machine.load_y(self._put)
                elif instruction in (0x80A0, 0x8080):
                    bench.machine.drop()
                elif instruction == 0x8000:
                    bench.machine.push()

        return StateMachine()

    def _pin_class(self) -> Any:
        bench = self

        class Pin:
            IN = 0

            def __init__(self, number: int, mode: int = -1) -> None:
                if mode == Pin.IN:
                    bench.pins[number] = "in"

        return Pin


def _modules() -> dict[str, Any]:
    make_importable()
    if "rescue.hal.wire_rp2" not in sys.modules:
        for name in ("ptr8", "ptr16", "ptr32"):
            setattr(builtins, name, object)
        builtins.uint = lambda value: value & 0xFFFFFFFF  # type: ignore[attr-defined]
        low = types.ModuleType("_rp2")
        low.PIO = _Const  # type: ignore[attr-defined]
        sys.modules["_rp2"] = low
        path = Path(__file__).parents[1] / "rp2040" / "third_party" / "micropython_rp2.py"
        spec = importlib.util.spec_from_file_location("rp2", path)
        assert spec and spec.loader
        rp2 = importlib.util.module_from_spec(spec)
        sys.modules["rp2"] = rp2
        spec.loader.exec_module(rp2)
        rp2.PIO = type("PIO", (_Const,), {"__init__": lambda self, _n: None, "remove_program": lambda *_: None})  # type: ignore[attr-defined]
        machine = types.ModuleType("machine")
        machine.freq = lambda: _CORE_HZ  # type: ignore[attr-defined]
        machine.Pin = object  # type: ignore[attr-defined]
        sys.modules["machine"] = machine
    return {name: importlib.import_module(f"rescue.hal.{name}") for name in ("pio_swd", "pio_pump", "wire_rp2")}
