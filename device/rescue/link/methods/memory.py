# memory.*: the target's memory through AP0, in windows of whole words.

from micropython import const

from rescue.link.unit import connected
from rescuelink import rpc
from rescuelink.errors import LinkError

_FLASH = const(0x08000000)
_FLASH_END = const(0x08200000)  # of the largest part


def read(work, address, length):
    """Binary; address and length are multiples of 4, at most 2048 bytes. Raises WireError with the address."""
    _check(address, length)
    data = work.window(length)
    connected(work).ap0.read_block(address, data)
    return data


def write(work, address, data):
    """RAM and registers. Flash is written with flash.program; here it is refused ("flash")."""
    _check(address, len(data))
    if address < _FLASH_END and address + len(data) > _FLASH:
        raise LinkError("flash", "0x%08x is flash" % address, next_step="write it with `bmsrescue flash`")
    connected(work).ap0.write_block(address, data)


def _check(address, length):
    if address % 4 or length % 4 or not 0 < length <= rpc.WINDOW_BYTES:
        raise LinkError("bad_params", "whole words, at most %d bytes" % rpc.WINDOW_BYTES)


CALLS = {
    "read": (read, "ii"),
    "write": (write, "iB"),
}
