# Where the bytes of a sector to be written come from: the image, the backup, and the regions that must survive.

import hashlib

from rescue.engine.common import image

FROM_IMAGE = "image"
FROM_BACKUP = "backup"


class SectorSource:
    """Contents of one planned sector, chunk by chunk. Raises CardError."""

    def __init__(self, step, card_image, backup_path, preserve, flash_base):
        self._step = step
        self._image = card_image
        self._regions = [
            (region.address, region.address + region.length)
            for region in preserve
            if region.address < step["address"] + step["size"] and step["address"] < region.address + region.length
        ]
        self.is_mixed = step["source"] == FROM_BACKUP or bool(self._regions)  # not the image's bytes alone
        if self.is_mixed:
            from rescue.engine.common.backup_file import BackupFile

            self._backup = BackupFile(backup_path, flash_base)

    def fill(self, address, view, checked=None):
        """What the flash shall hold from `address`. `checked`: an AsChecked, which sees what the image gives for it."""
        end = address + len(view)
        if self._step["source"] == FROM_BACKUP:
            self._backup.fill(address, view)
            blank = self._step.get("blank")  # a flash word that is to be left erased
            if blank is not None and address <= blank < end:
                image.fill_blank(view[blank - address : blank - address + self._image.job.word_bytes])
            return
        self._image.fill(address, view)
        if checked is not None:
            checked.take(address, view)
        for low, high in self._regions:
            low, high = max(low, address), min(high, end)
            if low < high:
                self._backup.fill(low, view[low - address : high - address])


class AsChecked:
    """Does the card give for a range, piece by piece in order, what it gave when the image was checked?

    `wrong`: where it does not; None as long as it does.
    """

    def __init__(self, digests, address, size):
        # One hash a part: a chunk may hold the end of one and the start of another, in any order.
        self._parts = [
            [start, start + length, digest, None]
            for start, (length, digest) in digests.items()
            if address <= start < address + size
        ]
        self.wrong = None

    def take(self, address, view):
        for part in self._parts:
            start, end, digest, hashed = part
            low, high = max(start, address), min(end, address + len(view))
            if low >= high:
                continue
            if hashed is None:
                hashed = part[3] = hashlib.sha256()
            hashed.update(view[low - address : high - address])
            if high == end and hashed.digest() != digest:
                self.wrong = start
