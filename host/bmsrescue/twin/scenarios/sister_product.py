"""A sister product of the same maker, with the same microcontroller and firmware that runs well."""

from typing import Final

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import HEADER_MAGIC, HEADER_OFFSET, IMAGE_ADDRESS

from .flash_damage import load_application
from .scenario import Scenario

MARKER_ADDRESS: Final = IMAGE_ADDRESS + HEADER_OFFSET
SISTER_MAGIC: Final = b"PACEP16S"
MARKER: Final[dict[str, object]] = {"address": f"0x{MARKER_ADDRESS:08X}", "text": HEADER_MAGIC.decode()}


def load_sister(unit: Unit, version: bytes = b"") -> None:
    """The sister's application: ours of a year ago under her name, with her own `version` where one is given."""
    load_application(unit, "1.1.0")
    word = bytearray(unit.chip.flash.snapshot()[HEADER_OFFSET:][: unit.chip.flash.geometry.word_size * 2])
    word[: len(SISTER_MAGIC)] = SISTER_MAGIC
    if version:
        word[len(SISTER_MAGIC) : len(SISTER_MAGIC) + 16] = version.ljust(16, b"\x00")
    unit.chip.flash.load(MARKER_ADDRESS, bytes(word))


def _break(unit: Unit) -> None:
    load_sister(unit)


SCENARIO = Scenario(
    name="sister-product",
    summary="a sister product whose own firmware runs well; the job names its product's marker",
    story="The two packs share a board and a microcontroller, and the wrong card was in the dongle.",
    breaks=_break,
    expected_diagnosis="other-product",
    expected_outcome="WRONG_TARGET",
    marker=MARKER,
)
