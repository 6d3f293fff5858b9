# The sector map: what each sector holds, next to what the image wants there.
#
# states: "blank" all 0xFF; "match" the image's flash words are there; "differs" they are not; "torn" it has flash words
# that cannot be read; "unknown" readable, not blank and none of the image's business; "protected" in an area that
# nobody may read, so nobody tries.
#
# The target's own core says it all by CRC, without a word of the flash on the wire: equal to a blank sector, or to the
# image's part of it, and where the blank end of a sector begins. Only where the core cannot tell (a torn flash word
# faults it) is a sector read.

import binascii

from micropython import const

from rescue.engine import files, guarded, image
from rescue.engine.blocks import blocks
from rescuelink.errors import RescueError, WireError

_TORN_LISTED = const(32)  # addresses kept per sector; the count is kept whole


class SectorMap:
    """`sectors`: the map so far, one dict per sector or run of "count" (blocks.py).

    "crc" is as the target's core reads it, None where it cannot.
    """

    def __init__(self, chip, card_image, job, closed=()):
        self._chip = chip
        self._image = card_image
        self._job = job
        self._closed = closed  # areas that nobody may read (guarded.py)
        self.sectors = [self._entry(*block) for block in blocks(chip.flash.sectors(), job)]

    def _entry(self, index, address, size, owned):
        entry = {
            "index": index,
            "address": address,
            "size": size,
            "state": None,
            "owned": owned,
            "torn": [],
            "crc": None,
        }
        if size > self._job.sector_bytes:
            entry["count"] = size // self._job.sector_bytes  # a run of sectors (blocks.py)
        return entry

    def _halve(self, at):
        # What is torn in sectors of no concern to the job is told by the sector.
        run = self.sectors[at]
        count = run["count"] // 2
        size = count * self._job.sector_bytes
        self.sectors[at : at + 1] = [
            self._entry(run["index"], run["address"], size, False),
            self._entry(run["index"] + count, run["address"] + size, run["size"] - size, False),
        ]

    def look(self, progress):
        """Settles the state of every sector. The core must be halted after a reset. Raises WireError."""
        at = 0
        while at < len(self.sectors):
            sector = self.sectors[at]
            progress(at, len(self.sectors))
            if guarded.touches(self._closed, sector["address"] - self._chip.flash.base, sector["size"]):
                if "count" in sector and not sector["owned"]:
                    self._halve(at)
                else:
                    sector["state"] = guarded.STATE
                    at += 1
                continue
            found = sector["crc"] = self._crc(sector["address"], sector["size"])
            if found is None and "count" in sector and not sector["owned"]:
                self._halve(at)
                continue
            at += 1
            if found is None:
                self._read(sector)
            elif found == _blank_crc(sector["size"]):
                sector["state"] = "blank"
            elif not sector["owned"]:
                sector["state"] = "unknown"
            elif found == self._image.crc32(sector["address"], sector["size"]):
                sector["state"] = "match"
                sector["prefix"] = sector["size"]  # all of it, gaps between segments as well
            elif self._holds_image(sector, sector["size"]):
                sector["state"] = "match"
            elif self._crc(sector["address"], sector["size"]) != found:
                self._read(sector)  # two answers: the wire is disturbed
            else:
                sector["state"] = "differs"
                self._look_for_cut(sector)

    def _holds_image(self, sector, size):
        # Whether the image's own flash words in its first bytes are there; what lies between segments does not count.
        address = sector["address"]
        for segment in self._job.image.segments:
            low = max(segment.address, address)
            length = min(segment.end(self._job.word_bytes), address + size) - low
            if length == sector["size"]:
                return False  # the CRC of a whole sector has been looked at
            if length > 0 and self._crc(low, length) != self._image.crc32(low, length):
                return False
        return True

    def _look_for_cut(self, sector):
        # Where its blank end begins, by halves: a write cut between two flash words holds the image up to there.
        address, size, word_bytes = sector["address"], sector["size"], self._job.word_bytes
        written, blank = 0, size
        while blank - written > word_bytes:
            middle = (written + blank) // 2 // word_bytes * word_bytes
            if self._crc(address + middle, blank - middle) == _blank_crc(blank - middle):
                blank = middle
            else:
                written = middle
        sector["rest_blank"] = blank < size
        if blank < size:
            sector["prefix"] = blank if self._holds_image(sector, blank) else 0

    def _read(self, sector):
        word_bytes = self._job.word_bytes
        second = memoryview(bytearray(files.CHUNK))  # what the image wants there
        torn_count = crc = 0
        equal = blank = True
        for at in range(0, sector["size"], files.CHUNK):
            view = files.view
            address = sector["address"] + at
            torn = self._chip.flash.read(address, view)
            crc = binascii.crc32(view, crc)
            torn_count += len(torn)
            sector["torn"] += torn[: _TORN_LISTED - len(sector["torn"])]
            blank = blank and image.is_blank(view)
            if sector["owned"] and equal:
                self._image.fill(address, second)
                equal = view == second or self._equal_words(address, second, word_bytes)
        if torn_count:
            sector["state"] = "torn"
            sector["torn_count"] = torn_count
            return
        found = sector["crc"] = self._crc(sector["address"], sector["size"])
        if found is not None and found != crc:
            raise WireError("parity", "flash came over the wire otherwise than the core reads it", sector["address"])
        if sector["owned"] and equal:
            sector["state"] = "match"
        elif blank:
            sector["state"] = "blank"
        else:
            sector["state"] = "differs" if sector["owned"] else "unknown"

    def _crc(self, address, size):
        try:
            return self._chip.crc.crc32(address, size)
        except RescueError:
            return None

    def _equal_words(self, address, second, word_bytes):
        # Only the image's own flash words count; what lies between its segments is not its business.
        for at in range(0, files.CHUNK, word_bytes):
            end = at + word_bytes
            if files.view[at:end] != second[at:end] and self._job.owns(address + at, word_bytes):
                return False
        return True


def _blank_crc(size):
    view = files.view
    image.fill_blank(view)
    crc = 0
    for at in range(0, size, files.CHUNK):
        crc = binascii.crc32(view[: min(size - at, files.CHUNK)], crc)
    return crc
