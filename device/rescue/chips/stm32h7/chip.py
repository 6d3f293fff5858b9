# An STM32H7 behind a Target: who it is, why it was reset, how its core is supplied, and its flash. RM0468.

from rescue.chips.stm32h7 import registers as reg
from rescue.chips.stm32h7.digest import TargetDigest
from rescue.chips.stm32h7.flash import H7Flash
from rescue.chips.stm32h7.table import H72x
from rescue.debug import adi_registers as adi
from rescuelink.errors import TargetError, WireError


class Stm32H7:
    """Raises TargetError("wrong_chip") at once if the chip is none of the table's."""

    def __init__(self, target, clock):
        self.target = target
        self.clock = clock
        self._debug_ap, self._dbgmcu, self._idc = _find_dbgmcu(target)
        self.chip = _die_of(self._idc & 0xFFF)
        self.flash = H7Flash(target.core, clock, self.chip, self.flash_kib())
        self.digest = TargetDigest(target.core, clock, self.chip)

    def flash_kib(self):
        size = self.target.ap0.read32(self.chip.flash_size_address) & 0xFFFF
        return self.chip.flash_kib if size in (0, 0xFFFF) else size

    @property
    def options(self):
        from rescue.chips.stm32h7.options import H7Options  # needed once

        return H7Options(self.target.ap0, self.chip, self.flash)

    def identity(self):
        """{"dev_id", "rev_id", "revision", "flash_kib", "uid", "name"}; uid is 24 hex digits, highest word first."""
        from rescue.chips.stm32h7 import identity

        return identity.identity(self.target.ap0, self.chip, self._idc, self.flash.size)

    def reset_cause(self):
        """{"raw", "flags"} from RCC_RSR. The flags add up until firmware clears them; read before our own reset."""
        from rescue.chips.stm32h7 import identity

        return identity.reset_cause(self.target.ap0)

    def supply(self):
        """How the core is supplied: PWR_CR3 (chosen once after power-on), CSR1 and D3CR (is it ready)."""
        from rescue.chips.stm32h7 import identity

        return identity.supply(self.target.ap0)

    def prepare_debug(self):
        """Keep the debug clocks on while the chip sleeps or stops (DBGMCU_CR, through AP2)."""
        for address, value in self.chip.debug_setup:
            self._debug_ap.write32(address - reg.DBGMCU_APB + self._dbgmcu, value, again=True)

    def freeze_watchdogs(self):
        """Stop both watchdogs while the core is halted, and feed the independent one once. The core must be halted."""
        self._set(reg.DBGMCU_APB4FZ1, reg.FREEZE_IWDG1)
        self._set(reg.DBGMCU_APB3FZ1, reg.FREEZE_WWDG1)
        self.target.ap0.write32(reg.IWDG1_KR, reg.IWDG1_RELOAD, again=True)

    def _set(self, offset, bits):
        ap = self._debug_ap
        ap.write32(self._dbgmcu + offset, ap.read32(self._dbgmcu + offset) | bits, again=True)


def _find_dbgmcu(target):
    """(access port, base address, identity) of the first DBGMCU view that shows a chip of the table."""
    views = [(target.ap0, reg.DBGMCU_AHB)]
    if target.aps["2"] & adi.IDR_MASK == adi.IDR_APB:
        views.insert(0, (target.ap2, reg.DBGMCU_APB))
    idc = 0
    for ap, base in views:
        try:
            idc = ap.read32(base) or idc
        except WireError as error:
            if error.kind != "fault":
                raise
            continue
        if _die_of(idc & 0xFFF):
            return ap, base, idc
    raise TargetError("wrong_chip", "this is not a chip the agent knows (device 0x%03X)" % (idc & 0xFFF))


def _die_of(dev_id):
    """The die with this DEV_ID, or None."""
    if dev_id == H72x.dev_id:
        return H72x
    from rescue.chips.stm32h7 import dies

    return dies.find(dev_id)
