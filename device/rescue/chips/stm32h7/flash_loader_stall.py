# A routine of flash_loader.py that does not get on: what has arrived damaged is sent again, else the flash word that it
# stands at is named. Loaded for the moment that it is needed.

import binascii
import struct

from micropython import const

from rescue.chips.stm32h7 import flash_loader_layout as ram
from rescue.debug import cortex_m_registers as cm
from rescuelink.errors import WireError

_LOOKS = const(4)
_CHECK_MS = const(1)  # a piece of 2 KiB is checked in a quarter of it


def look_into(stream, repairs, is_late):
    """True where a piece was sent again, which may be done `repairs` times more. Raises FlashError, WireError."""
    if stream.ap.read32(cm.DHCSR) & cm.S_HALT:
        if _began(stream):
            _blame(stream)
    elif _is_stuck(stream):
        if not repairs:
            raise WireError("parity", "what is sent arrives damaged again and again", stream.address + stream.done())
        _repair(stream)
        return True
    elif is_late:
        _blame(stream)
    return False


def checked(stream):
    """(bytes of pieces that have arrived whole, how often one had not)"""
    box = bytearray(8)
    stream.ap.read_block(stream.base + ram.MAILBOX + ram.CHECKED, box)
    return struct.unpack("<2I", box)


def _is_stuck(stream):
    # Nothing that has arrived whole is left to program, and stays so for longer than it takes to check a piece.
    for _ in range(_LOOKS):
        whole = checked(stream)[0]
        if whole > stream.done():
            return False
        stream.writer.clock.sleep_ms(_CHECK_MS)
    return whole < stream.sent


def _repair(stream):
    """The piece that has not arrived whole, once more. Its slot is taken away meanwhile."""
    stream.writer.flash.resends += 1
    at = checked(stream)[0]
    at -= at % stream.piece
    if at >= stream.sent:
        return
    piece = at // stream.piece
    end = min(at + stream.piece, stream.sent)
    view = None
    if end == stream.sent and binascii.crc32(stream.last) == stream.last_crc:
        view = stream.last
    if stream.again is not None:
        view = stream.again(stream.address + at, end - at)
    if view is None:
        raise WireError("parity", "what was sent has arrived damaged", stream.address + at)
    stream.ap.write32(stream.base + ram.RING + stream.size + piece % ram.SLOTS * 8 + 4, 0, again=True)
    stream.send(at, view)
    stream.announce(view, piece, end)


def _began(stream):
    """False where the routine refused its mailbox as damaged; then it is begun again."""
    core = stream.writer.core
    if stream.done() or core.result(0) != ram.DAMAGED:
        return True
    stream.writer.flash.resends += 1
    stream.start(stream.writer.control_address)
    return False


def _blame(stream):
    done = stream.done()
    if done == stream.programmed:
        from rescue.chips.stm32h7.flash_errors import blame

        blame(stream.writer, stream.address + done)
