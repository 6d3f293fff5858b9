# Is the file on the card the image that the job names? Asked once, before the unit sees any power.
#
# The same pass takes the CRC of each sector's part of an image of one segment, the usual kind: comparing and verifying
# need nothing else of the card later.

import binascii
import hashlib

from rescue.engine import files, image
from rescue.engine.blocks import owned_bytes
from rescuelink.errors import JobError


def check(card_image, progress):
    """Hashes the file end to end. `progress(done, total)`. Raises JobError when it is not the image meant."""
    wanted = card_image.job.image
    size = files.size_of(card_image.path)
    if size < wanted.length():
        raise JobError(
            "image",
            "%s has %d bytes, the segments need %d" % (wanted.file, size, wanted.length()),
            next_step="build the card anew",
        )
    whole_is_one = len(wanted.segments) == 1 and wanted.segments[0].length == size
    crcs = _SectorCrcs(card_image.job) if whole_is_one else None
    if _sha256(card_image, 0, size, progress, crcs) != wanted.sha256:
        raise _mismatch(wanted.file, "its SHA-256")
    if crcs is not None:
        card_image.crcs = crcs.all()
    for segment in wanted.segments:
        if whole_is_one and segment.sha256 == wanted.sha256:
            continue
        if _sha256(card_image, segment.offset, segment.length, progress) != segment.sha256:
            raise _mismatch(wanted.file, "the SHA-256 of segment 0x%08x" % segment.address)


class _SectorCrcs:
    """CRC-32 by (address, length), of whole sectors and of the whole segment in whole flash words."""

    def __init__(self, job):
        self._segment = job.image.segments[0]
        self._sector_bytes = owned_bytes(job)
        self._word_bytes = job.word_bytes
        self._at = self._segment.address
        self._start = self._at  # of the sector
        self._sector = None if self._at % self._sector_bytes else 0  # CRC so far, of a sector seen from its beginning
        self._whole = 0
        self._crcs = {}

    def add(self, view):
        self._whole = binascii.crc32(view, self._whole)
        self._to_sector(view)

    def _to_sector(self, view):
        while len(view):
            piece = view[: self._sector_bytes - self._at % self._sector_bytes]
            view = view[len(piece) :]
            self._at += len(piece)
            if self._sector is not None:
                self._sector = binascii.crc32(piece, self._sector)
            if self._at % self._sector_bytes == 0:
                if self._sector is not None:
                    self._crcs[(self._start, self._sector_bytes)] = self._sector
                self._start = self._at
                self._sector = 0

    def all(self):
        """With the rest of the last flash word and of the last sector blank."""
        segment = self._segment
        length = segment.end(self._word_bytes) - segment.address
        self._crcs[(segment.address, length)] = binascii.crc32(b"\xff" * (length - segment.length), self._whole)
        image.fill_blank(files.view)
        while self._at % self._sector_bytes:
            self._to_sector(files.view[: self._sector_bytes - self._at % self._sector_bytes])
        return self._crcs


def _sha256(card_image, offset, length, progress, crcs=None):
    digest = hashlib.sha256()
    for at in range(0, length, files.CHUNK):
        view = files.view[: min(files.CHUNK, length - at)]
        card_image.read(offset + at, view)
        digest.update(view)
        if crcs is not None:
            crcs.add(view)
        progress(at + len(view), length)
    return binascii.hexlify(digest.digest()).decode()


def _mismatch(name, what):
    return JobError("hash", "%s: %s is not the one in the job" % (name, what), next_step="write the card anew")
