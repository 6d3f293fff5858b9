"""The agent's `Wire` over a probe that selects access ports itself and moves memory by address: ST-Link.

What the agent writes to SELECT, CSW and TAR is kept here and goes nowhere. A transfer of DRW becomes a memory access of
the probe at the address in TAR, one of BD0 to BD3 at the same 16 bytes. Every such access is answered with its status,
so that a write is known to be through when it returns.
"""

from __future__ import annotations

from typing import Any

from pyocd.coresight.ap import APv1Address

from bmsrescue.probe.faults import translated
from bmsrescue.probe.wire_base import ProbeWire
from rescuelink.errors import LinkError, RescueError, WireError

_SELECT, _RDBUFF = 0x8, 0xC
_CSW, _TAR, _DRW = 0x00, 0x04, 0x0C
_MEMORY_BANK, _BANKED = 0x0, 0x1
_TRANSFER_CYCLES = 46


class ManagedWire(ProbeWire):
    """See device/rescue/hal/ports.py. `cycles` counts what the transfers take at least; a probe does not tell."""

    def __init__(self, probe: Any, max_hz: int | None = None, min_hz: int | None = None) -> None:
        super().__init__(probe, max_hz, min_hz)
        self._ap = 0
        self._bank = 0
        self._csw: dict[int, int] = {}
        self._tar: dict[int, int] = {}
        self._memories: dict[int, Any] = {}
        self._failed: RescueError | None = None  # why the debug port was not found at the last reset of the line

    # -- sequences -----------------------------------------------------------------------------------------------------

    def line_reset(self) -> None:
        """The probe enters SWD anew, with the switch and a read of DPIDR. How that went, the next read tells."""
        self._memories.clear()
        self._failed = None
        try:
            with translated():
                if self._connected:
                    self._probe.disconnect()
                self.connect()
        except WireError as error:
            self._failed = error

    jtag_to_swd = line_reset

    def dormant_to_swd(self) -> None:
        """No such probe is known to wake a dormant port."""

    # -- transfers -----------------------------------------------------------------------------------------------------

    def read(self, ap: int, a32: int) -> int:
        self._check_line()
        if not ap:
            if a32 == _RDBUFF:
                return 0  # every access was answered for when it was made
            self.cycles += _TRANSFER_CYCLES
            with translated():
                return int(self._probe.read_dp(a32))
        self.cycles += 2 * _TRANSFER_CYCLES
        address = self._address(a32)
        if address is None:
            register = self._bank << 4 | a32
            if register == _TAR:
                return self._tar.get(self._ap, 0)
            self._memory()  # opens the access port in the probe
            with translated():
                return int(self._probe.read_ap(self._ap << 24 | register))
        with translated():
            return int(self._memory().read_memory(address, 32, csw=self._csw_now()))

    def write(self, ap: int, a32: int, value: int) -> None:
        self._check_line()
        if not ap:
            if a32 == _SELECT:
                self._ap, self._bank = value >> 24, value >> 4 & 0xF
                return
            self.cycles += _TRANSFER_CYCLES
            with translated():
                self._probe.write_dp(a32, value)
            return
        address = self._address(a32)
        if address is not None:
            self.cycles += _TRANSFER_CYCLES
            with translated():
                self._memory().write_memory(address, value, 32, csw=self._csw_now())
            self._passed(a32, 4)
            return
        register = self._bank << 4 | a32
        if register == _CSW:
            self._csw[self._ap] = value
        elif register == _TAR:
            self._tar[self._ap] = value
        else:
            self.cycles += _TRANSFER_CYCLES
            with translated():
                self._probe.write_ap(self._ap << 24 | register, value)

    def read_block(self, ap: int, a32: int, buf: memoryview) -> None:
        address = self._block(ap, a32)
        self.cycles += _TRANSFER_CYCLES * (len(buf) // 4 + 1)
        with translated():
            words = self._memory().read_memory_block32(address, len(buf) // 4, csw=self._csw_now())
        buf[:] = b"".join(word.to_bytes(4, "little") for word in words)
        self._passed(a32, len(buf))

    def write_block(self, ap: int, a32: int, buf: memoryview) -> None:
        address = self._block(ap, a32)
        data = bytes(buf)
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        self.cycles += _TRANSFER_CYCLES * len(words)
        with translated():
            self._memory().write_memory_block32(address, words, csw=self._csw_now())
        self._passed(a32, len(data))

    def idle(self, cycles: int) -> None:
        """Nothing waits, and the probe adds the idle clocks."""
        self.cycles += cycles

    # -- inside --------------------------------------------------------------------------------------------------------

    def _check_line(self) -> None:
        if self._failed is not None:
            raise WireError(self._failed.kind, self._failed.message)

    def _address(self, a32: int) -> int | None:
        """Where in memory an access to that register goes; None where it is a register of the port itself."""
        if self._bank == _MEMORY_BANK and a32 == _DRW:
            return self._tar.get(self._ap, 0)
        if self._bank == _BANKED:
            return self._tar.get(self._ap, 0) & ~0xF | a32
        return None

    def _block(self, ap: int, a32: int) -> int:
        self._check_line()
        address = self._address(a32) if ap and self._bank == _MEMORY_BANK else None
        if address is None:
            raise LinkError("tool", "this probe moves blocks of memory only", next_step="report this")
        return address

    def _passed(self, a32: int, length: int) -> None:
        if self._bank == _MEMORY_BANK and a32 == _DRW:
            self._tar[self._ap] = self._tar.get(self._ap, 0) + length & 0xFFFFFFFF

    def _csw_now(self) -> int:
        return self._csw.get(self._ap, 0)

    def _memory(self) -> Any:
        if self._ap not in self._memories:
            with translated():
                memory = self._probe.get_memory_interface_for_ap(APv1Address(self._ap))
            if memory is None:
                raise LinkError("limits", f"this probe reaches no memory behind access port {self._ap}")
            self._memories[self._ap] = memory
        return self._memories[self._ap]
