"""OpenOCD's ``remote_bitbang`` protocol over the twin's pins (OpenOCD manual, "remote_bitbang", SWD characters).

==========  ==========================================================================================================
``d e f g``  SWCLK and SWDIO: 00, 01, 10, 11. The chip samples on the rising edge of SWCLK
``c``        sample SWDIO; answered with ``0`` or ``1``
``O o``      drive SWDIO; let go of it
``r s t u``  TRST and SRST: 00, 01, 10, 11, 1 pulls low. SRST is the unit's NRST; the chip has no TRST pin in SWD
``Z z``      let 1 ms, 1 us of the unit's time pass
``B b``      a light on, off: taken and ignored
``Q``        goodbye
==========  ==========================================================================================================

Anything else, JTAG's characters included, is ignored and counted; ``R`` (sample TDO) is answered ``1``, the level of a
pin that nobody drives, so that a debugger set up for JTAG ends with its own error instead of waiting for ever.
"""

from __future__ import annotations

import re

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.servers.lines import ResetPulls

_NS_PER_MS = 1_000_000
_NS_PER_US = 1_000
_EDGES = b"defgcoO"
_RUNS = re.compile(rb"[defgcoO]+|Z+|z+|[^defgcoOZz]", re.DOTALL)
_WHO = "bitbang"


class BitbangPort:
    """The unit's debug connector: one debugger at a time."""

    def __init__(self, unit: Unit, pulls: ResetPulls) -> None:
        self._unit = unit
        self._pulls = pulls
        self._busy = False
        self.ignored = 0
        """Characters that mean nothing here."""

    def plug_in(self) -> BitbangSession | None:
        """A session for a new client, or None while another one is plugged in."""
        if self._busy:
            return None
        self._busy = True
        return BitbangSession(self._unit, self)

    def pull_nrst(self, low: bool) -> None:
        self._pulls.pull(_WHO, low)

    def unplugged(self) -> None:
        self._busy = False
        self.pull_nrst(False)


class BitbangSession:
    """One debugger's connection. When it ends, SWDIO and NRST are let go, as by a probe that is pulled off."""

    def __init__(self, unit: Unit, port: BitbangPort) -> None:
        self._clock = unit.clock
        self._edges = SwdEdges(unit.swd)
        self._port = port
        self.finished = False

    def receive(self, data: bytes) -> bytes:
        if not data.translate(None, _EDGES):
            return self._edges.feed(data)
        answer = bytearray()
        for run in _RUNS.findall(data):
            if self.finished:
                break
            answer += self._act(run)
        return bytes(answer)

    def hung_up(self) -> None:
        self._edges.feed(b"o")
        self._port.unplugged()

    def _act(self, run: bytes) -> bytes:
        char = run[:1]
        if char in _EDGES:
            return self._edges.feed(run)
        if char == b"Z":
            self._clock.advance(len(run) * _NS_PER_MS)
        elif char == b"z":
            self._clock.advance(len(run) * _NS_PER_US)
        elif char in b"rt":
            self._port.pull_nrst(False)
        elif char in b"su":
            self._port.pull_nrst(True)
        elif char == b"Q":
            self.finished = True
        elif char == b"R":
            self._port.ignored += 1
            return b"1"
        elif char not in b"Bb\r\n":
            self._port.ignored += 1
        return b""
