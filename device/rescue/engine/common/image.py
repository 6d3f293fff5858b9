# The image on the card, seen as flash contents.

import hashlib

from rescue.engine.common import files
from rescuelink.errors import CardError

_BLANK = b"\xff" * 32


def fill_blank(view):
    """Sets a memoryview to 0xFF."""
    size = len(view)
    done = min(size, len(_BLANK))
    view[:done] = _BLANK[:done]
    while done < size:
        more = min(done, size - done)
        view[done : done + more] = view[:more]
        done += more


def is_blank(view):
    """Whether every byte of a memoryview is 0xFF: the first ones are, and each is as the one 32 bytes before it."""
    return view[:32] == _BLANK[: len(view)] and view[32:] == view[:-32]


def digest_of(source, address, length):
    """SHA-256 of what `source.fill` gives for a range."""
    digest = hashlib.sha256()
    for at in range(0, length, files.CHUNK):
        view = files.view[: min(files.CHUNK, length - at)]
        source.fill(address + at, view)
        digest.update(view)
    return digest.digest()


class CardImage:
    """The job's image file. Every method raises CardError when the card fails."""

    def __init__(self, job, root):
        self.job = job
        self.path = root + "/" + job.image.file
        self._file = None
        self.digests = {}  # address: (length, SHA-256) of flash contents, from the pass that checked the file's SHA-256

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def size(self):
        """Bytes of the file."""
        return files.size_of(self.path)

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
                self.read(segment.offset + low - segment.address, view[low - address : high - address])

    def parts(self, address, size):
        """[(address, length), ..]: the image's own flash words in a range, in order."""
        found = []
        end = address + size
        for segment in self.job.image.segments:
            low = max(address, segment.address)
            high = min(end, segment.end(self.job.word_bytes))
            if low < high:
                found.append((low, high - low))
        return found

    def known(self, address, length):
        """As sha256(), without reading the card; None where that would be needed."""
        found = self.digests.get(address)
        return found[1] if found is not None and found[0] == length else None

    def sha256(self, address, length):
        """SHA-256 of the flash contents that `fill` gives for a range."""
        return self.known(address, length) or digest_of(self, address, length)

    def read(self, offset, view):
        """Bytes of the file from `offset`."""
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
