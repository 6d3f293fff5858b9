# Erasing and programming the flash of the STM32H7. RM0468 4.3; docs/reference/chip.md#flash-word.

from micropython import const

from rescue.chips.stm32h7 import flash_loader_layout as ram
from rescue.chips.stm32h7 import flash_registers as reg
from rescue.hal.ports import Timeout
from rescuelink.consent import ERASE, PROGRAM
from rescuelink.errors import FlashError, TargetError, WireError

_ERASE_MS = const(10000)  # 2 s at most with x64, 4 s with x8
_ERASE_POLL_MS = const(10)
_ERASE_LOOK_MS = const(40)  # between two looks at the rails
_READY_MS = const(10000)  # an operation that somebody else left running
_COMMAND_MS = const(100)
_BLANK_MS = const(500)  # a bank of 1 MiB takes less than half of it
_TRIES = const(3)
_COMMAND = const(0x184)  # where two routines begin in their code (flash_loader.S)
_BLANK = const(0x1B0)
_REFUSED = const(0xFFFFFFFF)


class FlashWriter:
    """What H7Flash does from unlock() to lock()."""

    def __init__(self, flash, core, clock, chip):
        self.flash = flash
        self.core = core
        self._ap = core.ap
        self.clock = clock
        self.chip = chip
        self._registers = chip.flash_registers  # of the bank that is worked on
        self._open = False
        self._by_core = False  # this core has shown that it can program
        # (address, Timeout, ms() of its start, end of the last sector, begin of the first) of the erase that runs
        self._erasing = None
        self._stamp = 0
        self._again = 0  # erases that had to be begun anew

    def next_stamp(self):
        """What all slots of one run of the routine have in their highest byte."""
        self._stamp = self._stamp + 1 & 0xFF
        return self._stamp << 24

    def unlock(self):
        """See H7Flash.unlock. Here is also found out whether the core can do the programming."""
        self._open = True
        self._by_core = False
        self.make_ready(None)
        if self.flash.by_core:
            from rescue.chips.stm32h7.flash_loader_code import works

            self._reset_core()
            self._by_core = works(self)
            self._reset_core()  # a routine that went astray is not left running beside an erase

    def _reset_core(self):
        if not self.core.reset_halted:
            self.core.reset_halt()
            self._unlock()

    def _unlock(self):
        if self._read(reg.CR1) & reg.CR_LOCK:
            from rescue.chips.stm32h7.flash_keys import unlock

            unlock(self.flash, self.core, self._registers)

    def lock(self):
        self._open = False
        for bank in self.flash.banks():
            self._registers = self.flash.registers(bank)
            self._tell(reg.CR_LOCK, 0)

    # -- erase ---------------------------------------------------------------------------------------------------------

    def prepare_erase(self, sector, consent, count):
        """Checks, and a controller that is ready. Returns what begin_erase() wants."""
        for index in range(sector, sector + count):
            consent.require(ERASE, index)
        address = self.flash.base + sector * self.chip.sector_bytes
        self.flash.check_range(address, count * self.chip.sector_bytes)
        self.make_ready(address)
        self._again = 0
        return address, address + count * self.chip.sector_bytes, address

    def begin_erase(self, address, end, first):
        """Sector by sector from `address` to `end`, the first of which was `first`."""
        chip = self.chip
        sector = (address - self.flash.base) % chip.bank_bytes // chip.sector_bytes
        _, start, shift, flags = chip.control
        limit = Timeout(self.clock, _ERASE_MS, "sector erase", FlashError, address)
        self._erasing = (address, limit, self.clock.ms(), end, first)
        for _ in range(_TRIES):
            self.write(reg.CCR1, flags)
            try:
                status = self._tell(reg.CR_SER | sector << shift, start)
            except WireError as error:
                if error.kind == "fault":
                    raise
                # Whether it began is not known. Once the controller is idle, erasing again is right in both cases.
                self.finish(limit, _ERASE_POLL_MS, address)
                continue
            if status & (reg.SR_BUSY | reg.SR_ERRORS | reg.SR_EOP):
                return
            self.flash.resends += 1  # START was not heard

    def is_erased(self):
        """Whether no erase is running (any more). Asks the chip only when the erase may be over."""
        if self._erasing is None:
            return True
        address, limit, start, end, first = self._erasing
        if self.clock.since_ms(start) < self.chip.sector_erase_ms:
            return False
        limit.check()
        status = self._ap.read32(self.status_address)
        if status & reg.SR_BUSY:
            return False
        if status & reg.SR_ERRORS:
            self._erasing = None
            raise self.flash.refusal(status, address)
        address += self.chip.sector_bytes
        if address < end:
            self.begin_erase(address, end, first)
            return False
        self._erasing = None
        wrong = self._not_blank(first, end)
        if wrong is not None:
            self._erase_again(wrong, end)
            return False
        if not self.runs_on_core():
            self.control(0)
        return True

    def _erase_again(self, address, end):
        # An erase that did not happen: nothing is programmed over what is there.
        self._again += 1
        if self._again == _TRIES:
            raise FlashError("erase", "flash is not blank after its erase", address)
        sector = self.chip.sector_bytes
        first = address - (address - self.flash.base) % sector
        self.begin_erase(first, end, first)

    def _not_blank(self, address, end):
        """The address of the first word that is not blank, None where all are."""
        if not self.runs_on_core():
            return None if self.flash.is_blank(address, end - address) else address
        code = self.chip.work_ram + ram.CODE
        for _ in range(_TRIES):
            try:
                # No call() here: the stack is deep already.
                self.core.start(code + _BLANK, (address, end), code)
                found = self.core.result(_BLANK_MS)
            except TargetError:
                self._reset_core()  # a torn flash word faults the core
                return address
            if found == end:
                return None
            if address < found < end:
                return found - 4
            self.flash.resends += 1  # it looked elsewhere
        return address

    def wait_erased(self, check=None):
        """Until the erase is over. `check()` is called now and then meanwhile: it may raise."""
        while not self.is_erased():
            left_ms = self.chip.sector_erase_ms - self.clock.since_ms(self._erasing[2])
            self.clock.sleep_ms(min(left_ms, _ERASE_LOOK_MS) if left_ms > 0 else _ERASE_POLL_MS)
            if check is not None:
                check()

    # -- program -------------------------------------------------------------------------------------------------------

    def stream(self, address, length, consent, again=None):
        """See H7Flash.stream."""
        word_bytes = self.chip.word_bytes
        if address % word_bytes or length % word_bytes:
            raise FlashError("alignment", "flash is programmed in words of %d bytes" % word_bytes, address)
        self.flash.check_range(address, length)
        for sector in range(self.flash.sector_of(address), self.flash.sector_of(address + max(length, 1) - 1) + 1):
            consent.require(PROGRAM, sector)
        if self._erasing is None:
            self.make_ready(address)
        if self.runs_on_core():
            from rescue.chips.stm32h7.flash_loader import LoaderStream

            return LoaderStream(self, address, length, again)
        from rescue.chips.stm32h7.flash_words import WordStream

        return WordStream(self, address)

    # -- the controller ------------------------------------------------------------------------------------------------

    def make_ready(self, address):
        """Nothing running, no old error flags (they appear by themselves and would stop the first write)."""
        if not self._open:
            raise FlashError("locked", "the flash controller is locked", address)
        self._erasing = None
        self._registers = self.flash.registers(address)
        self.status_address = self._registers + reg.SR1
        self.control_address = self._registers + reg.CR1
        self._unlock()
        limit = Timeout(self.clock, _READY_MS, "earlier flash operation", FlashError, address)
        while self._ap.read32(self.status_address) & reg.SR_BUSY:
            limit.pause(1)
        if self.runs_on_core():
            self._reset_core()  # something else ran since, or a routine failed
        self.write(reg.CCR1, self.chip.control[3])

    def finish(self, limit, pause_ms, address):
        """Until the controller is idle. Returns SR1; raises FlashError with the names of its error flags."""
        status = self._ap.read32(self.status_address)
        while status & reg.SR_BUSY:
            if pause_ms:
                limit.pause(pause_ms)
            else:
                limit.check()
            status = self._ap.read32(self.status_address)
        if status & reg.SR_ERRORS:
            raise self.flash.refusal(status, address)
        return status

    def _read(self, offset):
        return self._ap.read32(self._registers + offset)

    def runs_on_core(self):
        """Whether the core carries out what goes to the flash."""
        return self._by_core and self.flash.by_core

    def _tell(self, bits, start):
        """CR as a whole, looked at before the bits `start` are added. Returns SR as it was then.

        By the core, whose arguments carry a check word: the one write that starts an erase never goes over the wire,
        where two flipped bits would make it another sector's, or the whole bank's.
        """
        bits |= self.chip.control[0]
        address = self._registers + reg.CR1
        if self.runs_on_core():
            code = self.chip.work_ram + ram.CODE
            for _ in range(_TRIES):
                self.core.start(code + _COMMAND, (address, bits, start, _REFUSED ^ address ^ bits ^ start), code)
                status = self.core.result(_COMMAND_MS)
                if status != _REFUSED:
                    return status
                self.flash.resends += 1
            raise FlashError("control", "the flash controller does not hold what it is told")
        for _ in range(_TRIES):
            self.control(bits)
            if self._read(reg.CR1) & ~reg.CR_LOCK == bits & ~reg.CR_LOCK:
                break
            self.flash.resends += 1
        else:
            raise FlashError("control", "the flash controller does not hold what it is told")
        if start:
            self._ap.write32(address, bits | start)
        return self._read(reg.SR1)

    def control(self, bits):
        """CR as a whole: these bits, and nothing else is left from before (registers, CR1)."""
        self.write(reg.CR1, self.chip.control[0] | bits)

    def write(self, offset, value):
        """A register that may be written twice: not a key, not START."""
        self._ap.write32(self._registers + offset, value, again=True)
