# Is the file on the card the image that the job names? Asked once, before the unit sees any power.

import binascii
import hashlib

from rescue.engine import files
from rescuelink.errors import JobError


def check(card_image, progress):
    """Hashes the file end to end. `progress(done, total)`. Raises JobError when it is not the image meant."""
    image = card_image.job.image
    size = files.size_of(card_image.path)
    if size < image.length():
        raise JobError(
            "image",
            "%s has %d bytes, the segments need %d" % (image.file, size, image.length()),
            next_step="build the card anew",
        )
    whole_is_one = len(image.segments) == 1 and image.segments[0].length == size
    if _sha256(card_image, 0, size, progress) != image.sha256:
        raise _mismatch(image.file, "its SHA-256")
    for segment in image.segments:
        if whole_is_one and segment.sha256 == image.sha256:
            continue
        if _sha256(card_image, segment.offset, segment.length, progress) != segment.sha256:
            raise _mismatch(image.file, "the SHA-256 of segment 0x%08x" % segment.address)


def _sha256(card_image, offset, length, progress):
    digest = hashlib.sha256()
    for at in range(0, length, files.CHUNK):
        view = files.view[: min(files.CHUNK, length - at)]
        card_image.read(offset + at, view)
        digest.update(view)
        progress(at + len(view), length)
    return binascii.hexlify(digest.digest()).decode()


def _mismatch(name, what):
    return JobError("hash", "%s: %s is not the one in the job" % (name, what), next_step="write the card anew")
