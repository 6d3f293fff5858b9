"""Halting debug: DHCSR, DCRSR, DCRDR, DEMCR and DFSR (DDI0403E C1.6)."""

from __future__ import annotations

from typing import Protocol

from bmsrescue.twin.chip.core import regs as r

_CATCH_BY_EXCEPTION = {
    r.EXC_HARDFAULT: r.VC_HARDERR,
    r.EXC_MEMMANAGE: r.VC_MMERR,
    r.EXC_BUSFAULT: r.VC_BUSERR,
}
_USAGE_CATCHES = (
    (r.CFSR_NOCP, r.VC_NOCPERR),
    (r.CFSR_UNALIGNED | r.CFSR_DIVBYZERO, r.VC_CHKERR),
    (r.CFSR_UNDEFINSTR | r.CFSR_INVSTATE | r.CFSR_INVPC, r.VC_STATERR),
)


class DebugTarget(Protocol):
    """What the debug registers act on: the core."""

    @property
    def halted(self) -> bool: ...

    @property
    def sleeping(self) -> bool: ...

    @property
    def lockup(self) -> bool: ...

    @property
    def in_reset(self) -> bool: ...

    def enter_halt(self) -> None: ...

    def leave_halt(self, *, step: bool) -> None: ...

    def read_register(self, number: int) -> int: ...

    def write_register(self, number: int, value: int) -> None: ...


class DebugUnit:
    """Debug control and status. C_DEBUGEN and DEMCR survive a system reset and fall with power only."""

    def __init__(self, core: DebugTarget) -> None:
        self._core = core
        self.power_on_reset()

    def power_on_reset(self) -> None:
        self.control = 0
        """DHCSR bits 5:0."""
        self.demcr = 0
        self.dfsr = 0
        self.dcrdr = 0
        self.retired = False
        self._reset_seen = True

    def system_reset(self) -> None:
        self.control &= r.C_DEBUGEN
        self.demcr &= ~r.DEMCR_RESET_BY_SYSTEM
        self.retired = False
        self._reset_seen = True

    @property
    def enabled(self) -> bool:
        return bool(self.control & r.C_DEBUGEN)

    @property
    def masks_interrupts(self) -> bool:
        return self.control & (r.C_DEBUGEN | r.C_MASKINTS) == r.C_DEBUGEN | r.C_MASKINTS

    @property
    def tracing(self) -> bool:
        return bool(self.demcr & r.TRCENA)

    def read_dhcsr(self) -> int:
        core = self._core
        value = self.control | r.S_REGRDY
        value |= r.S_HALT if core.halted else 0
        value |= r.S_SLEEP if core.sleeping else 0
        value |= r.S_LOCKUP if core.lockup else 0
        value |= r.S_RETIRE_ST if self.retired else 0
        value |= r.S_RESET_ST if self._reset_seen else 0
        self.retired = False
        self._reset_seen = core.in_reset
        return value

    def write_dhcsr(self, value: int) -> None:
        if value >> 16 != r.DHCSR_KEY:
            return
        core = self._core
        if not value & r.C_DEBUGEN:
            self.control = 0
            if core.halted:
                core.leave_halt(step=False)
            return
        was_stepping = bool(self.control & r.C_STEP)
        self.control = value & (r.C_DEBUGEN | r.C_HALT | r.C_STEP | r.C_MASKINTS | r.C_SNAPSTALL)
        if core.in_reset:
            return
        if value & r.C_HALT:
            if not core.halted:
                self.halt(r.DFSR_HALTED)
        elif core.halted:
            core.leave_halt(step=bool(value & r.C_STEP))
        elif value & r.C_STEP and not was_stepping:
            self.halt(r.DFSR_HALTED)

    def write_dcrsr(self, value: int) -> None:
        if not self._core.halted:
            return
        number = value & 0x7F
        if value & r.DCRSR_WRITE:
            self._core.write_register(number, self.dcrdr)
        else:
            self.dcrdr = self._core.read_register(number)

    def halt(self, cause: int) -> None:
        """Enter debug state for a DFSR reason."""
        self.dfsr |= cause
        self.control |= r.C_HALT
        self._core.enter_halt()

    def catches_reset(self) -> bool:
        """Whether the core stops before its first instruction."""
        if not self.enabled:
            return False
        return bool(self.demcr & r.VC_CORERESET or self.control & r.C_HALT)

    def exception_entered(self, number: int, cause: int) -> None:
        """Vector catch: halt before the handler's first instruction."""
        if not self.enabled:
            return
        catches = _CATCH_BY_EXCEPTION.get(number, 0)
        if number == r.EXC_USAGEFAULT:
            for bits, catch in _USAGE_CATCHES:
                catches |= catch if cause & bits else 0
        if cause & (r.CFSR_STKERR | r.CFSR_UNSTKERR):
            catches |= r.VC_INTERR
        if self.demcr & catches:
            self.halt(r.DFSR_VCATCH)
