"""What cut updates leave behind in the flash of a healthy unit. The calibration's sector is not the updater's."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.builds import firmware_of

_CUT_FROM, _CUT_TO = 0.35, 0.65  # where in the image a write is cut, as a share of its length


def erase_application(unit: Unit) -> None:
    """Everything but the calibration."""
    flash = unit.chip.flash
    build = firmware_of(unit.chip)
    for sector in range(flash.geometry.sectors) if build is None else build.application_sectors(flash.geometry):
        flash.blank(sector)


def load_application(unit: Unit, version: str) -> None:
    """Replace the application by that of `version`; the calibration stays. A part without firmware stays blank."""
    erase_application(unit)
    build = firmware_of(unit.chip)
    for segment in () if build is None else build.segments(version):
        unit.chip.flash.load(segment.address, segment.data)


def last_image_sector(unit: Unit, version: str) -> int:
    """The sector in which the image of `version` ends; the first where there is none."""
    build, geometry = firmware_of(unit.chip), unit.chip.flash.geometry
    end = geometry.base + 1 if build is None else build.segments(version)[-1].end
    return (end - 1 - geometry.base) // geometry.sector_size


def cut_program(unit: Unit, version: str) -> int:
    """Cut the writing of `version` somewhere in its middle: one torn word, blank after it.

    Returns:
        The address of the torn flash word.
    """
    load_application(unit, version)
    flash, build = unit.chip.flash, firmware_of(unit.chip)
    segments = [] if build is None else build.segments(version)
    geometry = flash.geometry
    left = int(sum(len(segment.data) for segment in segments) * unit.rng.uniform(_CUT_FROM, _CUT_TO))
    for segment in segments:
        if left >= len(segment.data):
            left -= len(segment.data)
            continue
        address = segment.address + left // geometry.word_size * geometry.word_size
        beyond = flash.word_index(address) + 1
        for sector in () if build is None else build.application_sectors(geometry):
            first = max(sector * geometry.words_per_sector, beyond)
            flash.erase_words(first, max((sector + 1) * geometry.words_per_sector - first, 0))
        flash.tear(address)
        return address
    return geometry.base
