"""Power went away in the middle of erasing the first sector."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    flash, band = unit.chip.flash, unit.chip.config.erase_cut_band_words
    erased = int(flash.geometry.words_per_sector * unit.rng.uniform(0.02, 0.2))
    flash.erase_words(0, erased)
    flash.tear_words(erased, band)


SCENARIO = Scenario(
    name="interrupted-erase",
    summary="update from 1.1.0 to 1.2.0 cut in the middle of the first sector's erase",
    story=(
        "The update had just begun when the power went: the first sector is erased up to some word, then come words "
        "that read as errors, then the old firmware."
    ),
    breaks=_break,
    expected_diagnosis="interrupted-program",
    expected_outcome="RECOVERED",
)
