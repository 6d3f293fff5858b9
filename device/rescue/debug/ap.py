# A memory access port: 32-bit reads and writes, and blocks, with errors tied to the address they belong to.
# IHI 0031G chapter C2. TAR is rewritten at every 1 KiB boundary and after every error.

from struct import pack_into

from micropython import const

from rescue.debug import adi_registers as adi
from rescuelink.errors import WireError

_TRIES = const(2)
_CORE = const(0xE000EDF0)  # DHCSR, DCRSR, DCRDR
_CORE_LAST = const(0xE000EDFC)  # DEMCR, behind which TAR leaves the 16 bytes
_BANKED = const(1)  # the register bank of BD0 to BD3


class MemAp:
    """Access port `index`. Every WireError leaves the DP recovered and carries the address.

    Reads are tried again after anything but a FAULT, which is the bus's own answer. A write is sent again only where
    the chip says that it dropped the damaged word, or where the caller says that twice does no harm: a key or a flash
    word must not be written twice.
    """

    def __init__(self, dp, index, csw):
        self.dp = dp
        self.index = index
        self._csw = csw
        self._wire = dp.wire
        self._paged = hasattr(dp.wire, "read_page")  # TAR and words in one call of the wire
        self._word = memoryview(bytearray(4))
        self._epoch = -1  # the DP epoch in which CSW was written
        self._sticky = 0  # CTRL/STAT error flags found by the last recovery
        self._tar = None  # the 16 bytes into which TAR points, where that is known and matters

    def idr(self):
        return self._register(adi.IDR)

    def base(self):
        return self._register(adi.BASE)

    def read32(self, address):
        failure = None
        for _ in range(_TRIES):
            register = None if self._paged else self._aim(address)
            try:
                if register is not None:
                    return self._wire.read(1, register)
                self._page_in(address, self._word)
                return int.from_bytes(self._word, "little")
            except WireError as error:
                failure = self._recovered(error, address)
        raise failure

    def write32(self, address, value, again=False):
        """Returns when the bus has taken the word. `again`: written twice it does no harm."""
        failure = None
        for _ in range(_TRIES):
            register = None if self._paged else self._aim(address)
            try:
                if register is None:
                    pack_into("<I", self._word, 0, value)
                    self._page_out(address, self._word)
                else:
                    self._wire.write(1, register, value)
            except WireError as error:
                failure = self._recovered(error, address)
                if again or self._sticky & adi.WDATAERR:
                    continue
                raise failure from None
            if self._flushed(address):
                return
            failure = WireError("parity", "a written word was damaged on the way", address)
        raise failure

    def _flushed(self, address):
        """True when the bus has taken the word just written, False if the chip dropped it as damaged."""
        try:
            self._wire.read(0, adi.RDBUFF)
        except WireError as error:
            self._recovered(error, address)
            # The answer to this read was lost, not the word: the chip's own flags tell what became of it.
            return not self._sticky & adi.WDATAERR
        return True

    def read_block(self, address, buf):
        """Fill `buf` from the word-aligned `address`. On error, error.done words of `buf` are good."""
        view = memoryview(buf)
        length = len(buf)
        offset = 0
        tries = _TRIES
        selected = False
        while offset < length:
            end = min(offset + adi.TAR_WRAP - (address + offset & adi.TAR_WRAP - 1), length)
            if not self._paged:
                self._aim_block(address + offset)
            try:
                if not self._paged:
                    self._wire.read_block(1, adi.DRW, view[offset:end])
                elif selected:
                    self._wire.read_page(address + offset, view[offset:end])
                else:
                    self._page_in(address + offset, view[offset:end])
                    selected = True
                offset = end
            except WireError as error:
                # What came with good parity is kept; each word gets its own tries.
                selected = False
                tries = _TRIES if error.done else tries - 1
                offset += 4 * error.done
                error.done = offset >> 2
                failure = self._recovered(error, address + offset)
                if not tries:
                    raise failure from None

    def write_block(self, address, buf):
        """Write `buf` from the word-aligned `address`; returns when the bus has taken the last word."""
        self.post_pages(address, buf)
        try:
            self._wire.read(0, adi.RDBUFF)
        except WireError as error:
            error.done = max((len(buf) >> 2) - 1, 0)
            raise self._recovered(error, address + 4 * error.done) from None

    def post_pages(self, address, buf):
        """write_block() without waiting for its last word, of which post_block() tells."""
        view = memoryview(buf)
        offset = 0
        while offset < len(buf):
            end = min(offset + adi.TAR_WRAP - (address + offset & adi.TAR_WRAP - 1), len(buf))
            self.post_block(address + offset, view[offset:end], offset >> 2)
            offset = end

    def post_block(self, address, buf, done_before=0):
        """write_block() for a piece inside one 1 KiB page, without waiting for its last word.

        A bus error of that word shows on the next access; damage to it on the way may not show at all.
        """
        if not self._paged:
            self._aim_block(address)
        try:
            if self._paged:
                self._page_out(address, buf)
            else:
                self._wire.write_block(1, adi.DRW, buf)
        except WireError as error:
            error.done = max(error.done, 0)
            where = address + 4 * error.done
            error.done += done_before
            raise self._recovered(error, where) from None

    def _aim(self, address):
        """For one word at `address`: which register of the wire reaches it now.

        The core's debug registers are used many times in a row: from the second time on they go by the banked data
        registers, and so need no TAR.
        """
        if address >> 4 == self._tar and self._epoch == self.dp.epoch:
            try:
                self.dp.select(self.index, _BANKED)
                return address & 0xC
            except WireError as error:
                self._recovered(error, address)
        self._aim_block(address)
        if _CORE <= address < _CORE_LAST:
            self._tar = address >> 4
        return adi.DRW

    def _aim_block(self, address):
        self._tar = None
        failure = None
        for _ in range(_TRIES):
            try:
                self.dp.select(self.index, 0)
                if self._epoch != self.dp.epoch:
                    self._set_csw()
                self._wire.write(1, adi.TAR, address)
                return
            except WireError as error:
                failure = self._recovered(error, address)
        raise failure

    def _set_csw(self):
        self._wire.write(1, adi.CSW, self._csw)
        self._epoch = self.dp.epoch

    # Where the wire takes TAR and the words in one call; otherwise _aim() and _aim_block() come first. All three select
    # the AP by themselves: one call more here would be the deepest place of a host's job.

    def _page_in(self, address, buf):
        self.dp.select(self.index, 0)
        if self._epoch != self.dp.epoch:
            self._set_csw()
        self._wire.read_page(address, buf)

    def _page_out(self, address, buf):
        # Once more where not even TAR has got through: nothing is written then.
        arrived = False
        try:
            self.dp.select(self.index, 0)
            if self._epoch != self.dp.epoch:
                self._set_csw()
            arrived = True
            self._wire.write_page(address, buf)
        except WireError as error:
            if arrived and error.done >= 0:
                raise
            self._recovered(error, address)
            self._page_once_more(address, buf)

    def _page_once_more(self, address, buf):
        self.dp.select(self.index, 0)
        if self._epoch != self.dp.epoch:
            self._set_csw()
        self._wire.write_page(address, buf)

    def _register(self, reg):
        failure = None
        for _ in range(_TRIES):
            try:
                self.dp.select(self.index, reg >> 4)
                return self._wire.read(1, reg & 0xC)
            except WireError as error:
                failure = self._recovered(error, None)
        raise failure

    def _recovered(self, error, address):
        """`error` with its address, after the DP was brought back. Raised at once if it is the bus's own answer."""
        error.address = address
        self._tar = None
        self._sticky = self.dp.recover(error) & adi.STICKY_FLAGS
        if self._sticky & adi.WDATAERR:
            error.kind = "parity"
            error.message = "a written word was damaged on the way"
        elif self._sticky & adi.STICKYERR and error.kind != "wait":  # giving up a waiting transfer sets it, too
            error.kind = "fault"
            error.message = "the chip refused the access"
        if error.kind == "fault":
            raise error
        return error


def ahb_ap(dp, index):
    """The AP of a Cortex-M or of an AHB matrix."""
    return MemAp(dp, index, adi.CSW_AHB | adi.CSW_WORDS)


def apb_ap(dp, index):
    """The AP of a debug APB. DbgSwEnable is always written 1."""
    return MemAp(dp, index, adi.CSW_DBGSWEN | adi.CSW_WORDS)
