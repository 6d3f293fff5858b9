"""What cut updates leave behind in the flash of a healthy unit. Sectors are 128 KiB, the last is not the updater's."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import image_bytes

APPLICATION_SECTORS = range(7)
CALIBRATION_SECTOR = 7

_CUT_FROM, _CUT_TO = 0.35, 0.65  # where in the image a write is cut, as a share of its length


def load_application(unit: Unit, version: str) -> None:
    """Replace the application by that of `version`; the calibration stays."""
    flash = unit.chip.flash
    for sector in APPLICATION_SECTORS:
        flash.blank(sector)
    flash.load(flash.geometry.base, image_bytes(version))


def cut_program(unit: Unit, version: str) -> int:
    """Cut the writing of `version` somewhere in its middle: one torn word, blank after it.

    Returns:
        The address of the torn flash word.
    """
    load_application(unit, version)
    flash = unit.chip.flash
    geometry = flash.geometry
    torn = int(len(image_bytes(version)) * unit.rng.uniform(_CUT_FROM, _CUT_TO)) // geometry.word_size
    flash.erase_words(torn + 1, len(APPLICATION_SECTORS) * geometry.words_per_sector - torn - 1)
    address = geometry.base + torn * geometry.word_size
    flash.tear(address)
    return address
