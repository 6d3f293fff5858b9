# Flash of the STM32H7 over its AHB-AP: erase sectors, program flash words, read what can be read. All dies by table.py.
# RM0468 4.3, 4.9; docs/reference/chip.md#flash-registers. There is no mass erase here, and there never will be.


from rescue.chips.stm32h7 import flash_registers as reg
from rescuelink.errors import FlashError


class H7Flash:
    """size: bytes of flash; base: its address. Operations need a halted core, reset into halt for programming."""

    def __init__(self, core, clock, chip, flash_kib):
        self._core = core
        self._ap = core.ap
        self._clock = clock
        self._chip = chip
        self.base = chip.flash_base
        self.size = flash_kib << 10
        self._writing = None
        self._reading = None
        self.resends = 0  # pieces that had to be sent twice because of noise on the line
        self.by_core = True  # let the target's core program, if it shows that it can; False: every word over the wire

    # -- geometry ----------------------------------------------------------------------------------------------------

    def sectors(self):
        """[(index, address, size in bytes), ..]"""
        size = self._chip.sector_bytes
        return [(n, self.base + n * size, size) for n in range(self.size // size)]

    def sector_of(self, address):
        """Index of the sector that holds `address`. Raises FlashError("range")."""
        self.check_range(address, 1)
        return (address - self.base) // self._chip.sector_bytes

    def registers(self, address):
        """The base of the registers of the bank that holds `address`; of the first for None."""
        bank = 0 if address is None else (address - self.base) // self._chip.bank_bytes
        return self._chip.flash_registers + bank * reg.BANK_STEP

    def banks(self):
        """The address of each bank."""
        return range(self.base, self.base + self.size, self._chip.bank_bytes)

    def check_range(self, address, length):
        if address < self.base or address + length > self.base + self.size:
            raise FlashError("range", "not in this chip's flash", address)

    # -- writing: its code is loaded at the first unlock(), and dropped after lock() -----------------------------------

    def unlock(self):
        """Allow erasing and programming, until lock(); a reset of the chip in between is made good.

        A second key sequence would lock until reset, so LOCK is looked at first.
        """
        self._reading = None
        self._writer().unlock()

    def lock(self):
        self._writer().lock()
        self._writing = None

    def erase(self, sector, consent):
        """Erase one sector (about 1 s for 128 KiB). Raises ConsentError, FlashError."""
        self.start_erase(sector, consent)
        self.wait_erased()

    def start_erase(self, sector, consent, count=1):
        """Begin to erase `count` sectors of one bank, from `sector` on.

        Until wait_erased() nothing may read flash; a stream() may be opened and fed meanwhile.
        """
        writer = self._writer()
        writer.begin_erase(*writer.prepare_erase(sector, consent, count))  # from here, where the stack is shorter

    def wait_erased(self, check=None):
        """Until the erase is over; `check()` is called now and then and may raise. Raises FlashError."""
        self._writer().wait_erased(check)

    def stream(self, address, length, consent, again=None):
        """Program `length` bytes from `address`, whole flash words of erased flash, as they come.

        put(view, check=None) takes the next ones, 1 KiB or a multiple best; it may come back before they are in the
        flash. finish(check=None) returns when all are. An error belongs to the flash word it names, which may have been
        handed over a while ago. Words that are all 0xFF are left blank. again(address, length) gives once more what was
        handed over and has arrived damaged; it may use the buffer that put() was given. Raises ConsentError,
        FlashError, WireError.
        """
        return self._writer().stream(address, length, consent, again)

    def program(self, address, buf, consent, erased=False):
        """Program `buf` at `address`, both whole flash words; words that are all 0xFF are left blank.

        A flash word can be programmed once per erase. Unless `erased` says that the sector was erased just now, the
        range is read first and refused where it is not blank. Raises ConsentError, FlashError.
        """
        stream = self.stream(address, len(buf), consent)
        if not erased and not self.is_blank(address, len(buf)):
            raise FlashError("not_blank", "this part of flash is not blank", address, None, "erase the sector first")
        stream.put(memoryview(buf))
        stream.finish()

    def _writer(self):
        if self._writing is None:
            from rescue.chips.stm32h7.flash_write import FlashWriter

            self._writing = FlashWriter(self, self._core, self._clock, self._chip)
        return self._writing

    def refusal(self, status, address):
        """The FlashError for the error flags in `status`, a value of SR1; clears them."""
        from rescue.chips.stm32h7 import flash_errors

        return flash_errors.refusal(self, self._ap, self._chip, status, address)

    # -- reading: its code is loaded when it is needed, and makes room for that of writing -----------------------------

    def read(self, address, buf, look=True):
        """Fill `buf` from the word-aligned `address`. Returns the addresses of torn flash words.

        A torn word, one whose ECC cannot correct it, answers with a bus error, or just sets DBECCERR (unconfirmed on
        an H72x, so both count); its bytes are given as 0xFF. Read protection raises FlashError("read_protected").
        Ask in pieces of a few KiB: the list can get long. Without `look` a bus error alone tells, and is_sound() the
        rest behind many pieces.
        """
        return self._reader().read(address, buf, look)

    def is_sound(self, address):
        """Whether nothing read without a look was torn or protected, in the bank of `address`. Where it may have been,
        read() with a look finds it."""
        return self._reader().is_sound(address)

    def is_blank(self, address, length):
        """Whether `length` bytes from `address` all read 0xFF and no word is torn."""
        return self._reader().is_blank(address, length)

    def vectors(self, address):
        """{"sp", "pc", "valid"} of the vector table at `address`; sp and pc are None where the table is torn.

        Valid: the stack in a RAM and word-aligned, the reset vector odd (Thumb) and in flash.
        """
        return self._reader().vectors(address)

    def drop_reader(self):
        """What reads goes, until it is needed again."""
        self._reading = None

    def _reader(self):
        if self._reading is None:
            from rescue.chips.stm32h7.flash_read import FlashReader

            self._reading = FlashReader(self._ap, self._chip, self, self._clock)
        return self._reading
