# An STM32H7 behind a Target: who it is, how its core is supplied, and its flash. RM0468.

from rescue.chips.stm32h7 import registers as reg
from rescue.chips.stm32h7.digest import TargetDigest
from rescue.chips.stm32h7.flash import H7Flash


class Stm32H7:
    """Raises TargetError("wrong_chip") at once if the chip is none that the agent knows."""

    def __init__(self, target, clock):
        self.target = target
        self.clock = clock
        from rescue.chips.stm32h7 import identity

        self._debug_ap, self._dbgmcu, self._idc, self.chip = identity.find(target)
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

    def supply(self):
        """How the core is supplied: PWR_CR3 (chosen once after power-on), CSR1 and D3CR (is it ready)."""
        from rescue.chips.stm32h7 import identity

        return identity.supply(self.target.ap0)

    def freeze_watchdogs(self):
        """Stop both watchdogs while the core is halted, and feed the independent one once. The core must be halted."""
        self._set(reg.DBGMCU_APB4FZ1, reg.FREEZE_IWDG1)
        self._set(reg.DBGMCU_APB3FZ1, reg.FREEZE_WWDG1)
        self.target.ap0.write32(reg.IWDG1_KR, reg.IWDG1_RELOAD, again=True)

    def _set(self, offset, bits):
        ap = self._debug_ap
        ap.write32(self._dbgmcu + offset, ap.read32(self._dbgmcu + offset) | bits, again=True)
