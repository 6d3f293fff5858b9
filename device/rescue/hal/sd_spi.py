# An SD or SDHC card over SPI as a block device. SD Physical Layer Simplified Specification chapter 7 (SPI mode).
#
# Every wait has a limit, every refusal is an OSError: EIO for what the card refuses or garbles, ETIMEDOUT for what it
# does not answer, ENODEV where no card answers at all. After any of them the card is begun anew by the next access, so
# that a card put back in works again. Another one in its place does not: what a file could not write when its card was
# pulled is written by the garbage collector later, and must not land there.
#
# Commands and blocks carry a CRC that is checked; sd_blocks.py alone leaves it out in long reads.
#
# A card takes blocks into its own memory and programs them afterwards, for some ms and 500 at most. Nobody waits for
# that but who comes next: the wire can move meanwhile. A long transfer stays open for the blocks behind it, with the
# card selected. What became of a write is asked before any other transfer, and when the file system syncs, as it does
# at each file's end: its error is raised there.

import time

from micropython import const

from rescue.hal.sd_crc import crc7

_ENODEV = const(19)
_EIO = const(5)
_ETIMEDOUT = const(110)

_BLOCK = const(512)
_INIT_HZ = const(400000)
_INIT_MS = const(1000)  # 4.2.3: ACMD41 is done within a second
_READ_MS = const(200)  # 4.6.2.1: 100 ms
_BUSY_MS = const(600)  # 4.6.2.2: 250 ms, 500 ms for SDXC
_ANSWER_BYTES = const(16)  # NCR is 8; some cards take more
_GRACE = const(4)  # tries of the first command: the card may be in the middle of an earlier transfer

_IDLE = const(0x01)  # R1
_ILLEGAL = const(0x04)
_TOKEN = const(0xFE)
_TOKEN_NEXT = const(0xFC)  # of CMD25
_STOP = b"\xfd\xff"  # busy shows after a byte
_HEAD = const(8)

_IOCTL_SYNC = const(3)
_IOCTL_COUNT = const(4)
_IOCTL_SIZE = const(5)


class SdCard:
    """spi: a machine.SPI; cs: its select, a machine.Pin that is high now; hz: SCK once the card is ready; blocks: what
    moves data over it (sd_blocks.py, sd_dma.py).

    The constructor looks for a card and raises OSError without one.
    """

    on_read = None  # called before each read, where one wants to know that work goes on

    def __init__(self, spi, cs, hz, blocks):
        self._spi = spi
        self._data = blocks
        self._cs = cs
        self._hz = hz
        self._frame = bytearray(6)
        self._byte = bytearray(1)
        self._head = memoryview(bytearray(_HEAD))
        self._four = bytearray(4)
        self._shift = 0  # blocks are addressed by number, or by byte on old cards
        self._blocks = 0
        self._ready = False
        self._owes = False  # the card has taken blocks, and nobody has asked what became of them
        self._writes_at = None  # the block that a CMD25 under way takes next
        self._reads_at = None  # that a CMD18 under way gives next
        self._under_way = False
        self._cid = None
        self._begin()

    # -- the block device of os.VfsFat -----------------------------------------------------------------------------

    def readblocks(self, start, buf):
        if self.on_read is not None:
            self.on_read()
        self._attempt(self._read, start, memoryview(buf))

    def writeblocks(self, start, buf):
        self._attempt(self._write, start, memoryview(buf))

    def identity(self):
        """The card's CID (5.2): its maker, and a serial number that no other of theirs has."""
        cid = memoryview(bytearray(16))
        self._attempt(self._register, 10, cid)
        return bytes(cid)

    def retire(self):
        """Nothing more is read or written: its volume is unmounted."""
        self._cid = b""  # no card's
        self._ready = False

    def ioctl(self, request, argument):
        if request == _IOCTL_COUNT:
            return self._blocks
        if request == _IOCTL_SIZE:
            return _BLOCK
        if request == _IOCTL_SYNC and self._owes:
            self._attempt(self._settle)
        return 0

    # -- transfers -------------------------------------------------------------------------------------------------

    def _attempt(self, transfer, start=0, view=None):
        if self._under_way:
            # A file that could not be closed, flushed by the garbage collector in the middle of another transfer.
            raise OSError(_EIO)
        self._under_way = True
        done = False
        try:
            if not self._ready:
                self._begin()
            transfer(start, view)
            done = True
        finally:
            self._ready = done
            self._under_way = False
            if not done or (self._writes_at is None and self._reads_at is None):
                self._deselect()

    def _register(self, command, view):
        self._settle()
        self._expect(self._command(command, 0), 0)
        self._move(self._data.receive, _TOKEN, view, _READ_MS)

    def _read(self, start, view):
        size = len(view)
        if start != self._reads_at:
            self._settle()
            self._expect(self._command(17 if size == _BLOCK else 18, start << self._shift), 0)
            if size > _BLOCK:
                self._reads_at = start
        self._move(self._data.receive, _TOKEN, view, _READ_MS)
        if self._reads_at is not None:
            self._reads_at += size // _BLOCK

    def _write(self, start, view):
        size = len(view)
        if start != self._writes_at:
            self._settle()
            self._expect(self._command(24 if size == _BLOCK else 25, start << self._shift), 0)
            self._owes = True
            if size > _BLOCK:
                self._writes_at = start
        self._move(self._data.send, _TOKEN if self._writes_at is None else _TOKEN_NEXT, view, _BUSY_MS)
        if self._writes_at is not None:
            self._writes_at += size // _BLOCK

    def _move(self, do, first, view, limit_ms):
        at = 0
        start = None
        while at < len(view):
            moved = do(first, view, at)
            if moved < len(view):
                start = self._still(start if moved == at else None, limit_ms)
            at = moved

    def _settle(self, _start=0, _view=None):
        if self._reads_at is not None:
            self._reads_at = None
            self._command(12, 0, 1)  # its answer comes after one byte that means nothing
            self._wait_ready()
        if self._writes_at is not None:
            self._writes_at = None
            self._wait_ready()
            self._spi.write(_STOP)
        if self._owes:
            # 7.2.3: what went wrong inside the card shows in its status only. The command waits until it is ready.
            self._owes = False
            self._expect(self._command(13, 0), 0)
            self._expect(self._get(), 0)

    # -- start -----------------------------------------------------------------------------------------------------

    def _begin(self):
        self._spi.init(baudrate=_INIT_HZ, polarity=0, phase=0)
        self._owes = False
        self._writes_at = self._reads_at = None
        try:
            self._cs(1)
            for _ in range(20):  # 74 clocks and more with CS high; more still to end an interrupted transfer
                self._get()
            self._cs(0)
            # A helper that was reset may have left it in the middle of a write.
            self._wait_ready()
            self._spi.write(_STOP)
            self._wait_ready()
            self._start()
            cid = memoryview(bytearray(16))
            self._register(10, cid)
            if self._cid is None:
                self._cid = bytes(cid)
            if self._cid != cid:
                raise OSError(_ENODEV)
            self._ready = True
        finally:
            self._deselect()
        self._spi.init(baudrate=self._hz, polarity=0, phase=0)

    def _start(self):
        for _ in range(_GRACE):
            if self._command(0, 0) == _IDLE:
                break
        else:
            raise OSError(_ENODEV)
        four = self._four
        modern = not self._command(8, 0x1AA) & _ILLEGAL
        if modern:
            self._spi.readinto(four, 0xFF)
            if four[3] != 0xAA:  # it cannot work at this voltage
                raise OSError(_EIO)
        self._command(59, 1)  # CRC on
        start = None
        while True:
            self._command(55, 0)
            if self._command(41, 1 << 30 if modern else 0) == 0:
                break
            start = self._still(start, _INIT_MS)
        self._expect(self._command(58, 0), 0)
        self._spi.readinto(four, 0xFF)
        self._shift = 0 if four[0] & 0x40 else 9
        if self._shift:
            self._expect(self._command(16, _BLOCK), 0)
        self._blocks = self._capacity()

    def _capacity(self):
        """Blocks, from the CSD (5.3.2, 5.3.3)."""
        csd = memoryview(bytearray(16))
        self._register(9, csd)
        if csd[0] >> 6:
            return ((csd[7] & 0x3F) << 16 | csd[8] << 8 | csd[9]) + 1 << 10
        size = (csd[6] & 3) << 10 | csd[7] << 2 | csd[8] >> 6
        exponent = ((csd[9] & 3) << 1 | csd[10] >> 7) + 2 + (csd[5] & 15) - 9
        return size + 1 << exponent

    # -- bytes -----------------------------------------------------------------------------------------------------

    def _command(self, index, argument, skipped=0):
        """R1. The card stays selected: an answer or data may follow."""
        frame = self._frame
        frame[0] = 0x40 | index
        frame[1] = argument >> 24 & 0xFF
        frame[2] = argument >> 16 & 0xFF
        frame[3] = argument >> 8 & 0xFF
        frame[4] = argument & 0xFF
        frame[5] = crc7(frame, 5)
        self._cs(0)
        if not skipped and index:
            self._wait_ready()
        self._spi.write(frame)
        for _ in range(skipped):
            self._get()
        for _ in range(_ANSWER_BYTES):
            answer = self._get()
            if not answer & 0x80:
                return answer
        raise OSError(_ENODEV if index == 0 else _ETIMEDOUT)

    def _wait_ready(self):
        head = self._head
        start = None
        while True:
            self._spi.readinto(head, 0xFF)
            if head[_HEAD - 1] == 0xFF:
                return
            start = self._still(start, _BUSY_MS)

    def _still(self, start, limit_ms):
        """Called in each turn of a wait, with what it returned before (at first None)."""
        now = time.ticks_ms()
        if start is None:
            return now
        if time.ticks_diff(now, start) > limit_ms:
            raise OSError(_ETIMEDOUT)
        return start

    def _expect(self, answer, wanted):
        if answer != wanted:
            raise OSError(_EIO)

    def _get(self):
        self._spi.readinto(self._byte, 0xFF)
        return self._byte[0]

    def _deselect(self):
        self._cs(1)
        self._get()  # the card lets go of its output with the next clock
