"""Reset and clock control: the clock tree as far as the core, timers and USARTs need it, enables, reset cause."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip import rcc_registers as reg
from bmsrescue.twin.chip.reset import RSR_PATTERN, ResetKind
from bmsrescue.twin.chip.system import System
from bmsrescue.twin.clock import NEVER_NS, VirtualClock

from . import clock_tree
from .clock_tree import Frequencies
from .register_block import RegisterBlock

_ON_APB2 = ("USART1", "USART6", "UART9", "USART10")


class Rcc(RegisterBlock):
    """``on_clock_change()`` is called just before any frequency changes, the others after it."""

    def __init__(self, clock: VirtualClock, system: System) -> None:
        super().__init__(reg.BASE)
        self._clock = clock
        self._system = system
        self._reset_flags = 0
        self._backup_domain = 0
        self._lse_ready_ns = NEVER_NS
        self.on_clock_change: list[Callable[[], None]] = []
        self.on_clock_changed: list[Callable[[], None]] = []
        self.on_core_hz: Callable[[int], None] = lambda hz: None
        self.crystal_start_ms = system.config.crystal_start_ms
        """From HSEON to HSERDY; None is a crystal that never starts."""
        self.registers: dict[int, int] = {}
        self._forget_oscillators()
        self._frequencies = self._clock_tree()

    # --- reset --------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        for changing in self.on_clock_change:
            changing()
        self.registers = dict(reg.RESET_VALUES)
        self._forget_oscillators()
        self._frequencies = self._clock_tree()

    def _forget_oscillators(self) -> None:
        self._hse_ready_ns = NEVER_NS
        self._pll_on_ns = NEVER_NS
        self._pll_ready_ns = NEVER_NS

    def note_reset(self, kind: ResetKind) -> None:
        """A system reset of this kind begins: its flags are added to RSR (section 8.4.4)."""
        if kind == "power":
            self._reset_flags = 0
            self._backup_domain = 0
            self._lse_ready_ns = NEVER_NS
        config = self._system.config
        pattern = config.wwdg_reset_flags if kind == "wwdg" else RSR_PATTERN[kind]
        self._reset_flags |= pattern & config.die.reset_flags
        self.reset()

    # --- the clock tree -----------------------------------------------------------------------------------------------

    @property
    def core_hz(self) -> int:
        return self._frequencies.core

    @property
    def pclk3_hz(self) -> int:
        """The window watchdog's clock."""
        return self._frequencies.pclk3

    @property
    def timer1_hz(self) -> int:
        """Kernel clock of the timers on APB1."""
        return self._frequencies.timer1

    @property
    def timer2_hz(self) -> int:
        """Kernel clock of the timers on APB2."""
        return self._frequencies.timer2

    def usart_hz(self, name: str) -> int:
        """Kernel clock of a serial port ("USART3", "UART4", "LPUART1")."""
        frequencies, registers = self._frequencies, self.registers
        if name == "LPUART1":
            bus_hz, selected = frequencies.pclk4, registers.get(reg.D3CCIPR, 0)
        elif name in _ON_APB2:
            bus_hz, selected = frequencies.pclk2, registers.get(reg.D2CCIP2R, 0) >> 3
        else:
            bus_hz, selected = frequencies.pclk1, registers.get(reg.D2CCIP2R, 0)
        crystal_hz = self._system.config.crystal_hz
        pll2 = clock_tree.pll_hz(registers, 2, clock_tree.Q, crystal_hz)
        pll3 = clock_tree.pll_hz(registers, 3, clock_tree.Q, crystal_hz)
        sources = (bus_hz, pll2, pll3, clock_tree.hsi_hz(registers), reg.CSI_HZ, reg.LSE_HZ, 0, 0)
        return sources[selected & 7]

    @property
    def wwdg_resets(self) -> bool:
        """Software has allowed the window watchdog to reset the chip."""
        return bool(self.registers.get(reg.GCR, 0) & reg.WW1RSC) or not self._system.config.wwdg_needs_ww1rsc

    def enabled(self, register: int, bits: int) -> bool:
        """Whether the peripheral behind those enable bits is clocked: any of them will do."""
        return bool(self.registers.get(register, 0) & bits)

    def _clock_tree(self) -> Frequencies:
        registers = self.registers
        source = registers.get(reg.CFGR, 0) & reg.SW_MASK
        if source == reg.SW_PLL1 and self._pll_locked():
            sysclk = clock_tree.pll_hz(registers, 1, clock_tree.P, self._system.config.crystal_hz)
        elif source == reg.SW_CSI:
            sysclk = reg.CSI_HZ
        elif source == reg.SW_HSE and self._clock.now_ns >= self._hse_ready_ns:
            sysclk = self._system.config.crystal_hz
        else:
            sysclk = clock_tree.hsi_hz(registers)
        return clock_tree.from_sysclk(sysclk, registers)

    def _pll_locked(self) -> bool:
        return bool(self.registers.get(reg.CR, 0) & reg.PLL1ON) and self._clock.now_ns >= self._pll_ready_ns

    def _note_oscillators(self, new: int, old: int) -> None:
        """CR was written: when the crystal and PLL1 will be ready."""
        now_ns = self._clock.now_ns
        if not new & reg.HSEON:
            self._hse_ready_ns = NEVER_NS
        elif not old & reg.HSEON and self.crystal_start_ms is not None:
            self._hse_ready_ns = now_ns + int(self.crystal_start_ms * 1_000_000)
        if not new & reg.PLL1ON:
            self._pll_on_ns = NEVER_NS
        elif not old & reg.PLL1ON:
            self._pll_on_ns = now_ns
        self._note_pll()

    def _note_pll(self) -> None:
        """PLL1 locks once it is on and its source runs; without a source it never does."""
        began_ns = max(self._pll_on_ns, self._pll_source_ready_ns())
        self._pll_ready_ns = NEVER_NS if began_ns >= NEVER_NS else began_ns + reg.PLL_LOCK_NS

    def _pll_source_ready_ns(self) -> int:
        return (0, 0, self._hse_ready_ns, NEVER_NS)[self.registers.get(reg.PLLCKSELR, 0) & 3]

    # --- bus ----------------------------------------------------------------------------------------------------------

    def next_change_ns(self, address: int) -> int:
        offset = address - self.base
        now_ns = self._clock.now_ns
        if offset == reg.BDCR and self._lse_ready_ns > now_ns:
            return self._lse_ready_ns
        if offset not in (reg.CR, reg.CFGR):
            return NEVER_NS
        return min((when for when in (self._hse_ready_ns, self._pll_ready_ns) if when > now_ns), default=NEVER_NS)

    def read_word(self, offset: int) -> int:
        if offset >= reg.C1:
            offset -= reg.C1 - reg.RSR
        if offset == reg.CR:
            return self._read_cr()
        if offset == reg.RSR:
            return self._reset_flags
        if offset == reg.BDCR:
            ready = self._clock.now_ns >= self._lse_ready_ns
            return self._backup_domain & ~reg.LSERDY | (reg.LSERDY if ready else 0)
        value = self.registers.get(offset, 0)
        if offset == reg.CFGR:
            return value | self._switch_status() << reg.SWS_SHIFT
        if offset == reg.CSR and value & reg.LSION:
            return value | reg.LSIRDY
        return value

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset >= reg.C1:
            offset -= reg.C1 - reg.RSR
        if offset >= reg.C1:
            return
        if offset == reg.RSR:
            if value & reg.RMVF:
                self._reset_flags = 0
            return
        if offset == reg.BDCR:
            self._write_backup_domain(self._backup_domain & ~lanes | value)
            return
        old = self.registers.get(offset, 0)
        new = old & ~lanes | value
        if offset == reg.CR:
            new = new & reg.CR_WRITABLE | reg.HSION
            self._note_oscillators(new, old)
        elif offset == reg.CFGR:
            new &= ~(0x7 << reg.SWS_SHIFT)
        self.registers[offset] = new
        if offset == reg.PLLCKSELR:
            self._note_pll()
        if offset in (reg.AHB2ENR, reg.AHB4ENR):
            self._gate_rams()
        if offset <= reg.PLL1FRACR:
            self._update_clocks()

    def _write_backup_domain(self, new: int) -> None:
        started = new & ~self._backup_domain & reg.LSEON
        self._backup_domain = new
        start_ms = self._system.config.lse_start_ms
        if not new & reg.LSEON:
            self._lse_ready_ns = NEVER_NS
        elif started and start_ms is not None:
            self._lse_ready_ns = self._clock.now_ns + int(start_ms * 1_000_000)

    def _read_cr(self) -> int:
        value = self.registers[reg.CR] | reg.HSIRDY | reg.HSIDIVF | reg.D1CKRDY | reg.D2CKRDY
        value |= reg.CSIRDY if value & reg.CSION else 0
        value |= reg.HSI48RDY if value & reg.HSI48ON else 0
        value |= reg.PLL1RDY if self._pll_locked() else 0
        now_ns = self._clock.now_ns
        value |= reg.HSERDY if now_ns >= self._hse_ready_ns else 0
        # PLL2 and PLL3 are not modelled beyond their ready flags.
        others = value & (reg.PLL2ON | reg.PLL3ON) if now_ns >= self._pll_source_ready_ns() else 0
        return value | others << 1

    def _switch_status(self) -> int:
        wanted = self.registers.get(reg.CFGR, 0) & reg.SW_MASK
        if wanted == reg.SW_HSE:
            return wanted if self._clock.now_ns >= self._hse_ready_ns else reg.SW_HSI
        return wanted if wanted in (reg.SW_HSI, reg.SW_CSI) or self._pll_locked() else reg.SW_HSI

    def _gate_rams(self) -> None:
        for ram in self._system.config.die.rams:
            if ram.clock is not None:
                register, bit = ram.clock
                self._system.set_gate(ram.name, self.enabled(register, 1 << bit))

    def _update_clocks(self) -> None:
        frequencies = self._clock_tree()
        if frequencies == self._frequencies:
            return
        for changing in self.on_clock_change:
            changing()
        core_changes = frequencies.core != self._frequencies.core
        self._frequencies = frequencies
        if core_changes:
            self.on_core_hz(frequencies.core)
        for changed in self.on_clock_changed:
            changed()


class ClockGate:
    """A peripheral behind its enable bits: without a clock it reads 0 and drops writes."""

    def __init__(self, device: RegisterBlock, rcc: Rcc, register: int, bits: int) -> None:
        self._device = device
        self._rcc = rcc
        self._register = register
        self._bits = bits
        self._next_change: Callable[[int], int] | None = getattr(device, "next_change_ns", None)

    def read(self, address: int, size: int) -> int:
        # As `Rcc.enabled`, which counters would call all the time.
        return self._device.read(address, size) if self._rcc.registers.get(self._register, 0) & self._bits else 0

    def write(self, address: int, size: int, value: int) -> None:
        if self._rcc.registers.get(self._register, 0) & self._bits:
            self._device.write(address, size, value)

    def next_change_ns(self, address: int) -> int:
        return NEVER_NS if self._next_change is None else self._next_change(address)
