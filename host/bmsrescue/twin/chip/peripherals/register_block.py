"""What all register blocks share: word registers that can also be reached by bytes and halfwords."""

from __future__ import annotations

from abc import ABC, abstractmethod

_WORD_BYTES = 4
_ALL_LANES = 0xFFFFFFFF


class RegisterBlock(ABC):
    """A bus device over word registers at ``base``. Subclasses see word offsets."""

    def __init__(self, base: int) -> None:
        self.base = base

    @abstractmethod
    def read_word(self, offset: int) -> int:
        """The register at ``offset``; may have side effects."""

    @abstractmethod
    def write_word(self, offset: int, value: int, lanes: int) -> None:
        """Write the bits in ``lanes``; ``value`` is 0 outside of them."""

    @abstractmethod
    def reset(self) -> None:
        """Reset values."""

    def read(self, address: int, size: int) -> int:
        offset = address - self.base
        if size == _WORD_BYTES and not offset & 3:
            return self.read_word(offset) & _ALL_LANES
        return self.read_word(offset & ~3) >> 8 * (offset & 3) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        offset = address - self.base
        if size == _WORD_BYTES and not offset & 3:
            self.write_word(offset, value, _ALL_LANES)
            return
        shift = 8 * (offset & 3)
        self.write_word(offset & ~3, value << shift, ((1 << 8 * size) - 1) << shift)


class StoredRegisters(RegisterBlock):
    """Registers that only keep what is written, where ``writable`` names them with their writable bits."""

    def __init__(self, base: int, writable: dict[int, int], reset_values: dict[int, int] | None = None) -> None:
        super().__init__(base)
        self._writable = writable
        self._reset_values = reset_values or {}
        self.registers: dict[int, int] = {}
        StoredRegisters.reset(self)

    def reset(self) -> None:
        self.registers = dict.fromkeys(self._writable, 0) | self._reset_values

    def read_word(self, offset: int) -> int:
        return self.registers.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        writable = self._writable.get(offset, 0) & lanes
        if writable:
            self.registers[offset] = self.registers[offset] & ~writable | value & writable
