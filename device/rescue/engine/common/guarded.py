# Areas of the flash that nobody may read or change: execute-only (PCROP) and secure-only ones. They are known from the
# option bytes, and are left alone: what a read of them gives is a refusal or zeros, never data.

from rescuelink.errors import FlashError

STATE = "protected"  # of a sector in the map


def areas(options):
    """[[first, last], ..] as offsets in flash, of both kinds."""
    return options["pcrop"] + options["secure_area"]


def touches(found, offset, size):
    """Whether any of the areas `found` lies in [offset, offset + size)."""
    return any(first < offset + size and offset <= last for first, last in found)


def reads(flash, address, view):
    """Whether `view` now holds what the flash holds at `address`; False for torn words and protected areas."""
    try:
        return not flash.read(address, view)
    except FlashError:
        return False
