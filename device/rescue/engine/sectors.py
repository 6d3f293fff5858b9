# The sector map: what each sector holds, next to what the image wants there.
#
# states: "blank" all 0xFF; "match" the image's flash words are there; "differs" they are not; "torn" it has flash words
# that cannot be read; "unknown" readable, not blank and none of the image's business.
#
# The cheap way is one CRC per sector by the target's own core: equal to the CRC of a blank sector, or to that of the
# image's sector, says all there is to know. Only what is left over is read over the wire, once, and whoever keeps a
# backup is handed those bytes in the same pass.

import binascii

from micropython import const

from rescue.engine import files, image
from rescuelink.errors import RescueError, WireError

_TORN_LISTED = const(32)  # addresses kept per sector; the count is kept whole


class SectorMap:
    """`sectors`: the map so far, one dict per sector, "state" None where it has to be read."""

    def __init__(self, chip, card_image, job):
        self._chip = chip
        self._image = card_image
        self._job = job
        self._second = memoryview(bytearray(files.CHUNK))  # what the image wants there
        self._crcs = {}  # sector index: CRC-32 as the target's core reads it
        self.sectors = [
            {
                "index": index,
                "address": address,
                "size": size,
                "state": None,
                "owned": job.owns(address, size),
                "torn": [],
            }
            for index, address, size in chip.flash.sectors()
        ]

    def look_by_crc(self, progress):
        """Settles every sector that a CRC can settle. The core must be halted after a reset."""
        blank = None
        for sector in self.sectors:
            progress(sector["index"], len(self.sectors))
            found = self._crc(sector)
            if found is None:
                continue  # torn, or a core that cannot: it has to be read
            self._crcs[sector["index"]] = found
            if blank is None:
                blank = _blank_crc(sector["size"])
            if found == blank:
                sector["state"] = "blank"
            elif not sector["owned"]:
                sector["state"] = "unknown"
            elif found == self._image.crc32(sector["address"], sector["size"]):
                sector["state"] = "match"

    def to_read(self):
        return [sector for sector in self.sectors if sector["state"] is None]

    def read(self, sector, sink, progress):
        """Reads a sector, settles its state, and gives each chunk to `sink(view)` (or None)."""
        word_bytes = self._job.word_bytes
        torn_count = 0
        owned_equal = blank = rest_blank = True
        prefix = 0
        crc = 0
        for at in range(0, sector["size"], files.CHUNK):
            view = files.view
            address = sector["address"] + at
            torn = self._chip.flash.read(address, view)
            crc = binascii.crc32(view, crc)
            torn_count += len(torn)
            sector["torn"] += torn[: _TORN_LISTED - len(sector["torn"])]
            chunk_blank = not torn and image.is_blank(view)
            blank = blank and chunk_blank
            if sector["owned"]:
                if owned_equal:
                    self._image.fill(address, self._second)
                    equal = view == self._second or self._equal_words(address, word_bytes)
                    if equal > 0 and not torn:
                        prefix = at + files.CHUNK
                    else:
                        owned_equal = False
                        # What follows the first difference inside this chunk decides with the chunks after it.
                        same = self._equal_prefix(word_bytes)
                        prefix = at + same
                        rest_blank = not torn and image.is_blank(view[same:])
                elif rest_blank:
                    rest_blank = chunk_blank
            if sink is not None:
                sink(view)
            progress(at + files.CHUNK, sector["size"])
        if not torn_count:
            self.confirm(sector, crc)
        if torn_count:
            sector["state"] = "torn"
            sector["torn_count"] = torn_count
        elif sector["owned"] and owned_equal:
            sector["state"] = "match"
        elif blank:
            sector["state"] = "blank"
        elif not sector["owned"]:
            sector["state"] = "unknown"
        else:
            sector["state"] = "differs"
            sector["prefix"] = prefix
            sector["rest_blank"] = rest_blank

    def confirm(self, sector, crc):
        """Raises WireError when the core reads the sector otherwise than it came over the wire: parity has its gaps."""
        found = self._crcs.get(sector["index"])
        if found is None:
            found = self._crc(sector)
        if found is not None and found != crc:
            raise WireError("parity", "flash came over the wire otherwise than the core reads it", sector["address"])

    def _crc(self, sector):
        try:
            return self._chip.crc.crc32(sector["address"], sector["size"])
        except RescueError:
            return None

    def _equal_words(self, address, word_bytes):
        # Only the image's own flash words count; what lies between its segments is not its business.
        for at in range(0, files.CHUNK, word_bytes):
            end = at + word_bytes
            if files.view[at:end] != self._second[at:end] and self._job.owns(address + at, word_bytes):
                return False
        return True

    def _equal_prefix(self, word_bytes):
        for at in range(0, files.CHUNK, word_bytes):
            if files.view[at : at + word_bytes] != self._second[at : at + word_bytes]:
                return at
        return files.CHUNK


def _blank_crc(size):
    image.fill_blank(files.view)
    crc = 0
    for _ in range(size // files.CHUNK):
        crc = binascii.crc32(files.view, crc)
    return crc
