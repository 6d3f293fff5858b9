"""The first flash word, with the initial stack pointer and the reset vector, is zero."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    flash = unit.chip.flash
    flash.load(flash.geometry.base, bytes(flash.geometry.word_size))


SCENARIO = Scenario(
    name="bad-vectors",
    summary="the vector table's first flash word is zero, the rest of 1.2.0 is intact",
    story=(
        "The updater marks the application as invalid by overwriting its first flash word with zeros, and was meant to "
        "come back and finish."
    ),
    breaks=_break,
    expected_diagnosis="bad-vectors",
    expected_outcome="RECOVERED",
)
