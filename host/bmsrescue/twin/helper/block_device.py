"""The helper's two memories: an SD card in a slot, and the board's own flash."""

import errno
import random
from collections import deque
from dataclasses import dataclass

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.helper.rpc import Reply

SD_BLOCK_BYTES = 512
# An SD card on SPI under MicroPython's driver reads at 100 to 400 kB/s and writes at about half of that. Of a written
# block 1.0 ms is the transfer (what the helper's driver takes on the emulated Pico, with a card that needs no time);
# the card programs it afterwards, when the run of blocks has ended, and whoever wants it next waits for that.
SD_READ_NS = 1_250_000
SD_TRANSFER_NS = 1_000_000
SD_PROGRAM_NS = 1_500_000

FLASH_BLOCK_BYTES = 4096
FLASH_BLOCKS = 352
# The file system part of a Pico's QSPI flash (W25Q16JV, AC characteristics): it reads some MB/s, a page is programmed
# in 0.4 ms and a sector erased in 45 ms, typically; and the interpreter stands still meanwhile.
FLASH_READ_NS = 400_000
FLASH_PAGE_BYTES = 256
FLASH_PAGE_NS = 400_000
FLASH_ERASE_NS = 45_000_000

# Linux's numbers, which are also MicroPython's; Python's `errno` has others on macOS.
_ENOMEDIUM = 123


class PowerCut(Exception):
    """The helper's own supply went away in the middle of a write."""


@dataclass
class CardFaults:
    """What goes wrong with a card, and when. Writes are counted in blocks, from the start of the run.

    pull_at_write: from that write on, the card is no longer in its slot.
    cut_at_write: the helper loses its supply in that write; `torn_bytes` of the block have arrived.
    late: so many of the newest blocks the card has only acknowledged when it loses its supply or is pulled; which of
        them arrive is drawn by `seed`, so the last may be lost, or an older one where a newer one arrives.
    unreadable: every transfer ends in an error.
    """

    pull_at_write: int | None = None
    cut_at_write: int | None = None
    unreadable: bool = False
    torn_bytes: int = SD_BLOCK_BYTES // 2
    late: int = 0
    seed: int = 0


class BlockDevice:
    """A memory of equal blocks whose transfers take virtual time."""

    def __init__(self, clock: VirtualClock, data: ImageBytes, block_bytes: int, read_ns: int, write_ns: int) -> None:
        self._clock = clock
        self.data = data
        self._block_bytes = block_bytes
        self._read_ns = read_ns
        self._write_ns = write_ns
        self.blocks_read = 0
        self.blocks_written = 0

    def info(self) -> int:
        """Block size and count, as `BLOCK_INFO` answers them."""
        return self._block_bytes << 32 | len(self.data) // self._block_bytes

    def read(self, block: int, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` in `block`; raises OSError outside the device."""
        start = self._start(block, offset, count)
        blocks = -(-count // self._block_bytes)
        self.blocks_read += blocks
        self._clock.advance(blocks * self._read_ns)
        return bytes(self.data[start : start + count])

    def write(self, block: int, offset: int, data: bytes) -> None:
        """Store `data` block by block; raises OSError outside the device."""
        start = self._start(block, offset, len(data))
        for at in range(0, len(data), self._block_bytes):
            piece = data[at : at + self._block_bytes]
            self._clock.advance(self._write_ns)
            self._store(start + at, piece)
            self.blocks_written += 1

    def _store(self, address: int, piece: bytes) -> None:
        self.data[address : address + len(piece)] = piece

    def _start(self, block: int, offset: int, count: int) -> int:
        start = block * self._block_bytes + offset
        if start + count > len(self.data):
            raise OSError(errno.EINVAL, "outside the device")
        return start


class BoardFlash(BlockDevice):
    """The board's own flash: whole blocks are erased, pages of erased blocks are programmed."""

    def __init__(self, clock: VirtualClock, data: bytearray) -> None:
        super().__init__(clock, data, FLASH_BLOCK_BYTES, FLASH_READ_NS, FLASH_PAGE_NS)

    def write(self, block: int, offset: int, data: bytes) -> None:
        start = self._start(block, offset, len(data))
        pages = (start + len(data) - 1) // FLASH_PAGE_BYTES - start // FLASH_PAGE_BYTES + 1
        self._clock.advance(pages * self._write_ns)
        self._store(start, data)
        self.blocks_written += 1

    def erase(self, block: int) -> None:
        """What the file system asks for before it writes to a block anew."""
        start = self._start(block, 0, self._block_bytes)
        self._clock.advance(FLASH_ERASE_NS)
        self._store(start, b"\xff" * self._block_bytes)


class CardSlot(BlockDevice):
    """An SD card, or none (`image` is None), with the faults it is to have."""

    def __init__(self, clock: VirtualClock, image: ImageBytes | None, faults: CardFaults | None = None) -> None:
        super().__init__(clock, bytearray() if image is None else image, SD_BLOCK_BYTES, SD_READ_NS, SD_TRANSFER_NS)
        self._busy_until_ns = 0
        self._identity = 0
        self._present = image is not None
        self._faults = faults or CardFaults()
        self._late: deque[tuple[int, bytes]] = deque(maxlen=self._faults.late)

    def put(self, image: ImageBytes | None) -> None:
        """Another card in its place, or none."""
        self._identity += 1
        self._present = image is not None
        self.data = bytearray() if image is None else image

    def identity(self) -> int:
        """Tells one card from the next; raises OSError without one."""
        self._check()
        return self._identity

    def lose_late(self) -> None:
        """The supply has gone: what was on its way is there, or what was there before."""
        chance = random.Random(self._faults.seed)
        while self._late:
            address, before = self._late.pop()
            if chance.random() < 0.5:
                self.data[address : address + len(before)] = before

    def info(self) -> int:
        self._check()
        return super().info()

    def read(self, block: int, offset: int, count: int) -> bytes:
        self._check()
        self.settle()
        return super().read(block, offset, count)

    def write(self, block: int, offset: int, data: bytes) -> None:
        self._check()
        self.settle()
        super().write(block, offset, data)
        self._busy_until_ns = self._clock.now_ns + -(-len(data) // SD_BLOCK_BYTES) * SD_PROGRAM_NS

    def settle(self) -> None:
        """Wait until the card has programmed what it has taken."""
        self._clock.advance(max(self._busy_until_ns - self._clock.now_ns, 0))

    def _store(self, address: int, piece: bytes) -> None:
        if self.blocks_written == self._faults.pull_at_write:
            self._present = False
            self.lose_late()
            self._check()
        if self.blocks_written == self._faults.cut_at_write:
            super()._store(address, piece[: self._faults.torn_bytes])
            raise PowerCut
        if self._late.maxlen:
            self._late.append((address, bytes(self.data[address : address + len(piece)])))
        super()._store(address, piece)

    def _check(self) -> None:
        if not self._present:
            raise OSError(_ENOMEDIUM, "no card")
        if self._faults.unreadable:
            raise OSError(errno.EIO, "unreadable")


class BlockPort:
    """The calls `BLOCK_*`, for the card and the internal flash."""

    def __init__(self, card: CardSlot, store: BoardFlash) -> None:
        self._card = card
        self._store = store
        self._devices: dict[int, BlockDevice] = {op.BLOCK_CARD: card, op.BLOCK_STORE: store}

    def read(self, small: int, number: int, wide: int, _payload: bytes) -> Reply:
        return self._devices[small].read(number, wide >> 32, wide & 0xFFFF_FFFF)

    def write(self, small: int, number: int, wide: int, payload: bytes) -> Reply:
        self._devices[small].write(number, wide, payload)
        return 0

    def erase(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        if small == op.BLOCK_STORE:
            self._store.erase(number)
        return 0

    def sync(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if small == op.BLOCK_CARD:
            self._card.settle()
        return 0

    def identity(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._card.identity()

    def info(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._devices[small].info()
