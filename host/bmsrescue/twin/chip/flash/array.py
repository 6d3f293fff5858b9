"""The flash cells: bytes, and for each flash word whether its ECC still holds."""

from __future__ import annotations

from typing import Final, Literal

from bmsrescue.twin.chip.config import ChipConfig

ERASED: Final = 0
PROGRAMMED: Final = 1
TORN: Final = 2
"""Double ECC error: reading it is a bus error."""
WEAK: Final = 3
"""Single ECC error: corrected, and reported."""

Wear = Literal["erase", "program"]


class FlashArray:
    """Contents and ECC state. Addresses are bus addresses; words count from 0.

    ``data`` is never resized. ``worn`` names sectors that fail to erase or to program, ``slow_erase_ms`` those that
    only take their time.
    """

    def __init__(self, config: ChipConfig) -> None:
        self.geometry = geometry = config.sold_as.geometry
        self.data = bytearray(b"\xff" * geometry.size)
        self.state = bytearray(geometry.words)
        self.worn: dict[int, Wear] = {}
        self.slow_erase_ms: dict[int, float] = {}
        """Sectors that take so long to erase, and then are good."""
        self._marginal: set[int] = set()
        self._failing: set[int] = set()
        self._breaking: set[int] = set()
        self.generation = 0
        """Goes up with every change, so that whoever keeps a copy sees that it is old."""
        self._config = config
        self._blank_word = b"\xff" * geometry.word_size
        self._changes: list[tuple[int, int]] = []

    # --- for scenarios and tests --------------------------------------------------------------------------------------

    def load(self, address: int, data: bytes) -> None:
        """Put an image there as if it had been programmed well; the rest of its last word is 0xFF."""
        geometry = self.geometry
        offset = address - geometry.base
        if offset % geometry.word_size or offset < 0 or offset + len(data) > geometry.size:
            raise ValueError(f"image of {len(data)} bytes does not fit at 0x{address:08x}")
        size, blank = geometry.word_size, self._blank_word
        padded = bytes(data) + blank[: -len(data) % size]
        self.data[offset : offset + len(padded)] = padded
        words = range(0, len(padded), size)
        if blank in padded:
            states = bytes(ERASED if padded[at : at + size] == blank else PROGRAMMED for at in words)
        else:
            states = bytes([PROGRAMMED]) * len(words)
        self.state[offset // size : (offset + len(padded)) // size] = states
        self._changed(offset, len(padded))

    def tear(self, address: int) -> None:
        """Break the ECC of the flash word at ``address``, as an operation cut there would."""
        word = self.word_index(address)
        self.state[word] = TORN
        self._changed(word * self.geometry.word_size, self.geometry.word_size)

    def weaken(self, address: int) -> None:
        """Give the flash word at ``address`` a single-bit error that the ECC corrects."""
        word = self.word_index(address)
        self.state[word] = WEAK
        self._changed(word * self.geometry.word_size, self.geometry.word_size)

    def make_marginal(self, address: int, *, once: bool = True) -> None:
        """A cell that holds only while it is warm: its word, when next programmed, breaks at the power-on after it.

        With `once` the second programming holds.
        """
        word = self.word_index(address)
        (self._marginal if once else self._failing).add(word)

    def break_at_power_on(self, address: int) -> None:
        """What the word at `address` holds now is lost at the next power-on."""
        self._breaking.add(self.word_index(address))

    def power_on(self) -> None:
        """The supply came up: words whose charge has gone are broken."""
        for word in sorted(self._breaking):
            if self.state[word] != ERASED:
                self.tear(self.geometry.base + word * self.geometry.word_size)
        self._breaking.clear()

    def is_torn(self, address: int) -> bool:
        return self.state[self.word_index(address)] == TORN

    def blank(self, sector: int) -> None:
        """Erase a sector at once."""
        self.erase_words(sector * self.geometry.words_per_sector, self.geometry.words_per_sector)

    def is_blank(self, sector: int) -> bool:
        first = sector * self.geometry.words_per_sector
        return not any(self.state[first : first + self.geometry.words_per_sector])

    def snapshot(self) -> bytes:
        """All bytes, whatever their ECC says."""
        return bytes(self.data)

    # --- for the controller and the core ------------------------------------------------------------------------------

    def word_index(self, address: int) -> int:
        offset = address - self.geometry.base
        if not 0 <= offset < self.geometry.size:
            raise ValueError(f"0x{address:08x} is not in flash")
        return offset // self.geometry.word_size

    def word(self, index: int) -> bytes:
        start = index * self.geometry.word_size
        return bytes(self.data[start : start + self.geometry.word_size])

    def erase_words(self, first: int, count: int) -> None:
        size = self.geometry.word_size
        self.data[first * size : (first + count) * size] = b"\xff" * (count * size)
        self.state[first : first + count] = bytes(count)
        self._changed(first * size, count * size)

    def tear_words(self, first: int, count: int) -> None:
        size = self.geometry.word_size
        self.state[first : first + count] = bytes([TORN]) * count
        self._changed(first * size, count * size)

    def program_word(self, index: int, value: bytes) -> None:
        """Program a whole word. Cells only ever go from 1 to 0; what that does to the ECC is section 4.3 step 6."""
        config = self._config
        state = self.state[index]
        if index in self._marginal or index in self._failing:
            self._marginal.discard(index)
            self._breaking.add(index)
        old = self.word(index)
        if state == ERASED:
            ones = value == self._blank_word and not config.ones_count_as_programmed
            self._store(index, value, ERASED if ones else PROGRAMMED)
        elif state == TORN:
            # Programming over a torn word is not a repair.
            self._store(index, bytes(a & b for a, b in zip(old, value, strict=True)), TORN)
        elif value == old:
            self._store(index, value, state)
        elif config.overwrite_with_zeros_ok and not any(value):
            self._store(index, value, PROGRAMMED)
        else:
            broken = TORN if config.overwrite_result == "double" else WEAK
            self._store(index, bytes(a & b for a, b in zip(old, value, strict=True)), broken)

    def swap_banks(self) -> None:
        """The two banks change places on the bus, with all that is known of their cells."""
        geometry = self.geometry
        half, words, sectors = geometry.bank_size, geometry.words_per_bank, geometry.sectors_per_bank
        self.data[:] = self.data[half:] + self.data[:half]
        self.state[:] = self.state[words:] + self.state[:words]
        self.worn = {(sector + sectors) % geometry.sectors: wear for sector, wear in self.worn.items()}
        self._changed(0, geometry.size)

    def store_torn(self, index: int, value: bytes) -> None:
        """Leave ``value`` in the cells with an ECC that does not fit it."""
        self._store(index, value, TORN)

    def take_changes(self) -> list[tuple[int, int]]:
        """(offset, length) of what changed since the last call, neighbours joined."""
        changes = self._changes
        self._changes = []
        return changes

    def _store(self, index: int, value: bytes, state: int) -> None:
        size = self.geometry.word_size
        self.data[index * size : (index + 1) * size] = value
        self.state[index] = state
        self._changed(index * size, size)

    def _changed(self, offset: int, length: int) -> None:
        self.generation += 1
        changes = self._changes
        if changes and changes[-1][0] + changes[-1][1] == offset:
            changes[-1] = (changes[-1][0], changes[-1][1] + length)
        else:
            changes.append((offset, length))
