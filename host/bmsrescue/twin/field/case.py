"""One generated unit: all that was put in, and how to build it, mend it and make its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bmsrescue.twin.board.faults import BoardFaults
from bmsrescue.twin.board.healthy import healthy_unit
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.helper.block_device import CardFaults

from .boards import Board
from .images import Build
from .layout import Layout


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `kind` is what the truth's tables know it by.

    board: fields of `BoardFaults`; config: fields of `ChipConfig`; breaks: what it does to flash and option bytes.
    """

    kind: str
    words: str
    board: dict[str, object] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)
    breaks: Callable[[Unit], None] | None = None
    card: CardFaults | None = None
    flipped_at: float | None = None
    """Where a bit of the card's image is another one, as a share of its length."""
    mendable: bool = False
    """A person can take it away at the bench: a wire, a contact, a card."""
    sectors: frozenset[int] = frozenset()
    """Which sectors it is about, where it is about any."""


@dataclass(frozen=True)
class History:
    """What is in the application's flash. `kind` as in history.py; `build` is what was there or is there."""

    kind: str
    words: str
    build: Build | None
    breaks: Callable[[Unit], None]


@dataclass(frozen=True)
class Case:
    """A unit, its card, and the seed that made them."""

    seed: int
    layout: Layout
    board: Board
    image: Build
    second: bytes
    """The image's second segment, empty where it has none."""
    history: History
    faults: tuple[Fault, ...]
    job: dict[str, object]
    consent: frozenset[str]
    own_data: dict[int, bytes]
    """Address to bytes of what is the unit's own, bootloader included, before anything was broken."""

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(fault.kind for fault in self.faults)

    def config(self) -> ChipConfig:
        config = self.board.config(self.layout.part)
        for fault in self.faults:
            config = replace(config, **fault.config)  # type: ignore[arg-type]
        return config

    def segments(self) -> list[tuple[int, bytes]]:
        """The image as the job brings it: address and bytes of each segment."""
        found = [(self.image.base, self.image.data())]
        if self.second and self.layout.second is not None:
            found.append((self.layout.second.address, self.second))
        return found

    def owned_sectors(self) -> frozenset[int]:
        """The sectors that the job owns."""
        return frozenset(
            sector for address, data in self.segments() for sector in self.layout.sectors_of(address, len(data))
        )

    def build_unit(self) -> Unit:
        """The unit, broken and unpowered, as it comes to the bench."""
        unit = healthy_unit(self.seed, self.config())
        flash = unit.chip.flash
        for sector in range(flash.geometry.sectors):
            flash.blank(sector)
        for address, data in self.own_data.items():
            flash.load(address, data)
        options = unit.chip.options
        boot = options.factory.boot & 0xFFFF0000 | self.layout.boot_address >> 16
        options.preset(replace(options.factory, boot=boot))
        self.history.breaks(unit)
        for fault in self.faults:
            if fault.breaks is not None:
                fault.breaks(unit)
        self.fit_board(unit, self.faults)
        return unit

    def fit_board(self, unit: Unit, faults: tuple[Fault, ...]) -> None:
        """Make the board what it is with these faults."""
        traits = self.board.traits
        for fault in faults:
            board = dict(fault.board)
            if "helper" in board:
                board["helper"] = replace(traits.helper, **board.pop("helper"))  # type: ignore[arg-type]
            traits = replace(traits, **board)  # type: ignore[arg-type]
        unit.break_board(**{name: getattr(traits, name) for name in BoardFaults.__dataclass_fields__})

    def card_faults(self) -> CardFaults:
        for fault in self.faults:
            if fault.card is not None:
                return fault.card
        return CardFaults()

    def mended(self) -> Case:
        """The same unit without what a person can take away at the bench."""
        return replace(self, faults=tuple(fault for fault in self.faults if not fault.mendable))

    def describe(self) -> list[str]:
        """What was put in, for a person."""
        lines = [f"STM32{self.layout.part}; {self.history.words}"]
        lines += [f"wrong: {fault.words}" for fault in self.faults]
        lines += [f"board: {words}" for words in self.board.words]
        lines.append("job: " + (", ".join(sorted(self.consent)) or "no consent"))
        return lines
