"""Pin edges to whole cycles: what a bit-banging debugger does with SWCLK and SWDIO, put onto ``SwdPins``.

The characters of ``remote_bitbang`` are OpenOCD's (doc/manual/jtag/drivers/remote_bitbang.txt): ``d`` ``e`` ``f`` ``g``
set SWCLK and SWDIO to 00, 01, 10, 11; ``O`` and ``o`` drive and release SWDIO; ``c`` asks for its level, answered by
``0`` or ``1``.
"""

from __future__ import annotations

from typing import Final

from .swdp import SwdPort

_LEVELS: Final = {ord("d"): (0, 0), ord("e"): (0, 1), ord("f"): (1, 0), ord("g"): (1, 1)}
_DRIVE: Final = ord("O")
_RELEASE: Final = ord("o")
_SAMPLE: Final = ord("c")
_ZERO: Final = ord("0")
_BATCH: Final = 512
"""Cycles gathered before they are handed on, so that numbers stay short."""

CHARACTERS: Final = frozenset(b"defgOoc")
"""What ``feed`` understands; everything else belongs to the rest of the protocol."""


class SwdEdges:
    """SWCLK, SWDIO and its direction, one change at a time or (``feed``) as remote_bitbang characters in bulk."""

    def __init__(self, port: SwdPort) -> None:
        self._port = port
        self._swclk = 0
        self._swdio = 0
        self._driving = True

    def swclk(self, level: int) -> None:
        """Set SWCLK; a rising edge is one cycle."""
        if level and not self._swclk:
            if self._driving:
                self._port.clock_out(self._swdio, 1)
            else:
                self._port.clock_in(1)
        self._swclk = level

    def swdio(self, level: int) -> None:
        """Set what the debugger puts on SWDIO while it drives."""
        self._swdio = level

    def drive(self, driving: bool) -> None:
        """Drive SWDIO, or let it go."""
        self._driving = driving

    def sample(self) -> int:
        """SWDIO's level now: what the coming rising edge will see."""
        return self._swdio if self._driving else self._port.released_level

    def feed(self, characters: bytes) -> bytes:
        """Take SWD characters of remote_bitbang; returns the answers to the ``c`` among them, in order."""
        answers = bytearray()
        clock, data, driving = self._swclk, self._swdio, self._driving
        levels = _LEVELS
        bits = 0
        count = 0
        # While listening, a sample belongs to the next rising edge; its answer is filled in when that cycle is run.
        waiting: list[tuple[int, int]] = []
        for character in characters:
            level = levels.get(character)
            if level is not None:
                rises = level[0] and not clock
                clock, data = level
                if rises:
                    if driving and data:
                        bits |= 1 << count
                    count += 1
                    if count == _BATCH:
                        self._run(driving, bits, count, waiting, answers)
                        bits = count = 0
            elif character == _SAMPLE:
                if driving:
                    answers.append(_ZERO + data)
                else:
                    waiting.append((len(answers), count))
                    answers.append(_ZERO)
            elif character in (_DRIVE, _RELEASE):
                turn = character == _DRIVE
                if turn != driving:
                    self._run(driving, bits, count, waiting, answers)
                    bits = count = 0
                    driving = turn
            else:
                raise ValueError(f"not an SWD character: {chr(character)!r}")
        self._run(driving, bits, count, waiting, answers)
        self._swclk, self._swdio, self._driving = clock, data, driving
        return bytes(answers)

    def _run(self, driving: bool, bits: int, count: int, waiting: list[tuple[int, int]], answers: bytearray) -> None:
        """Run the gathered cycles and fill in what was sampled before each, or after the last."""
        if driving:
            if count:
                self._port.clock_out(bits, count)
            return
        sampled = self._port.clock_in(count) if count else 0
        for place, cycle in waiting:
            level = sampled >> cycle & 1 if cycle < count else self._port.released_level
            answers[place] = _ZERO + level
        waiting.clear()
