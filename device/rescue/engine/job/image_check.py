# Is the file on the card the image that the job names? Asked once, before the unit sees any power.
#
# The same pass takes the SHA-256 of each sector's part of the image: comparing and verifying need nothing else of the
# card later.

import binascii
import hashlib

from rescue.engine.common import files
from rescue.engine.common.blocks import owned_bytes
from rescuelink.errors import JobError

_USE_ITS_OWN = "use the image that belongs to the job, or build the card anew"


def check(card_image, progress):
    """Hashes the file end to end. `progress(done, total)`. Raises JobError when it is not the image meant."""
    wanted = card_image.job.image
    size = card_image.size()
    if size < wanted.length():
        raise JobError(
            "image",
            "%s has %d bytes, the segments need %d" % (wanted.file, size, wanted.length()),
            next_step="build the card anew",
        )
    parts = _Parts(card_image, size)
    whole = hashlib.sha256()
    parts.read(progress, whole)
    if _hex(whole) != wanted.sha256:
        raise _mismatch(wanted.file, "its SHA-256")
    while parts.left:
        parts.read(progress)  # segments that share bytes of the file with others
    if parts.wrong:
        raise _mismatch(wanted.file, "the SHA-256 of segment 0x%08x" % min(parts.wrong))


class _Parts:
    """The SHA-256 of each segment, and of its flash words in each sector, as the file goes by.

    left: segments that have not gone by, in the file's order. wrong: addresses of those that are not as the job says.
    """

    def __init__(self, card_image, size):
        job = card_image.job
        self._image = card_image
        self._size = size
        self._digests = card_image.digests
        self._sector_bytes = owned_bytes(job)
        self._word_bytes = job.word_bytes
        self.left = sorted(job.image.segments, key=lambda segment: segment.offset)
        self.wrong = []
        self._segment = None  # the one that goes by
        self._hash = None  # of the segment; None where the hash of the whole file is the same
        self._part = None  # hash of its part of a sector
        self._start = self._at = 0  # addresses: where that begins, and how far it is

    def read(self, progress, whole=None):
        """The file from its beginning to its end."""
        for at in range(0, self._size, files.CHUNK):
            view = files.view[: min(files.CHUNK, self._size - at)]
            self._image.read(at, view)
            if whole is not None:
                whole.update(view)
            self._take(at, view)
            progress(at + len(view), self._size)

    def _take(self, at, view):
        end = at + len(view)
        while True:
            if self._segment is None:
                self._begin(at)
            segment = self._segment
            if segment is None or segment.offset >= end:
                return
            low = max(segment.offset, at)
            high = min(segment.offset + segment.length, end)
            piece = view[low - at : high - at]
            if self._hash is not None:
                self._hash.update(piece)
            self._to_sector(piece)
            if high == segment.offset + segment.length:
                self._finish()
            if high == end:
                return
            at, view = high, view[high - at :]

    def _begin(self, at):
        # The next segment that has not begun to go by already.
        for index, segment in enumerate(self.left):
            if segment.offset >= at:
                self._segment = self.left.pop(index)
                self._start = self._at = segment.address
                self._part = hashlib.sha256()
                is_file = segment.length == self._size and segment.sha256 == self._image.job.image.sha256
                self._hash = None if is_file else hashlib.sha256()
                return

    def _finish(self):
        # The rest of the last flash word is blank.
        segment = self._segment
        self._segment = None
        if self._hash is not None and _hex(self._hash) != segment.sha256:
            self.wrong.append(segment.address)
        self._to_sector(b"\xff" * (-self._at % self._word_bytes))
        if self._at > self._start:
            self._keep()

    def _to_sector(self, view):
        while len(view):
            piece = view[: self._sector_bytes - self._at % self._sector_bytes]
            view = view[len(piece) :]
            self._at += len(piece)
            self._part.update(piece)
            if self._at % self._sector_bytes == 0:
                self._keep()

    def _keep(self):
        self._digests[self._start] = (self._at - self._start, self._part.digest())
        self._start = self._at
        self._part = hashlib.sha256()


def _hex(digest):
    return binascii.hexlify(digest.digest()).decode()


def _mismatch(name, what):
    return JobError(
        "hash",
        "%s: %s is not the one in the job" % (name, what),
        next_step=_USE_ITS_OWN,
    )
