# Is a range of flash what it should be? By a CRC on the target's own core, or by reading it back where that cannot run.

import binascii

from rescue.engine import files, modules
from rescuelink.errors import RescueError

_READING = "rescue.engine.verify_reading"


class Verifier:
    """`reads` counts the ranges that had to be read back."""

    def __init__(self, chip):
        self._chip = chip
        self.by_crc = 0
        self.by_reading = 0

    def check(self, source, address, length, expected=None):
        """Raises FlashError("verify") naming the first flash word that is wrong, or the range.

        expected: the CRC-32 of what was sent, where it is known.
        """
        if expected is None:
            expected = 0
            for at in range(0, length, files.CHUNK):
                view = files.view[: min(files.CHUNK, length - at)]
                source.fill(address + at, view)
                expected = binascii.crc32(view, expected)
        if not self.agrees(address, length, expected):
            # A wrong CRC is read as well: the address is what a person needs.
            self.by_reading += 1
            modules.load(_READING).compare(self._chip, source, address, length)
            modules.drop(_READING)

    def agrees(self, address, length, expected):
        """Whether the target's core finds this CRC-32; False as well where it cannot say."""
        try:
            found = self._chip.crc.crc32(address, length)
        except RescueError:
            found = None
        if found is not None:
            self.by_crc += 1
        return found == expected


def verify_image(run):
    """Step "verify": the whole image once more, after the last write."""
    verifier = Verifier(run.chip)
    segments = run.job.image.segments
    progress = run.progress_in("verify", "segments")
    for index, segment in enumerate(segments):
        run.power.check()
        length = segment.end(run.job.word_bytes) - segment.address
        verifier.check(run.image, segment.address, length, run.image.crc32(segment.address, length))
        progress(index + 1, len(segments))
    run.verified["by_crc"] += verifier.by_crc
    run.verified["by_reading"] += verifier.by_reading
    run.image_verified = True
