"""The agent's `Wire` over a probe that passes debug port and access port registers through: CMSIS-DAP, J-Link, remote.

A round trip to a probe costs about 1 ms, as much as a hundred transfers. So what only prepares an access (SELECT, CSW,
TAR) is handed to pyOCD without waiting, which puts it into one packet with the access itself. A single word that is
written to memory is never left waiting: it goes out with a read of RDBUFF behind it, so that its own error is told on
it. A block is left waiting: the agent reads RDBUFF behind it wherever that matters (ports.py, MemAp.post_block).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pyocd.probe.debug_probe import DebugProbe

from bmsrescue.probe.faults import translated
from bmsrescue.probe.wire_base import ProbeWire
from rescuelink.errors import RescueError

_ABORT, _SELECT, _RDBUFF = 0x0, 0x8, 0xC
_DRW = 0xC
_TRANSFER_CYCLES = 46
_ONES = (1 << 56) - 1
_JTAG_TO_SWD = 0xE79E
_ALERT = 0x19BC0EA2E3DDAFE986852D956209F392
_ACTIVATE_SWD = 0x1A


class RawWire(ProbeWire):
    """See device/rescue/hal/ports.py. `cycles` counts what the transfers take at least; a probe does not tell."""

    def __init__(self, probe: Any, max_hz: int | None = None, min_hz: int | None = None) -> None:
        super().__init__(probe, max_hz, min_hz)
        self._bank = 0  # APBANKSEL
        self._confirmed = False  # the last word written is known to be through
        self._sequences = DebugProbe.Capability.SWJ_SEQUENCE in probe.capabilities

    # -- sequences -----------------------------------------------------------------------------------------------------

    def line_reset(self) -> None:
        self._sequence((56, _ONES), (8, 0))

    def jtag_to_swd(self) -> None:
        self._sequence((56, _ONES), (16, _JTAG_TO_SWD), (56, _ONES), (8, 0))

    def dormant_to_swd(self) -> None:
        self._sequence((8, 0xFF), (128, _ALERT), (4, 0), (8, _ACTIVATE_SWD), (56, _ONES), (8, 0))

    def _sequence(self, *parts: tuple[int, int]) -> None:
        self._confirmed = False
        with translated():
            if not self._sequences:
                self.connect()  # the probe's own way: J-Link has one for all three
                return
            for count, bits in parts:
                self._probe.swj_sequence(count, bits)
                self.cycles += count

    # -- transfers -----------------------------------------------------------------------------------------------------

    def read(self, ap: int, a32: int) -> int:
        confirmed, self._confirmed = self._confirmed, False
        if confirmed and not ap and a32 == _RDBUFF:
            return 0
        self.cycles += _TRANSFER_CYCLES * (2 if ap else 1)
        with translated():
            return int(self._probe.read_ap(a32) if ap else self._probe.read_dp(a32))

    def write(self, ap: int, a32: int, value: int) -> None:
        self._confirmed = False
        self.cycles += _TRANSFER_CYCLES
        with translated():
            if not ap:
                self._probe.write_dp(a32, value)
                if a32 == _SELECT:
                    self._bank = value >> 4 & 0xF
                elif a32 == _ABORT:
                    self._probe.flush()
                return
            self._probe.write_ap(a32, value)
            if self._bank or a32 == _DRW:
                self._confirm()

    def read_block(self, ap: int, a32: int, buf: memoryview) -> None:
        self._confirmed = False
        count = len(buf) // 4
        if not count:
            return
        self.cycles += _TRANSFER_CYCLES * (count + 1)
        with translated():
            if ap:
                words = self._probe.read_ap_multiple(a32, count)
            else:
                words = [self._probe.read_dp(a32) for _ in range(count)]
        for index, word in enumerate(words):
            buf[4 * index : 4 * index + 4] = word.to_bytes(4, "little")

    def write_block(self, ap: int, a32: int, buf: memoryview) -> None:
        self._confirmed = False
        data = bytes(buf)
        if not data:
            return
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        self.cycles += _TRANSFER_CYCLES * len(words)
        with translated():
            if not ap:
                for word in words:
                    self._probe.write_dp(a32, word)
                self._probe.flush()
                return
            self._probe.write_ap_multiple(a32, words)

    def _confirm(self) -> None:
        self._probe.read_dp(_RDBUFF)
        self.cycles += _TRANSFER_CYCLES
        self._confirmed = True

    def idle(self, cycles: int) -> None:
        """Make what waits happen; the probe adds the idle clocks."""
        self.cycles += cycles
        with translated():
            self._probe.flush()

    def release(self) -> None:
        with suppress(RescueError), translated():
            self._probe.flush()
        super().release()
