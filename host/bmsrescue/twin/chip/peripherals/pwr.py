"""Power control: supply selection (write-once), voltage scaling, low-power flags (RM0468 chapter 6)."""

from __future__ import annotations

from typing import Final

from bmsrescue.twin.chip.reset import ResetKind, clears_power_domain
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import NEVER_NS, VirtualClock

from .register_block import RegisterBlock

BASE: Final = 0x58024800
CR1: Final = 0x00
CSR1: Final = 0x04
CR2: Final = 0x08
CR3: Final = 0x0C
CPUCR: Final = 0x10
D3CR: Final = 0x18
WKUPCR: Final = 0x20
WKUPFR: Final = 0x24
WKUPEPR: Final = 0x28

CR3_RESET: Final = 0x00000006
_CR3_SUPPLY: Final = 0x000000FF
_CR3_SUPPLY_BITS: Final = 0x0000003F
_CR3_OTHERS: Final = 0x03000300
_ACTVOSRDY: Final = 1 << 13
_ACTVOS_SHIFT: Final = 14
_VOSRDY: Final = 1 << 13
_VOS_SHIFT: Final = 14
_SCALING_NS: Final = 20_000
_PDDS: Final = 0x7
_CSSF: Final = 1 << 9
_STOPF_SBF: Final = 0x1E0
_CPUCR_WRITABLE: Final = 0x00000807

_RESET_VALUES: Final = {CR1: 0xF000C000, CR2: 0, CPUCR: 0, D3CR: 0, WKUPEPR: 0}


class Pwr(RegisterBlock):
    """The low byte of CR3 takes one write after power-on; any later one is ignored, as is what resets do to others.

    D3CR is called SRDCR on the H7Ax.
    """

    def __init__(self, clock: VirtualClock, system: System) -> None:
        super().__init__(BASE)
        self._clock = clock
        self._system = system
        self._cr3 = CR3_RESET
        self._cr3_written = False
        self._flags = 0
        self._scaled_ns = 0
        self._die = system.config.die
        self._registers: dict[int, int] = {}
        self.reset()

    def reset(self) -> None:
        self._registers = {**_RESET_VALUES, D3CR: self._die.vos_reset << _VOS_SHIFT}
        self._scaled_ns = 0
        self._system.vcore_mv = self._die.vos_mv[self._die.vos_reset]

    def note_reset(self, kind: ResetKind, *, bor_is_power_reset: bool) -> None:
        if clears_power_domain(kind, bor_is_power_reset=bor_is_power_reset):
            self._cr3 = CR3_RESET
            self._cr3_written = False
            self._flags = 0
        self.reset()

    @property
    def standby_wanted(self) -> bool:
        """Deep sleep takes the whole chip to Standby, not to Stop."""
        return self._registers[CPUCR] & _PDDS == _PDDS

    def read_word(self, offset: int) -> int:
        if offset == CR3:
            return self._cr3
        if offset == CSR1:
            ready = _ACTVOSRDY if self._scaled() else 0
            return (self._registers[D3CR] >> _VOS_SHIFT & 3) << _ACTVOS_SHIFT | ready
        if offset == D3CR:
            return self._registers[D3CR] | (_VOSRDY if self._scaled() else 0)
        if offset == CPUCR:
            return self._registers[CPUCR] | self._flags
        return self._registers.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == CR3:
            self._write_cr3(value, lanes)
        elif offset == D3CR:
            self._scale(self._registers[D3CR] & ~lanes | value)
        elif offset == CPUCR:
            if value & _CSSF:
                self._flags &= ~_STOPF_SBF
            writable = _CPUCR_WRITABLE & lanes
            self._registers[CPUCR] = self._registers[CPUCR] & ~writable | value & writable
        elif offset in (CR1, CR2, WKUPEPR):
            self._registers[offset] = self._registers[offset] & ~lanes | value

    def next_change_ns(self, address: int) -> int:
        changing = address - self.base in (CSR1, D3CR) and self._clock.now_ns < self._scaled_ns
        return self._scaled_ns if changing else NEVER_NS

    def _write_cr3(self, value: int, lanes: int) -> None:
        others = _CR3_OTHERS & lanes
        self._cr3 = self._cr3 & ~others | value & others
        if not lanes & _CR3_SUPPLY or self._cr3_written:
            return
        self._cr3_written = True
        self._cr3 = self._cr3 & ~_CR3_SUPPLY | value & _CR3_SUPPLY_BITS
        self._scaled_ns = self._clock.now_ns + _SCALING_NS
        self._system.select_supply(self._cr3 & _CR3_SUPPLY)

    def _scale(self, value: int) -> None:
        # Another voltage scale needs a configured supply (RM0468 section 6.4.2).
        if not self._cr3_written:
            return
        self._registers[D3CR] = value & 3 << _VOS_SHIFT
        self._scaled_ns = self._clock.now_ns + _SCALING_NS
        self._system.vcore_mv = self._die.vos_mv[value >> _VOS_SHIFT & 3]

    def _scaled(self) -> bool:
        return self._cr3_written and self._clock.now_ns >= self._scaled_ns
