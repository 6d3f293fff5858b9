# The sector map: what each sector holds, next to what the image wants there.
#
# states: "blank" all 0xFF; "match" the image's flash words are there; "differs" they are not; "torn" it has flash words
# that cannot be read; "unknown" readable, not blank and none of the image's business; "protected" in an area that
# nobody may read, so nobody tries.
#
# The target's own core says it all, without a word of the flash on the wire: where the blank end of a sector begins,
# and by SHA-256 whether it is equal to the image's part of it. Only where the core cannot tell (a torn flash word
# faults it) is a sector read.

import binascii
import hashlib

from micropython import const

from rescue.engine import modules
from rescue.engine.common import files, guarded, image
from rescue.engine.common.blocks import blocks
from rescuelink.errors import WireError

_TORN_LISTED = const(32)  # addresses kept per sector; the count is kept whole


class SectorMap:
    """`sectors`: the map so far, one dict per sector or run of "count" (blocks.py).

    `used`: for each sector that is not the job's, where its blank end begins.
    "sha256" is of the whole sector as the target's core reads it; None where it was not asked, or cannot.
    """

    def __init__(self, chip, card_image, job, closed, check, disturbances):
        self._chip = chip
        self._image = card_image
        self._job = job
        self._closed = closed  # areas that nobody may read (guarded.py)
        self._disturbances = disturbances  # how many there have been so far
        self._check = check  # a look at the rails, and at how long the unit has had power
        self.used = {}
        self.sectors = [self._entry(*block) for block in blocks(chip.flash.sectors(), job)]

    def _entry(self, index, address, size, owned):
        entry = {
            "index": index,
            "address": address,
            "size": size,
            "state": None,
            "owned": owned,
            "torn": [],
            "sha256": None,
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
            address, size = sector["address"], sector["size"]
            parts = self._image.parts(address, size) if sector["owned"] else [(address, size)]
            length = parts[0][1] if parts[0][0] == address else 0  # most often the sector has one part, from its start
            found = self._chip.digest.look(address, size, length)
            modules.forget("rescue.chips.stm32h7.digest_code")  # it is in the target's RAM now
            if found is None and "count" in sector and not sector["owned"]:
                self._halve(at)
                continue
            at += 1
            if found is None:
                self._read(sector)
                continue
            blank_from, digest = found
            blank = blank_from == address
            if length == size and not blank:
                sector["sha256"] = _hex(digest)
            if not sector["owned"]:
                sector["state"] = "blank" if blank else "unknown"
                self.used[address] = blank_from
                continue
            holds = self._holds(parts, digest if length and not blank else None)
            if holds is None:
                self._read(sector)
            elif holds:
                self._note_match(sector, parts, blank_from)
            elif blank:
                sector["state"] = "blank"
            else:
                sector["state"] = "differs"
                self._look_for_cut(sector, parts, blank_from)

    def _holds(self, parts, first=None):
        # Whether these parts of the image are there; `first`: digest of the first of them. None where the core cannot
        # say, or gives two answers: then the wire is disturbed.
        for address, length in parts:
            found = first or self._chip.digest.sha256(address, length)
            first = None
            if found != self._image.sha256(address, length):
                return None if found is None or not self._chip.digest.stands() else False
        return True

    def _note_match(self, sector, parts, blank_from):
        sector["state"] = "match"
        address, end = sector["address"], sector["address"] + sector["size"]
        if blank_from == address:
            sector["erased"] = True  # the image has nothing but ones here: equal to an erased sector
        # What lies between the image's parts is not its business; where that is blank, the whole sector is known.
        for low, length in parts + [(end, 0)]:
            if address < low and address < blank_from and not self._chip.digest.is_blank(address, low - address):
                return
            address = low + length
        sector["prefix"] = sector["size"]

    def _look_for_cut(self, sector, parts, blank_from):
        # A write cut between two flash words holds the image up to where its blank end begins.
        address, word_bytes = sector["address"], self._job.word_bytes
        size = self._image_bytes(sector, parts)
        if blank_from > address + size:
            # Data of the unit's own behind the image: the blank end is looked for in front of them.
            found = self._chip.digest.look(address, size, 0)
            if found is None:
                return
            blank_from = found[0]
        else:
            size = sector["size"]
        blank = -(-(blank_from - address) // word_bytes) * word_bytes
        sector["rest_blank"] = blank < size
        if blank < size:
            sector["prefix"] = blank if self._holds(self._image.parts(address, blank)) else 0

    def _image_bytes(self, sector, parts):
        # From the sector's start to the end of the image's last part in it, in whole flash words.
        word_bytes = self._job.word_bytes
        low, length = parts[-1]
        return -(-(low + length - sector["address"]) // word_bytes) * word_bytes

    def _read(self, sector):
        word_bytes = self._job.word_bytes
        disturbed = self._disturbances()
        second = memoryview(bytearray(files.CHUNK))  # what the image wants there
        torn_count = torn_ours = 0
        digest = hashlib.sha256()
        equal = True
        held = used = 0  # bytes from the start that are the image's; where the blank end begins
        cut = 0  # where it begins in front of data of the unit's own that lie behind the image
        size = sector["size"]
        if sector["owned"]:
            size = self._image_bytes(sector, self._image.parts(sector["address"], size))
        for at in range(0, sector["size"], files.CHUNK):
            view = files.view
            address = sector["address"] + at
            self._check()
            torn = self._chip.flash.read(address, view)
            digest.update(view)
            torn_count += len(torn)
            torn_ours += sum(self._job.owns(word, word_bytes) for word in torn)
            sector["torn"] += torn[: _TORN_LISTED - len(sector["torn"])]
            if not image.is_blank(view):
                used = at + _used(view, word_bytes)
                ours = _used(view[: max(size - at, 0)], word_bytes)
                cut = at + ours if ours else cut
            if sector["owned"] and equal:
                self._image.fill(address, second)
                same = files.CHUNK if view == second else self._same(address, second, word_bytes, torn)
                held += same
                equal = same == files.CHUNK
        digest = digest.digest()
        found = None if torn_count else self._chip.digest.sha256(sector["address"], sector["size"])
        if found is None and self._disturbances() != disturbed:
            # Where one word came damaged another one may have, without its parity showing it; and nobody else can say.
            raise WireError("parity", "flash was read over a disturbed wire", sector["address"])
        self.used[sector["address"]] = sector["address"] + used
        if torn_count:
            sector["state"] = "torn"
            sector["torn_count"] = torn_count
            sector["torn_ours"] = torn_ours  # where the image lies
            sector["rest"] = "match" if equal else "differs"  # the image's other words
            return
        if found is not None:
            if found != digest:
                message = "flash came over the wire otherwise than the core reads it"
                raise WireError("parity", message, sector["address"])
            sector["sha256"] = _hex(digest)
        if sector["owned"] and equal:
            sector["state"] = "match"
            if not used:
                sector["erased"] = True
        elif not used:
            sector["state"] = "blank"
        elif not sector["owned"]:
            sector["state"] = "unknown"
        else:
            sector["state"] = "differs"
            if used <= size:
                size = sector["size"]
            sector["rest_blank"] = cut < size
            if cut < size:
                sector["prefix"] = cut if held >= cut else 0

    def _same(self, address, second, word_bytes, torn):
        # Bytes up to the first flash word that is not the image's; what lies between its segments is not its business,
        # and a torn word says nothing.
        for at in range(0, files.CHUNK, word_bytes):
            end = at + word_bytes
            if files.view[at:end] == second[at:end] or address + at in torn:
                continue
            if self._job.owns(address + at, word_bytes):
                return at
        return files.CHUNK


def _used(view, word_bytes):
    # Bytes up to the end of the last flash word that is not blank.
    end = len(view)
    while end and image.is_blank(view[end - word_bytes : end]):
        end -= word_bytes
    return end


def _hex(digest):
    return binascii.hexlify(digest).decode()
