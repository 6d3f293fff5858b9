# The image on the card, seen as flash contents, and the check that it is the image the job names.

import binascii
import hashlib

from rescue.engine import files
from rescuelink.errors import CardError, JobError

_BLANK = b"\xff" * 512


def fill_blank(view):
    """Sets a memoryview to 0xFF."""
    for at in range(0, len(view), len(_BLANK)):
        end = min(at + len(_BLANK), len(view))
        view[at:end] = _BLANK[: end - at]


def is_blank(view):
    """Whether every byte of a memoryview is 0xFF."""
    for at in range(0, len(view), len(_BLANK)):
        end = min(at + len(_BLANK), len(view))
        if view[at:end] != _BLANK[: end - at]:
            return False
    return True


class CardImage:
    """The job's image file. Every method raises CardError when the card fails."""

    def __init__(self, job, root):
        self.job = job
        self.path = root + "/" + job.image.file
        self._file = None

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def check(self, progress):
        """Hashes the file end to end. `progress(done, total)`. Raises JobError when it is not the image meant."""
        image = self.job.image
        size = files.size_of(self.path)
        if size < image.length():
            raise JobError(
                "image",
                "%s has %d bytes, the segments need %d" % (image.file, size, image.length()),
                next_step="build the card anew",
            )
        whole_is_one = len(image.segments) == 1 and image.segments[0].length == size
        if self._sha256(0, size, progress) != image.sha256:
            raise self._mismatch(image.file, "its SHA-256")
        for segment in image.segments:
            if whole_is_one and segment.sha256 == image.sha256:
                continue
            if self._sha256(segment.offset, segment.length, progress) != segment.sha256:
                raise self._mismatch(image.file, "the SHA-256 of segment 0x%08x" % segment.address)

    def head(self):
        """The first bytes at the boot address: the vector table."""
        view = files.view[:8]
        self.fill(self.job.boot_address, view)
        return bytes(view)

    def fill(self, address, view):
        """Flash contents from `address` as the image wants them; 0xFF where it has nothing."""
        fill_blank(view)
        end = address + len(view)
        for segment in self.job.image.segments:
            low = max(address, segment.address)
            high = min(end, segment.address + segment.length)
            if low < high:
                self._read(segment.offset + low - segment.address, view[low - address : high - address])

    def crc32(self, address, length):
        """CRC-32 of the flash contents that `fill` gives for a range."""
        crc = 0
        for at in range(0, length, files.CHUNK):
            view = files.view[: min(files.CHUNK, length - at)]
            self.fill(address + at, view)
            crc = binascii.crc32(view, crc)
        return crc

    def _sha256(self, offset, length, progress):
        digest = hashlib.sha256()
        for at in range(0, length, files.CHUNK):
            view = files.view[: min(files.CHUNK, length - at)]
            self._read(offset + at, view)
            digest.update(view)
            progress(at + len(view), length)
        return binascii.hexlify(digest.digest()).decode()

    def _read(self, offset, view):
        try:
            if self._file is None:
                self._file = open(self.path, "rb")  # noqa: SIM115 - kept open, see close()
            self._file.seek(offset)
            count = self._file.readinto(view)
        except OSError as error:
            self._file = None
            raise files.card_error("cannot read " + self.path, error) from None
        if count != len(view):
            raise CardError("io", self.path + " ends early", next_step="write the card anew")

    def _mismatch(self, name, what):
        return JobError("hash", "%s: %s is not the one in the job" % (name, what), next_step="write the card anew")
