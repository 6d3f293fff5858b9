# Is a range of flash what it should be? By SHA-256 on the target's own core, or by reading it back where that fails.

import binascii

from rescue.engine import modules
from rescue.engine.common.image import digest_of
from rescuelink.errors import FlashError


class Verifier:
    """`by_digest` and `by_reading` count the ranges that were verified either way."""

    def __init__(self, run, check=None):
        self._run = run  # whose chip is another object once its supply was away
        self._check = check  # called now and then while the core works; may raise
        self.by_digest = 0
        self.by_reading = 0

    def check(self, source, address, length, expected=None):
        """Raises FlashError("verify") naming the first flash word that is wrong, or CardError("changed").

        expected: the SHA-256 to be found, where it is known: of the image as it was checked, or of what was sent.
        """
        if expected is None:
            expected = digest_of(source, address, length)
        if not self.agrees(address, length, expected):
            # Where it is not the same it is read as well: the address is what a person needs.
            self.by_reading += 1
            from rescue.engine.unit.read_back import compare

            compare(self._run.chip, source, address, length, expected)

    def agrees(self, address, length, expected):
        """Whether the target's core finds this SHA-256; False as well where it cannot say."""
        found = self._run.chip.digest.look(address, 0, length, self._check)  # as sha256(), a call less deep
        modules.forget("rescue.chips.stm32h7.digest_code")  # it is in the target's RAM now
        if found is None:
            return False
        self.by_digest += 1
        return found[1] == expected


def image_holds(run):
    """Whether the flash holds the job's image at this moment: "", or one sentence about the first sector that does
    not. The core must be halted; it is left halted after a reset. Raises WireError, PowerError, CardError."""
    verifier = Verifier(run, run.power.check)
    for segment in run.job.image.segments:
        try:
            check_segment(run, verifier, segment)
        except FlashError as error:
            address = segment.address if error.address is None else error.address
            sector = run.chip.flash.sector_of(address)
            return "sector %d does not hold the image any more: %s at 0x%08x" % (sector, error.message, address)
    return ""


def check_segment(run, verifier, segment):
    """By the job's own SHA-256 first: nothing of the card is read again. Where it is not the same, sector by sector."""
    if verifier.agrees(segment.address, segment.length, binascii.unhexlify(segment.sha256)):
        return
    size = run.job.sector_bytes
    end = segment.end(run.job.word_bytes)
    at = segment.address
    while at < end:
        length = min(size - at % size, end - at)
        verifier.check(run.image, at, length, run.image.known(at, length))
        at += length
