"""Pin edges to whole cycles: what a bit-banging debugger does with SWCLK and SWDIO, put onto ``SwdPins``.

The characters of ``remote_bitbang`` are OpenOCD's (doc/manual/jtag/drivers/remote_bitbang.txt): ``d`` ``e`` ``f`` ``g``
set SWCLK and SWDIO to 00, 01, 10, 11; ``O`` and ``o`` drive and release SWDIO; ``c`` asks for its level, answered by
``0`` or ``1``.
"""

from __future__ import annotations

import re
from typing import Final

from bmsrescue.twin.chip.swd.pins import SwdPins

_LEVELS: Final = {ord("d"): (0, 0), ord("e"): (0, 1), ord("f"): (1, 0), ord("g"): (1, 1)}
_SAMPLE: Final = ord("c")
_ZERO: Final = ord("0")
_BATCH: Final = 512
"""Cycles handed on at once at most, so that numbers stay short."""

_PIECES: Final = re.compile(rb"[Oo]|[^Oo]+")
_HIGH: Final = b"fg"
_DIGITS: Final = bytes.maketrans(b"fg", b"01")
_LISTENING: Final = re.compile(rb"(?:[de][fg])*(?:[de]c[fg])*(?:[de]c)?(?:[de][fg])*")
"""Whole cycles while the chip has the line: unsampled, then sampled while SWCLK is low, then unsampled."""

CHARACTERS: Final = frozenset(b"defgOoc")
"""What ``feed`` understands; everything else belongs to the rest of the protocol."""


class SwdEdges:
    """SWCLK, SWDIO and its direction, one change at a time or (``feed``) as remote_bitbang characters in bulk."""

    def __init__(self, port: SwdPins) -> None:
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

    def swclk_and_swdio(self, swclk: int, swdio: int) -> None:
        """Set both at once; on a rising edge the chip sees the new SWDIO."""
        self._swdio = swdio
        self.swclk(swclk)

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
        """Take SWD characters of remote_bitbang; returns the answers to the ``c`` among them, in order.

        Debuggers clock in whole cycles, low then high: such pieces are handed on as the fields they are. Everything
        else goes edge by edge, with the same result.
        """
        answers = bytearray()
        for piece in _PIECES.findall(characters):
            if piece == b"O":
                self._driving = True
            elif piece == b"o":
                self._driving = False
            elif self._driving:
                self._feed_driven(piece, answers)
            else:
                self._feed_listening(piece, answers)
        return bytes(answers)

    def _feed_driven(self, piece: bytes, answers: bytearray) -> None:
        """Characters while the debugger drives SWDIO."""
        ahead = 1 if piece[0] in _HIGH else 0  # the low half of this cycle came before
        highs = piece[ahead + 1 :: 2]
        if piece[ahead::2].translate(None, b"de") or highs.translate(None, _HIGH):
            self._feed_by_edges(piece, answers)
            return
        if ahead and not self._swclk:
            highs = piece[:1] + highs
        for first in range(0, len(highs), _BATCH):
            digits = highs[first : first + _BATCH].translate(_DIGITS)
            self._port.clock_out(int(digits[::-1], 2), len(digits))
        self._swclk, self._swdio = _LEVELS[piece[-1]]

    def _feed_listening(self, piece: bytes, answers: bytearray) -> None:
        """Characters while the debugger has let go of SWDIO."""
        ahead = 1 if piece[0] in _HIGH else 0
        if len(piece) > _BATCH or not _LISTENING.fullmatch(piece, ahead):
            self._feed_by_edges(piece, answers)
            return
        rises_ahead = ahead and not self._swclk
        rises = piece.count(b"f") + piece.count(b"g") - (ahead and self._swclk)
        sampled = self._port.clock_in(rises) if rises else 0
        samples = piece.count(b"c")
        if samples:
            # Each sample is the level that the rising edge after it sees; the last may still wait for its edge.
            first = rises_ahead + (piece.index(b"c") - ahead - 1) // 2
            if first + samples > rises:
                sampled |= self._port.released_level << rises
            answers += format(sampled >> first & (1 << samples) - 1 | 1 << samples, "b")[:0:-1].encode()
        self._swclk, self._swdio = _LEVELS[piece[-1] if piece[-1] != _SAMPLE else piece[-2]]

    def _feed_by_edges(self, characters: bytes, answers: bytearray) -> None:
        for character in characters:
            level = _LEVELS.get(character)
            if level is not None:
                self.swclk_and_swdio(*level)
            elif character == _SAMPLE:
                answers.append(_ZERO + self.sample())
            else:
                raise ValueError(f"not an SWD character: {chr(character)!r}")
