# Whose firmware is on the unit: the job's markers (target.marker) against what the flash holds at their addresses.
#
# What a cut erase or write leaves there says nothing about the product: words that cannot be read, blank ones, zeros,
# and a marker of ours in which some bits have gone back to 1 already.

from rescue.engine.common import guarded
from rescuelink.marker import fits, is_text, not_in_image

_OURS = "ours"
_OTHER = "other"
_NONE = "none"
_ENDS = b"\x00"


def check(card_image):
    """The image has to hold one of the markers, where it reaches to their addresses at all. Raises JobError."""
    asked = False
    for marker in card_image.job.markers:
        if _in_image(card_image.job, marker):
            if fits(marker, _of_image(card_image, marker[0], marker[1])):
                return
            asked = True
    if asked:
        raise not_in_image(card_image.job.image.file)


def look(run):
    """evidence["marker"] = {"found": "ours", "other" or "none", "address", "text": what is there, "wanted"}."""
    found = None
    for marker in run.job.markers:
        seen = _compare(run, marker)
        # One of ours decides; after it, one that says it is something else.
        if found is None or seen["found"] == _OURS or (seen["found"] == _OTHER and found["found"] == _NONE):
            found = seen
        if found["found"] == _OURS:
            break
    if found is not None:
        run.evidence["marker"] = found


def _compare(run, marker):
    address, length, text, _ = marker
    seen = {"found": _NONE, "address": address, "text": "", "wanted": text or "a digest"}
    ends = text and _text_ends(run.image, marker)
    data = _of_flash(run.chip.flash, address, length + 1 if ends else length)
    if data is None:
        return seen
    if fits(marker, data[:length]) and (not ends or data[length:] == _ENDS):
        seen["found"] = _OURS
    elif not _is_damage(data[:length], _wanted(run.image, marker)):
        seen["found"] = _OTHER
    if is_text(data[:length]):
        seen["text"] = bytes(data[:length]).decode()
    return seen


def _text_ends(card_image, marker):
    # Where the image ends its text with a zero, the unit's must end there as well: "BMS-16" is not "BMS-16X".
    both = (marker[0], marker[1] + 1)
    return _in_image(card_image.job, both) and _of_image(card_image, both[0], both[1])[marker[1] :] == _ENDS


def _wanted(card_image, marker):
    if marker[2]:
        return marker[2].encode()
    return _of_image(card_image, marker[0], marker[1]) if _in_image(card_image.job, marker) else b""


def _is_damage(data, wanted):
    if not any(data) or all(byte == 0xFF for byte in data):
        return True
    return len(wanted) == len(data) and all(data[n] & wanted[n] == wanted[n] for n in range(len(data)))


def _in_image(job, marker):
    for segment in job.image.segments:
        if segment.address <= marker[0] and marker[0] + marker[1] <= segment.address + segment.length:
            return True
    return False


def _of_image(card_image, address, length):
    data = bytearray(length)
    card_image.fill(address, memoryview(data))
    return bytes(data)


def _of_flash(flash, address, length):
    # None where a flash word of it cannot be read. Whole words on the wire.
    low = address & ~3
    data = bytearray((address + length - low + 3) & ~3)
    if low + len(data) > flash.base + flash.size:
        data = data[: flash.base + flash.size - low]
    if not guarded.reads(flash, low, data):
        return None
    return bytes(data[address - low : address - low + length])
