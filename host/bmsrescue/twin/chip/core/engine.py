"""The instruction set: Unicorn wrapped so that it runs a budget of instructions and says precisely why it stopped.

Stopping inside a memory access leaves the instruction undone, so that faults are precise and held-off accesses can
simply be tried again. One instruction counts as one cycle.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from unicorn import unicorn_const as uc_const
from unicorn.arm_const import (
    UC_ARM_REG_BASEPRI,
    UC_ARM_REG_CONTROL,
    UC_ARM_REG_D0,
    UC_ARM_REG_FAULTMASK,
    UC_ARM_REG_FPSCR,
    UC_ARM_REG_LR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_R0,
    UC_ARM_REG_S0,
    UC_ARM_REG_SP,
    UC_ARM_REG_XPSR,
    UC_CPU_ARM_CORTEX_M7,
)
from unicorn.unicorn import Uc, UcError
from unicorn.unicorn_const import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, UC_PROT_ALL, UC_PROT_EXEC, UC_PROT_READ

from bmsrescue.twin.chip.core.native import Native

DEVICE_SPACE = ((0x40000000, 0x20000000), (0xE0000000, 0x00100000))
"""Address ranges whose accesses go to callbacks: peripherals and the private peripheral bus."""

_TRANSLATION_BYTES = 32 << 20
"""Unicorn would set 1 GiB of address space aside for each core."""
_XPSR_T = 1 << 24
_WFE = 0xBF20
_WFI = 0xBF30

# Numbers Unicorn hands to interrupt hooks (QEMU's EXCP_*).
_EXCP_UNDEFINED = 1
_EXCP_SVC = 2
_EXCP_PREFETCH_ABORT = 3
_EXCP_BKPT = 7
_EXCP_EXCEPTION_EXIT = 8
_EXCP_NOCP = 17
_EXCP_INVSTATE = 18


class SharedMemory(Protocol):
    """A RAM or ROM whose bytes the core shares: ``data`` is never resized."""

    @property
    def start(self) -> int: ...

    @property
    def data(self) -> bytearray: ...


class StopReason(Enum):
    BUDGET = auto()
    """The instructions asked for have been executed."""
    REQUESTED = auto()
    """``stop()`` was called from an access: the accessing instruction has not been executed."""
    BREAKPOINT = auto()
    """The next instruction is a hardware breakpoint."""
    BKPT = auto()
    SVC = auto()
    EXCEPTION_RETURN = auto()
    """A branch to an EXC_RETURN value, which is in the program counter (bit 0 lost)."""
    SLEEP = auto()
    """WFI or WFE was executed."""
    DATA_FAULT = auto()
    """A load or store at ``address`` went nowhere."""
    FETCH_FAULT = auto()
    UNDEFINED = auto()
    INVALID_STATE = auto()


@dataclass(slots=True)
class Stop:
    reason: StopReason
    address: int = 0


@dataclass(slots=True)
class WatchedMemory:
    """What a run has used of memory: addresses of words."""

    words: set[int] = field(default_factory=set)
    changed_nothing: bool = True


_REQUESTED = Stop(StopReason.REQUESTED)
_AT_AN_ADDRESS = (StopReason.FETCH_FAULT, StopReason.DATA_FAULT)
_CORE_REGISTERS = (
    *(UC_ARM_REG_R0 + number for number in range(13)),
    UC_ARM_REG_SP,
    UC_ARM_REG_LR,
    UC_ARM_REG_XPSR,
    UC_ARM_REG_FPSCR,
    *(UC_ARM_REG_S0 + number for number in range(32)),
)
_INTERRUPTS = {
    _EXCP_UNDEFINED: StopReason.UNDEFINED,
    _EXCP_SVC: StopReason.SVC,
    _EXCP_PREFETCH_ABORT: StopReason.FETCH_FAULT,
    _EXCP_BKPT: StopReason.BKPT,
    _EXCP_EXCEPTION_EXIT: StopReason.EXCEPTION_RETURN,
    _EXCP_NOCP: StopReason.UNDEFINED,
    _EXCP_INVSTATE: StopReason.INVALID_STATE,
}


class Engine:
    """A Cortex-M7's registers and instruction execution over shared memories and device callbacks."""

    def __init__(
        self,
        memories: Iterable[SharedMemory],
        read_device: Callable[[int, int], int],
        write_device: Callable[[int, int, int], None],
    ) -> None:
        unannotated: Any = Uc
        self._uc = unannotated(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._native = Native(self._uc)
        self.live_pc = self._native.read_pc
        """The instruction a device callback comes from."""
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M7)
        self._uc.ctl_set_tcg_buffer_size(_TRANSLATION_BYTES)
        self._pinned: list[object] = []
        self._regions: list[tuple[int, int, bytearray]] = []
        self._region = (0, 0, bytearray())
        self._known_pc: int | None = 0
        self._thumb = True
        self._stop: Stop | None = None
        self._breakpoints: dict[int, int] = {}
        self._guards: list[int] = []
        self._waits: set[int] = set()
        """Where a loop was seen to lead from a WFI or WFE back to it: whether it is executed is looked at there."""
        self._waited = False
        self.on_watched_read: Callable[[int], None] = lambda address: None
        for memory in memories:
            self.map_memory(memory.start, memory.data)
        for start, size in DEVICE_SPACE:
            self._native.map_devices(start, size, read_device, write_device)
        self._uc.hook_add(uc_const.UC_HOOK_INTR, self._on_interrupt)
        self._uc.hook_add(uc_const.UC_HOOK_MEM_UNMAPPED, self._on_unmapped)

    # --- memory -------------------------------------------------------------------------------------------------------

    def map_memory(self, start: int, data: bytearray, *, watched: bool = False) -> None:
        """Share ``data`` (whole 4 KiB pages) with the core at ``start``; `watched`: `watch_writes` follows for it."""
        view = (ctypes.c_char * len(data)).from_buffer(data)
        self._pinned.append(view)
        self._regions.append((start, start + len(data), data))
        allowed = UC_PROT_READ | UC_PROT_EXEC if watched else UC_PROT_ALL
        self._uc.mem_map_ptr(start, len(data), allowed, ctypes.addressof(view))

    def watch_writes(self, start: int, size: int, handler: Callable[[int, int, int], None]) -> None:
        """Call ``handler(address, size, value)`` before each store into a `watched` range; the store still happens."""
        self._native.watch_writes(start, size, handler)

    def set_guarded_ranges(
        self,
        broken: Iterable[tuple[int, int]],
        execute_only: Iterable[tuple[int, int]] = (),
        watched: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Replaces what was set before; all are (start, size).

        Loads from ``broken`` and ``execute_only`` ranges fault, fetches from ``broken`` ones. Loads from ``watched``
        ones are told to ``on_watched_read``.
        """
        for guard in self._guards:
            self._uc.hook_del(guard)
        self._guards = []
        for start, size in broken:
            self._guard_reads(self._on_broken_read, start, size)
            end = start + size - 1
            self._guards.append(self._uc.hook_add(uc_const.UC_HOOK_CODE, self._on_broken_fetch, begin=start, end=end))
        for start, size in execute_only:
            self._guard_reads(self._on_broken_read, start, size)
        for start, size in watched:
            self._guard_reads(self._on_watched, start, size)
        self.forget_translations()

    def _guard_reads(self, hook: Callable[[Uc, int, int, int, int, object], None], start: int, size: int) -> None:
        self._guards.append(self._uc.hook_add(uc_const.UC_HOOK_MEM_READ, hook, begin=start, end=start + size - 1))

    # --- execution ----------------------------------------------------------------------------------------------------

    def run(self, instructions: int) -> Stop:
        """Execute at most so many instructions (at least 1) from the program counter on."""
        self._stop = None
        self._waited = False
        start = self._known_pc
        if start is None:
            start = self._native.read_pc()
        self._known_pc = None
        try:
            self._native.start(start | self._thumb, instructions)
        except UcError as error:
            self._look_at_state()
            stop = self._stop or self._from_error(error, start)
        else:
            if instructions == 1:
                self._look_at_state()
            stop = self._stop or self._finished(start)
        if stop is not _REQUESTED and stop.reason in _AT_AN_ADDRESS and not stop.address:
            stop.address = self.pc
        return stop

    @contextmanager
    def watched_memory(self) -> Iterator[WatchedMemory]:
        """For one run: what it uses of memory."""
        watched = WatchedMemory()

        def note(_uc: Uc, kind: int, address: int, size: int, value: int, _data: object) -> None:
            watched.words.update(range(address & ~3, address + size, 4))
            if kind == uc_const.UC_MEM_WRITE:
                halves = range(address & ~1, address + size, 2)
                held = b"".join(self.halfword(at).to_bytes(2, "little") for at in halves)
                start = address & 1
                written = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
                watched.changed_nothing = watched.changed_nothing and held[start : start + size] == written

        kinds = uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE
        with self._hooked(kinds, note, begin=0, end=DEVICE_SPACE[0][0] - 1):
            yield watched

    @contextmanager
    def traced(self) -> Iterator[list[int]]:
        """For one run: the addresses of the instructions that it comes to."""
        places: list[int] = []

        def note(_uc: Uc, address: int, _size: int, _data: object) -> None:
            places.append(address)

        with self._hooked(uc_const.UC_HOOK_CODE, note):
            yield places

    @contextmanager
    def _hooked(self, kinds: int, note: Callable[..., None], **where: int) -> Iterator[None]:
        """`note` is called for each of these, also from code that was translated before, until the end of the block."""
        hook = self._uc.hook_add(kinds, note, **where)
        self.forget_translations()
        try:
            yield
        finally:
            self._uc.hook_del(hook)
            self.forget_translations()

    def registers(self) -> list[int]:
        """All that a loop could count in."""
        return [self.read(register) for register in _CORE_REGISTERS]

    def _look_at_state(self) -> None:
        """A branch may have cleared the Thumb bit. The next instruction faults then, so not each run needs a look."""
        self._thumb = bool(self.xpsr & _XPSR_T)

    def stop(self, stop: Stop | None = None) -> None:
        """From a device callback: end ``run`` before the accessing instruction takes effect."""
        if self._stop is None:
            self._stop = stop or _REQUESTED
        self._native.stop()

    def forget_translations(self) -> None:
        """Code in memory may have been changed by others than the core."""
        self._uc.ctl_flush_tb()

    def set_breakpoints(self, addresses: set[int]) -> None:
        """Stop before instructions at these halfword addresses."""
        if addresses == self._breakpoints.keys():
            return
        for hook in self._breakpoints.values():
            self._uc.hook_del(hook)
        self._breakpoints = {
            address: self._uc.hook_add(uc_const.UC_HOOK_CODE, self._on_breakpoint, begin=address, end=address)
            for address in sorted(addresses)
        }
        self.forget_translations()

    def _finished(self, start: int) -> Stop:
        # Unicorn ends a run at WFI without saying so.
        sleeps = self.halfword(self.pc - 2) == _WFI and self._has_waited(start)
        return Stop(StopReason.SLEEP if sleeps else StopReason.BUDGET)

    def _has_waited(self, start: int) -> bool:
        """Whether the WFI or WFE in front of the program counter ended this run."""
        pc = self.pc
        if pc != start or self._waited:
            return True
        if pc not in self._waits:
            # From there and back again: by way of it, or of a branch past it? From the next run on one sees.
            self._waits.add(pc)
            self._uc.hook_add(uc_const.UC_HOOK_CODE, self._on_wait, begin=pc - 2, end=pc - 2)
            self.forget_translations()
        return False

    def _on_wait(self, _uc: Uc, _address: int, _size: int, _data: object) -> None:
        self._waited = True

    def _from_error(self, error: UcError, start: int) -> Stop:
        if error.errno == uc_const.UC_ERR_INSN_INVALID:
            # WFE ends a run as if the instruction after it were invalid.
            if self.halfword(self.pc - 2) == _WFE and self._has_waited(start):
                return Stop(StopReason.SLEEP)
            return Stop(StopReason.UNDEFINED if self._thumb else StopReason.INVALID_STATE)
        if error.errno in (uc_const.UC_ERR_FETCH_UNMAPPED, uc_const.UC_ERR_FETCH_PROT):
            return Stop(StopReason.FETCH_FAULT)
        if error.errno == uc_const.UC_ERR_EXCEPTION:
            return Stop(StopReason.UNDEFINED)
        return Stop(StopReason.DATA_FAULT)

    def _on_interrupt(self, _uc: Uc, number: int, _data: object) -> None:
        self.stop(Stop(_INTERRUPTS.get(number, StopReason.UNDEFINED)))

    def _on_unmapped(self, _uc: Uc, kind: int, address: int, _size: int, _value: int, _data: object) -> bool:
        fetch = kind == uc_const.UC_MEM_FETCH_UNMAPPED
        self._stop = self._stop or Stop(StopReason.FETCH_FAULT if fetch else StopReason.DATA_FAULT, address)
        return False

    def _on_broken_read(self, _uc: Uc, _kind: int, address: int, _size: int, _value: int, _data: object) -> None:
        self.stop(Stop(StopReason.DATA_FAULT, address))

    def _on_watched(self, _uc: Uc, _kind: int, address: int, _size: int, _value: int, _data: object) -> None:
        self.on_watched_read(address)

    def _on_broken_fetch(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        self.stop(Stop(StopReason.FETCH_FAULT, address))

    def _on_breakpoint(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        self.stop(Stop(StopReason.BREAKPOINT, address))

    def halfword(self, address: int) -> int:
        """What memory holds there, or 0 where there is none."""
        start, end, data = self._region
        if not start <= address < end:
            region = next((region for region in self._regions if region[0] <= address < region[1]), None)
            if region is None:
                return 0
            self._region = region
            start, end, data = region
        return int.from_bytes(data[address - start : address - start + 2], "little")

    # --- registers ----------------------------------------------------------------------------------------------------

    def read(self, register: int) -> int:
        """One register by Unicorn's number, as an unsigned 32-bit value."""
        return int(self._uc.reg_read(register)) & 0xFFFFFFFF

    def write(self, register: int, value: int) -> None:
        self._uc.reg_write(register, value & 0xFFFFFFFF)

    def read_fp(self) -> list[int]:
        """S0 to S15 and FPSCR."""
        pairs = [int(self._uc.reg_read(UC_ARM_REG_D0 + number)) for number in range(8)]
        singles = [half for pair in pairs for half in (pair & 0xFFFFFFFF, pair >> 32 & 0xFFFFFFFF)]
        return [*singles, self.read(UC_ARM_REG_FPSCR)]

    def write_fp(self, words: list[int]) -> None:
        """S0 to S15 and FPSCR."""
        for number in range(8):
            self._uc.reg_write(UC_ARM_REG_D0 + number, words[2 * number] | words[2 * number + 1] << 32)
        self.write(UC_ARM_REG_FPSCR, words[16])

    @property
    def pc(self) -> int:
        """The next instruction, between runs."""
        if self._known_pc is None:
            self._known_pc = self._native.read_pc()
        return self._known_pc

    @pc.setter
    def pc(self, value: int) -> None:
        # Unicorn takes bit 0 for the Thumb state, which is to stay as xPSR says.
        self._known_pc = value & 0xFFFFFFFE
        self.write(UC_ARM_REG_PC, self._known_pc | self._thumb)

    @property
    def xpsr(self) -> int:
        return self.read(UC_ARM_REG_XPSR)

    @xpsr.setter
    def xpsr(self, value: int) -> None:
        self.write(UC_ARM_REG_XPSR, value)
        self._thumb = bool(value & _XPSR_T)

    def clear_registers(self) -> None:
        """What a reset does to the registers that have a reset value, and zero for the others."""
        for number in range(13):
            self.write(UC_ARM_REG_R0 + number, 0)
        # What a debugger has masked is not masked after a reset (DDI0403E B1.4.3 and B1.5.5).
        for number in (UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_CONTROL):
            self.write(number, 0)
        self.write(UC_ARM_REG_LR, 0xFFFFFFFF)
        self.xpsr = _XPSR_T
        self.write(UC_ARM_REG_MSP, 0)
