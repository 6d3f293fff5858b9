"""What the ends of a run mean to the core: calls, returns, breakpoints, and which fault a failed access is."""

from __future__ import annotations

from bmsrescue.twin.chip.bus import Bus, BusError, BusWait
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.debug import DebugUnit
from bmsrescue.twin.chip.core.engine import Engine, Stop, StopReason
from bmsrescue.twin.chip.core.exceptions import ExceptionUnit
from bmsrescue.twin.chip.core.flash import FlashShadow

_EXECUTE_NEVER = ((0x40000000, 0x60000000), (0xE0000000, 0x100000000))
"""Device space: fetching from it is a MemManage fault, not a bus fault (DDI0403E B3.1)."""


class FaultEntry:
    """Turns a ``Stop`` into an exception or a debug event."""

    def __init__(
        self, bus: Bus, exceptions: ExceptionUnit, debug: DebugUnit, engine: Engine, flash: FlashShadow | None
    ) -> None:
        self._bus = bus
        self._exceptions = exceptions
        self._debug = debug
        self._engine = engine
        self._flash = flash

    def handle(self, stop: Stop) -> None:
        exceptions = self._exceptions
        reason = stop.reason
        if reason in (StopReason.BREAKPOINT, StopReason.BKPT):
            self._debug_event()
        elif reason is StopReason.SVC:
            exceptions.supervisor_call()
        elif reason is StopReason.EXCEPTION_RETURN:
            exceptions.leave(self._engine.pc | 1)
        elif reason is StopReason.DATA_FAULT:
            self._latch_flash_error(stop.address)
            exceptions.raise_fault(r.EXC_BUSFAULT, r.CFSR_PRECISERR, stop.address)
        elif reason is StopReason.FETCH_FAULT:
            self._fetch_fault(stop.address)
        elif reason is StopReason.INVALID_STATE:
            exceptions.raise_fault(r.EXC_USAGEFAULT, r.CFSR_INVSTATE)
        else:
            exceptions.raise_fault(r.EXC_USAGEFAULT, r.CFSR_UNDEFINSTR)

    def _debug_event(self) -> None:
        if self._debug.enabled:
            self._debug.halt(r.DFSR_BKPT)
        else:
            self._exceptions.debug_event_fault()

    def _fetch_fault(self, address: int) -> None:
        self._latch_flash_error(address)
        if any(start <= address < end for start, end in _EXECUTE_NEVER):
            self._exceptions.raise_fault(r.EXC_MEMMANAGE, r.CFSR_IACCVIOL)
        else:
            self._exceptions.raise_fault(r.EXC_BUSFAULT, r.CFSR_IBUSERR)

    def _latch_flash_error(self, address: int) -> None:
        """A broken flash word was read: have the flash controller notice it as well."""
        if self._flash is not None and self._flash.contains(address):
            try:
                self._bus.read(address & ~3, 4)
            except (BusError, BusWait):
                return
