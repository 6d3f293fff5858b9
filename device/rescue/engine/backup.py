# Everything readable, on the card, before the first erase: backups/<uid>-<sequence>.bin and a map beside it.
#
# The file is as long as the flash. Torn words are 0xFF in it and listed in the map. It counts as a backup only after
# the card was unmounted, mounted again and the file's SHA-256 read back from it agreed with what was sent.

import binascii
import hashlib
import json

from micropython import const

from rescue.engine import files
from rescuelink.errors import CardError

_SPARE_BYTES = const(256 * 1024)  # left free for records and the journal


class Backup:
    """One backup being written. `name`, `path`, `sha256` and `verified` for the record."""

    def __init__(self, card, uid, sequence, size):
        self._card = card
        self._size = size
        self._digest = hashlib.sha256()
        self._written = 0
        self.verified = False
        self.sha256 = None
        files.make_directory(card.root + "/backups")
        free = card.free_bytes()
        if free < size + _SPARE_BYTES:
            raise CardError(
                "full",
                "the card is too full for a backup: it needs %d KiB, %d KiB are free"
                % ((size + _SPARE_BYTES) // 1024, free // 1024),
                next_step="free some space on it, or use another card",
            )
        self.name = "backups/%s-%d.bin" % (uid, sequence)
        self.path = card.root + "/" + self.name
        try:
            self._file = open(self.path, "wb")  # noqa: SIM115 - closed in finish() or abandon()
        except OSError as error:
            raise files.card_error("cannot create " + self.name, error) from None

    def add(self, view):
        """The next bytes of the flash, in order."""
        try:
            count = self._file.write(view)
        except OSError as error:
            raise files.card_error("cannot write " + self.name, error) from None
        if count != len(view):
            raise CardError("full", self.name + " could not be written whole", next_step="free some space on the card")
        self._digest.update(view)
        self._written += len(view)

    def finish(self, facts, progress):
        """Closes the file, writes the map, and reads all of it back from the card. Raises CardError."""
        self.sha256 = binascii.hexlify(self._digest.digest()).decode()
        facts["sha256"] = self.sha256
        facts["bytes"] = self._written
        try:
            self._file.close()
            with open(self.path[:-4] + ".json", "w") as file:
                json.dump(facts, file)
        except OSError as error:
            raise files.card_error("cannot finish " + self.name, error) from None
        files.sync()
        self._card.unmount()
        self._card.mount()
        if self._written != self._size or self._read_back(progress) != self.sha256:
            raise CardError("verify", self.name + " does not read back as it was written", next_step="use another card")
        self.verified = True

    def abandon(self):
        """Closes the file of a backup that could not be finished."""
        try:
            self._file.close()
        except OSError:
            return  # the card is gone; so is the half backup

    def to_dict(self):
        return {"file": self.name, "sha256": self.sha256, "bytes": self._written, "verified": self.verified}

    def _read_back(self, progress):
        digest = hashlib.sha256()
        try:
            with open(self.path, "rb") as file:
                for at in range(0, self._size, files.CHUNK):
                    count = file.readinto(files.view)
                    digest.update(files.view[:count])
                    progress(at + count, self._size)
        except OSError as error:
            raise files.card_error("cannot read " + self.name, error) from None
        return binascii.hexlify(digest.digest()).decode()
