"""A file that is all of a unit's flash, with its calibration and serial number in it: no image for another unit.

Told from a maker's image that is padded to the chip's size by its islands: data between stretches of erased flash that
are too long for a linker's padding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bmsrescue.image.contents import Segment
from rescuelink.targets import TARGETS

GAP_BYTES = 256
_SMALL_KIB = 256  # a padded application may be as large, unless the chip has no more


@dataclass(frozen=True)
class Span:
    """Offsets into the flash: `start` inclusive, `end` exclusive."""

    start: int
    end: int

    def holds(self, offset: int) -> bool:
        return self.start <= offset < self.end

    def touches(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


def islands(data: bytes, word_bytes: int) -> list[Span]:
    """Runs of data, in whole flash words."""
    found: list[Span] = []
    at = 0
    for gap in [*re.finditer(rb"\xff{%d,}" % GAP_BYTES, data), None]:
        end = len(data) if gap is None else gap.start()
        if end > at:
            span = Span(at // word_bytes * word_bytes, -(-end // word_bytes) * word_bytes)
            if found and found[-1].end >= span.start:
                span = Span(found.pop().start, span.end)
            found.append(span)
        at = len(data) if gap is None else gap.end()
    return found


def is_whole_flash(flash_bytes: int, chip: str) -> bool:
    """Whether a file with so many bytes for the flash is as large as the flash of `chip`."""
    sizes = TARGETS[chip].flash_kib
    kib, rest = divmod(flash_bytes, 1024)
    return not rest and kib in sizes and (kib >= _SMALL_KIB or kib == max(sizes))


def has_more_than_a_program(segments: Sequence[Segment], word_bytes: int) -> bool:
    """Whether there is data apart from the first island: what a unit keeps beside its firmware."""
    return len(segments) > 1 or any(len(islands(segment.data, word_bytes)) > 1 for segment in segments)


def cannot_start(name: str, head: bytes, address: int) -> tuple[str, str]:
    """What to say of the backup of a unit that cannot start, whose vector table should be `head`; and what to do."""
    what = (
        "is erased"
        if head[:8] == b"\xff" * 8
        else f"is no vector table (SP 0x{int.from_bytes(head[:4], 'little'):08x}, "
        f"PC 0x{int.from_bytes(head[4:8], 'little'):08x})"
    )
    return (
        f"{name} is the flash of a unit that cannot start: what should be its vector table at 0x{address:08x} {what}",
        "It is no image. Take the backup of a unit of the same kind that works: "
        f"bmsrescue card build --from GOOD --dead {name} -o CARD",
    )


def refuse_words(name: str, flash_bytes: int, in_job: bool = False) -> tuple[str, str]:
    """What to say of another unit's whole flash as an image, and what to do."""
    return (
        f"{name} is a unit's whole flash ({flash_bytes // 1024} KiB): its calibration and serial number would go to "
        "the unit",
        f"Take it as a sibling: bmsrescue card build --from {name} -o CARD. "
        + (
            "Or name what is its own in policy.preserve: that is cut out."
            if in_job
            else "Or add --whole-flash if it is an image of the maker's."
        ),
    )
