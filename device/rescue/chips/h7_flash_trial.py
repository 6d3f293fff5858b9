# Puts the routine that programs flash words (flash_loader.S) into the RAM of the target, and tries it there. Needed for
# a moment, at unlock().

from micropython import const

from rescue.chips.h7_flash_loader import LoaderStream
from rescuelink.errors import TargetError, WireError

# flash_loader.S, assembled; a test assembles it again and compares.
CODE = (
    b"\x00\x24\x00\x25\xc3\x68\x07\x69\xd0\xf8\x14\xb0\xd0\xf8\x18\xc0\xd0\xf8\x1c\xe0\x4a\xf6\xaa\x2a"
    b"\xce\xf8\x00\xa0\xd2\xf8\x00\x80\x18\xea\x0b\x0f\xf6\xd1\x18\xea\x0c\x0f\x29\xd1\x44\x60\x86\x68"
    b"\xb4\x42\x25\xd0\x06\x68\xa6\x42\xec\xd0\xbf\xf3\x5f\x8f\x00\xf1\x20\x06\x2e\x44\x6f\xf0\x00\x08"
    b"\xb9\x46\xb9\xf1\x04\x09\x56\xf8\x09\xa0\x08\xea\x0a\x08\xf8\xd1\x18\xf1\x01\x08\x09\xd0\x56\xf8"
    b"\x09\xa0\x41\xf8\x09\xa0\x19\xf1\x04\x09\xb9\x45\xf7\xd1\xbf\xf3\x4f\x8f\x39\x44\x3c\x44\x3d\x44"
    b"\x9d\x42\x08\xbf\x00\x25\xc9\xe7\x40\x46\x00\xbe"
)


_CODE = const(0x400)
_RING = const(0x800)
_BYTES = const(96)  # a word, a word of ones, a word
_TRIES = const(3)
_LIMIT_MS = const(100)


def works(writer):
    """Loads the routine and lets it "program" RAM. False where this core does not do what it should."""
    for _ in range(_TRIES):
        try:
            return _try(writer)
        except TargetError:
            return False
        except WireError as error:
            if error.kind == "fault":
                return False
    return False


def _try(writer):
    word = bytes(range(1, 33))
    last = bytes(range(32, 0, -1))
    ap = writer.core.ap
    base = writer.chip.work_ram
    status = base + _RING + 1024  # a word of zeros stands in for the status register; the "flash" follows
    ap.write_block(base + _CODE, CODE)
    ap.write_block(base + _RING, word + b"\xff" * 32 + last)
    ap.write_block(status, b"\x00" * (32 + _BYTES))
    stream = LoaderStream(writer, status + 32, _BYTES)
    stream.start(status, _BYTES)
    writer.core.result(_LIMIT_MS)
    found = bytearray(_BYTES)
    ap.read_block(status + 32, found)
    return stream.done() == _BYTES and found == word + b"\x00" * 32 + last
