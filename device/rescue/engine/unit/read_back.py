# Where a digest was wrong, or the core cannot make one: flash is read back and compared, so that the address is known.

import hashlib

from rescue.engine.common import files
from rescuelink.errors import CardError, FlashError

_CHANGED = "the card gives other bytes than when it was checked"


def compare(chip, source, address, length, expected):
    """Raises FlashError("verify") naming the first flash word that is wrong or torn, and CardError("changed") where
    flash is as the card says now, and that is not what has the SHA-256 `expected`.
    """
    digest = hashlib.sha256()
    wanted = memoryview(bytearray(files.CHUNK))
    for at in range(0, length, files.CHUNK):
        size = min(files.CHUNK, length - at)
        source.fill(address + at, wanted[:size])
        torn = chip.flash.read(address + at, files.view[:size])
        if torn:
            raise FlashError("verify", "a flash word cannot be read after it was written", torn[0])
        if files.view[:size] != wanted[:size]:
            where = address + at + _first_wrong(wanted[:size], chip.chip.word_bytes)
            raise FlashError("verify", "flash does not hold what was written", where)
        digest.update(files.view[:size])
    if digest.digest() != expected:
        raise changed(address)


def changed(address):
    """The error for a card that cannot be relied on, or was exchanged."""
    return CardError(
        "changed", _CHANGED, address, next_step="use another card, and press again: the unit keeps its place"
    )


def _first_wrong(wanted, word_bytes):
    for at in range(0, len(wanted), word_bytes):
        if files.view[at : at + word_bytes] != wanted[at : at + word_bytes]:
            return at
    return 0
