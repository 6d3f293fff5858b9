"""System control block and NVIC registers over the exception unit (DDI0403E B3.2, B3.4)."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.exceptions import ExceptionUnit

_STORED = frozenset(
    {r.SCR, r.CPACR, r.AFSR, 0xE000ED94, 0xE000ED98, 0xE000ED9C, 0xE000EDA0, r.FPCCR, 0xE000EF38, 0xE000EF3C}
)
"""Registers that only keep what is written: SCR, CPACR, the MPU's and the floating-point context's."""
_TCM_CONTROL = range(0xE000EF90, 0xE000EFA8, 4)
_FIXED_AT_RESET = {r.FPCCR: 0xC0000000, 0xE000EF90: 0x00000001, 0xE000EF94: 0x00000001}
_SHCSR_ACTIVE = {4: 0, 5: 1, 6: 3, 11: 7, 12: 8, 14: 10, 15: 11}
_PENDING_BITS = {
    r.EXC_PENDSV: (r.ICSR_PENDSVSET, r.ICSR_PENDSVCLR),
    r.EXC_SYSTICK: (r.ICSR_PENDSTSET, r.ICSR_PENDSTCLR),
}


class SystemControl:
    """``request_reset(core_only)`` is called for AIRCR.SYSRESETREQ and VECTRESET, ``flush()`` for cache maintenance."""

    def __init__(
        self,
        exceptions: ExceptionUnit,
        request_reset: Callable[[bool], None],
        flush: Callable[[], None],
        cache_kib: int,
    ) -> None:
        self._exceptions = exceptions
        self._cache_sizes = r.CCSIDR_OF_CACHES[cache_kib]
        self._request_reset = request_reset
        self._flush = flush
        self.reset()

    def reset(self) -> None:
        self._ccr = r.CCR_RESET
        self._cache_select = 0
        self._storage = dict(_FIXED_AT_RESET)

    def read(self, address: int) -> int:
        exceptions = self._exceptions
        if address in r.IDENTIFICATION:
            return r.IDENTIFICATION[address]
        if address == r.ICSR:
            return self._icsr()
        if address == r.VTOR:
            return exceptions.vtor
        if address == r.AIRCR:
            return r.AIRCR_READ_KEY << 16 | exceptions.prigroup
        if address == r.CCR:
            return self._ccr
        if r.SHPR1 <= address < r.SHPR1 + 12:
            return int.from_bytes(exceptions.priorities[address - r.SHPR1 + 4 :][:4], "little")
        if address == r.SHCSR:
            active = sum(1 << bit for number, bit in _SHCSR_ACTIVE.items() if number in exceptions.active)
            return exceptions.shcsr | active
        if address == r.CCSIDR:
            return self._cache_sizes[self._cache_select & 1]
        if address == r.CSSELR:
            return self._cache_select
        status = {
            r.CFSR: exceptions.cfsr,
            r.HFSR: exceptions.hfsr,
            r.MMFAR: exceptions.mmfar,
            r.BFAR: exceptions.bfar,
            r.ABFSR: exceptions.abfsr,
        }
        if address in status:
            return status[address]
        if r.NVIC_ISER <= address < r.NVIC_IPR + r.NVIC_LINES:
            return self._read_nvic(address)
        return self._storage.get(address, 0)

    def write(self, address: int, value: int) -> None:
        exceptions = self._exceptions
        if address == r.ICSR:
            self._write_icsr(value)
        elif address == r.VTOR:
            exceptions.vtor = value & 0xFFFFFF80
        elif address == r.AIRCR:
            self._write_aircr(value)
        elif address == r.CCR:
            self._ccr = value & r.CCR_WRITABLE | r.CCR_RESET
        elif r.SHPR1 <= address < r.SHPR1 + 12:
            start = address - r.SHPR1 + 4
            exceptions.priorities[start : start + 4] = value.to_bytes(4, "little")
        elif address == r.SHCSR:
            exceptions.shcsr = value & (r.SHCSR_MEMFAULTENA | r.SHCSR_BUSFAULTENA | r.SHCSR_USGFAULTENA)
        elif address == r.CFSR:
            exceptions.cfsr &= ~value
        elif address == r.HFSR:
            exceptions.hfsr &= ~value
        elif address == r.ABFSR:
            exceptions.abfsr = 0
        elif address == r.MMFAR:
            exceptions.mmfar = value
        elif address == r.BFAR:
            exceptions.bfar = value
        elif address == r.CSSELR:
            self._cache_select = value & 0xF
        elif address in (r.ICIALLU, r.ICIMVAU):
            self._flush()
        elif r.NVIC_ISER <= address < r.NVIC_IPR + r.NVIC_LINES:
            self._write_nvic(address, value)
        elif address in _STORED or address in _TCM_CONTROL:
            self._storage[address] = value
            if address == r.FPCCR:
                exceptions.stacks_fp = bool(value & r.FPCCR_ASPEN)

    def _icsr(self) -> int:
        exceptions = self._exceptions
        value = exceptions.active[-1] if exceptions.active else 0
        if len(exceptions.active) <= 1:
            value |= 1 << 11
        pending = sorted(exceptions.pending, key=lambda n: (exceptions.priority(n), n))
        if pending:
            value |= pending[0] << 12
        for number, (set_bit, _) in _PENDING_BITS.items():
            value |= set_bit if number in exceptions.pending else 0
        return value

    def _write_icsr(self, value: int) -> None:
        for number, (set_bit, clear_bit) in _PENDING_BITS.items():
            if value & set_bit:
                self._exceptions.pending.add(number)
            if value & clear_bit:
                self._exceptions.pending.discard(number)
        if value & 1 << 31:
            self._exceptions.pending.add(r.EXC_NMI)

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != r.AIRCR_WRITE_KEY:
            return
        self._exceptions.prigroup = value & r.AIRCR_PRIGROUP
        if value & r.AIRCR_SYSRESETREQ:
            self._request_reset(False)
        elif value & r.AIRCR_VECTRESET:
            self._request_reset(True)
        elif value & r.AIRCR_VECTCLRACTIVE:
            self._exceptions.active.clear()

    def _read_nvic(self, address: int) -> int:
        exceptions = self._exceptions
        if address >= r.NVIC_IPR:
            first = address - r.NVIC_IPR + r.EXC_FIRST_IRQ
            return int.from_bytes(exceptions.priorities[first : first + 4], "little")
        bank, first = self._nvic_bank(address)
        members: set[int] | list[int] = exceptions.active
        if bank in (r.NVIC_ISER, r.NVIC_ICER):
            members = exceptions.enabled
        elif bank in (r.NVIC_ISPR, r.NVIC_ICPR):
            members = exceptions.pending
        return sum(1 << bit for bit in range(32) if first + bit in members)

    def _write_nvic(self, address: int, value: int) -> None:
        exceptions = self._exceptions
        if address >= r.NVIC_IPR:
            first = address - r.NVIC_IPR + r.EXC_FIRST_IRQ
            exceptions.priorities[first : first + 4] = value.to_bytes(4, "little")
            return
        bank, first = self._nvic_bank(address)
        lines = {first + bit for bit in range(32) if value >> bit & 1}
        if bank == r.NVIC_ISER:
            exceptions.enabled |= lines
        elif bank == r.NVIC_ICER:
            exceptions.enabled -= lines
        elif bank == r.NVIC_ISPR:
            exceptions.pending |= lines
        elif bank == r.NVIC_ICPR:
            exceptions.clear_pending(lines)

    @staticmethod
    def _nvic_bank(address: int) -> tuple[int, int]:
        bank = address & ~0x7F
        return bank, r.EXC_FIRST_IRQ + 8 * (address - bank)
