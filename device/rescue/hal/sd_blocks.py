# The data blocks of an SD card by machine.SPI, on any port. Both methods go on from byte `at` of `view`, take what the
# card has or wants at once, and return how far they came; they raise OSError(EIO) for what is refused or damaged.

from micropython import const

from rescue.hal.sd_crc import crc16

_EIO = const(5)
_BLOCK = const(512)
_TAKEN = const(0x05)  # data response
_HEAD = const(8)  # bytes at a time: a call takes as long as a hundred bytes on the wire


class BlocksBySpi:
    """spi: a machine.SPI, of which the card is selected."""

    def __init__(self, spi):
        self._spi = spi
        self._head = memoryview(bytearray(_HEAD))
        self._crc = memoryview(self._head)[:2]
        self._byte = memoryview(self._head)[2:3]

    def send(self, first, view, at):
        """Blocks, the byte `first` before each."""
        spi, crc, byte = self._spi, self._crc, self._byte
        while at < len(view):
            spi.readinto(self._head, 0xFF)  # the pause before it as well, as 7.5.3 wants it
            if self._head[_HEAD - 1] != 0xFF:
                break
            block = view[at : at + _BLOCK]
            value = crc16(block, _BLOCK)
            crc[0] = value >> 8
            crc[1] = value & 0xFF
            byte[0] = first
            spi.write(byte)
            spi.write(block)
            spi.write(crc)
            spi.readinto(byte, 0xFF)
            if byte[0] & 0x1F != _TAKEN:
                raise OSError(_EIO)
            at += _BLOCK
        return at

    def receive(self, first, view, at):
        """Blocks, or a register, the byte `first` before each. Several blocks come without a look at their CRC: what is
        long has a checksum of its own."""
        spi, head = self._spi, self._head
        while at < len(view):
            spi.readinto(head, 0xFF)
            start = 0
            while start < _HEAD and head[start] == 0xFF:
                start += 1
            if start == _HEAD:
                break
            if head[start] != first:
                raise OSError(_EIO)
            block = view[at : at + _BLOCK]
            have = _HEAD - 1 - start
            block[:have] = head[start + 1 :]
            spi.readinto(block[have:], 0xFF)
            crc = self._crc
            spi.readinto(crc, 0xFF)
            if len(view) <= _BLOCK and crc16(block, len(block)) != crc[0] << 8 | crc[1]:
                raise OSError(_EIO)
            at += len(block)
        return at
