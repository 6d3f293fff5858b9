"""The core's view of the flash: a copy that can be executed, kept in step with the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core.engine import Engine
from bmsrescue.twin.chip.flash.array import TORN, FlashArray
from bmsrescue.twin.chip.flash.limits import NO_LIMITS, ReadLimits


class WriteSink(Protocol):
    """Takes a store to flash: the flash controller, by way of the bus."""

    def __call__(self, address: int, size: int, value: int) -> None: ...


class FlashShadow:
    """Maps a copy of the array into the core. Stores go to ``on_store``; words with broken ECC fault when read."""

    def __init__(self, engine: Engine, array: FlashArray, on_store: WriteSink, config: ChipConfig) -> None:
        self._engine = engine
        self.array = array
        self._on_store = on_store
        self._torn_words_fault = config.torn_word_faults
        self._serves_vectors = config.pcrop_serves_vectors
        self._copy = bytearray(array.data)
        self.taken = -1
        """The generation of the array that has been taken over."""
        self.disturbed: list[tuple[int, int]] = []
        """(offset, length) of what stores have left in the copy."""
        self._unchecked: list[tuple[int, int]] = [(0, array.geometry.size)]
        self._torn: list[tuple[int, int]] = []
        self.limits: ReadLimits = NO_LIMITS
        """What is closed to the core; taken over by ``refresh``."""
        self.busy_until_ns: Callable[[int], int | None] = lambda address: None
        """Until when reads of that address stall."""
        self._applied = NO_LIMITS
        self._hidden: list[tuple[int, int]] = []
        geometry = array.geometry
        self.start = geometry.base
        self.end = geometry.base + geometry.size
        engine.map_memory(geometry.base, self._copy, watched=True)
        engine.watch_writes(geometry.base, geometry.size, self._store)

    @property
    def generation(self) -> int:
        """Another one when the contents of the array change."""
        return self.array.generation

    def refresh(self) -> None:
        """Bring bytes and broken words up to date; only while the engine stands."""
        if self.limits is not self._applied:
            self._apply_limits()
        if self.disturbed or self.taken != self.array.generation:
            self.refresh_data()
        if self._unchecked:
            self._refresh_torn()

    def _apply_limits(self) -> None:
        """Secure areas read as zeros from here on; what was hidden before is shown again."""
        self._applied = limits = self.limits
        self.disturbed += self._hidden
        self._hidden = [(address - self.start, length) for address, length in limits.secure]
        self.disturbed += self._hidden
        self._guard()

    def refresh_data(self) -> None:
        """Take over what changed in the array, and undo what stores left in the copy."""
        if self.taken == self.array.generation and not self.disturbed:
            return
        changes = self.array.take_changes()
        self._unchecked += changes
        for offset, length in changes + self.disturbed:
            self._copy[offset : offset + length] = self.array.data[offset : offset + length]
        for offset, length in self._hidden:
            self._copy[offset : offset + length] = bytes(length)
        self.disturbed = []
        self.taken = self.array.generation

    def serves_vector(self, address: int) -> bool:
        """Vector fetches pass where data reads do not."""
        return (
            self._serves_vectors
            and not self.limits.closed
            and any(start <= address < start + length for start, length in self.limits.execute_only)
        )

    def word(self, address: int) -> int:
        offset = address - self.start
        return int.from_bytes(self.array.data[offset : offset + 4], "little")

    def contains(self, address: int) -> bool:
        return self.start <= address < self.end

    def _store(self, address: int, size: int, value: int) -> None:
        self.disturbed.append((address - self.start, size))
        self._on_store(address, size, value)

    def _refresh_torn(self) -> None:
        changes, self._unchecked = self._unchecked, []
        if not self._torn_words_fault:
            return
        state = self.array.state
        size = self.array.geometry.word_size
        touched = any(TORN in state[offset // size : -(-(offset + length) // size)] for offset, length in changes)
        if not touched and not self._torn:
            return
        torn = _runs(state, TORN)
        if torn != self._torn:
            self._torn = torn
            self._guard()

    def _guard(self) -> None:
        """Have the engine stop, or take notice, where the flash would."""
        size, limits = self.array.geometry.word_size, self.limits
        broken = [(self.start + first * size, count * size) for first, count in self._torn]
        if limits.closed:
            broken = [(self.start, self.end - self.start)]
        self._engine.set_guarded_ranges(broken, limits.execute_only, limits.secure)


def _runs(state: bytearray, wanted: int) -> list[tuple[int, int]]:
    """(first, count) of each run of ``wanted``."""
    runs = []
    mark = bytes([wanted])
    first = state.find(mark)
    while first >= 0:
        end = first
        while end < len(state) and state[end] == wanted:
            end += 1
        runs.append((first, end - first))
        first = state.find(mark, end)
    return runs
