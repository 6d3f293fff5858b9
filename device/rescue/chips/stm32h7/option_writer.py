# Changes option bytes, under consent. RM0468 4.4, 4.5; docs/reference/chip.md#options-change.
#
# Never written, whatever is asked: RDP level 2, the PCROP and secure areas, SECURITY. The staged registers are read
# back before the change is started, because a damaged transfer must not become an option byte.

from rescue.chips.stm32h7 import flash_registers as reg
from rescue.hal.ports import Timeout
from rescuelink.consent import OPTION_BYTES, RDP_REGRESSION, WRITE_PROTECTION
from rescuelink.errors import ConsentError, FlashError, WireError

_OPTKEYR = 0x08
_KEYS = (0x08192A3B, 0x4C5D6E7F)
_OPTLOCK = 1
_OPTSTART = 2
_OPTCCR = 0x24
_STAGED = 4  # each _PRG register follows its _CUR
_BUSY = 1
_CHANGE_ERROR = 1 << 30
_RDP = 0xFF00
_RDP_LEVEL_0 = 0xAA00
_RDP_LEVEL_2 = 0xCC00
_CHANGE_MS = 2000
_REGRESSION_MS = 30000  # with the erase of the whole bank

_REGISTERS = {"optsr": reg.OPTSR_CUR, "boot": reg.BOOT_CUR, "optsr2": reg.OPTSR2_CUR}
# What may change: optsr without BUSY, RDP, SECURITY, CHANGE_ERROR and the bank swap; all of wpsn.
_MASKS = {"optsr": 0x3FDF00FE, "boot": 0xFFFFFFFF, "optsr2": 0x7}
_OF_EACH_BANK = (reg.PRAR_CUR, reg.SCAR_CUR, reg.WPSN_CUR)


class OptionWriter:
    """h7: the Stm32H7. Raises ConsentError, FlashError("options"), WireError."""

    def __init__(self, h7):
        self._ap = h7.target.ap0
        self._clock = h7.clock
        self._banks = range(len(h7.flash.banks()))
        self._registers = h7.chip.flash_registers
        self._wpsn_bits = h7.chip.wpsn[1]

    def change(self, values, consent):
        """values: [(name, value, mask), ..]. Changes those bits, and reads back that they are in force.

        The banks' write protection is one value, "wpsn", as H7Options reads it.
        """
        wanted = []
        for name, value, mask in values:
            consent.require(WRITE_PROTECTION if name == "wpsn" else OPTION_BYTES)
            if name == "wpsn":
                self._add_wpsn(wanted, value, mask)
            elif mask & ~_MASKS[name]:
                raise ConsentError("forbidden", "bits 0x%08x of %s are never written" % (mask & ~_MASKS[name], name))
            else:
                wanted.append((_REGISTERS[name], value, mask))
        self._carry_out(wanted, _CHANGE_MS)

    def _add_wpsn(self, wanted, value, mask):
        of_one = (1 << self._wpsn_bits) - 1
        for bank in self._banks:
            if mask & of_one:
                wanted.append((bank * reg.BANK_STEP + reg.WPSN_CUR, value & of_one, mask & of_one))
            value >>= self._wpsn_bits
            mask >>= self._wpsn_bits
        if mask:
            raise ConsentError("forbidden", "there are not so many sectors to protect")

    def regress(self, consent):
        """RDP level 1 to 0: erases the whole flash."""
        consent.require(RDP_REGRESSION)
        level = self._read(reg.OPTSR_CUR) & _RDP
        if level in (_RDP_LEVEL_0, _RDP_LEVEL_2):
            raise FlashError("options", "the chip is not at read protection level 1")
        self._carry_out([(reg.OPTSR_CUR, _RDP_LEVEL_0, _RDP)], _REGRESSION_MS)

    def _carry_out(self, wanted, limit_ms):
        self._unlock()
        for register, value, mask in wanted:
            kept = self._read(register) & ~mask
            if register == reg.OPTSR_CUR:
                kept &= ~(_BUSY | _CHANGE_ERROR)
            self._write(register + _STAGED, kept | value & mask)
        self._check_staged(wanted)
        # A lost answer leaves open whether it began; what is in force afterwards decides.
        self._ap.write32(self._registers + reg.OPTCR, _OPTSTART)
        limit = Timeout(self._clock, limit_ms, "option byte change", FlashError)
        while self._read(reg.OPTSR_CUR) & _BUSY:
            limit.pause(10)
        refused = self._read(reg.OPTSR_CUR) & _CHANGE_ERROR
        self._write(_OPTCCR, _CHANGE_ERROR)
        self._write(reg.OPTCR, _OPTLOCK)
        for register, value, mask in wanted:
            found = self._read(register)
            if refused or (found ^ value) & mask:
                raise FlashError("options", "option bytes 0x%08x instead of 0x%08x" % (found & mask, value & mask))

    def _check_staged(self, wanted):
        changed = {register: (value, mask) for register, value, mask in wanted}
        every = [bank * reg.BANK_STEP + offset for bank in self._banks for offset in _OF_EACH_BANK]
        for register in every + list(_REGISTERS.values()):
            value, mask = changed.get(register, (0, 0))
            expected = self._read(register) & ~mask | value & mask
            staged = self._read(register + _STAGED)
            difference = staged ^ expected
            if register == reg.OPTSR_CUR:
                difference &= ~(_BUSY | _CHANGE_ERROR)
                if staged & _RDP == _RDP_LEVEL_2:
                    difference = _RDP
            if difference:
                self._write(reg.OPTCR, _OPTLOCK)
                raise FlashError("options", "the staged option bytes are not what was asked for; nothing was changed")

    def _unlock(self):
        if self._read(reg.OPTCR) & _OPTLOCK:
            try:
                for key in _KEYS:
                    self._ap.write32(self._registers + _OPTKEYR, key)
            except WireError as error:
                if error.kind != "fault":  # a key that was not due is a bus error
                    raise
        if self._read(reg.OPTCR) & _OPTLOCK:
            raise FlashError("options", "the option bytes stay locked", next_step="cut the power and try again")

    def _read(self, offset):
        return self._ap.read32(self._registers + offset)

    def _write(self, offset, value):
        self._ap.write32(self._registers + offset, value, again=True)
