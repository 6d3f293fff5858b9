# The two keys that open a flash controller. Loaded for the moment that it is locked. RM0468 4.5.1.

from micropython import const

from rescue.chips.stm32h7 import flash_registers as reg
from rescuelink.errors import FlashError, WireError

_TRIES = const(3)


def unlock(flash, core, registers):
    """Opens the controller at `registers`, with the core reset into halt where that needs a reset."""
    ap = core.ap
    # A key that the wire damaged locks the controller until a reset.
    for left in range(_TRIES - 1, -1, -1):
        if not ap.read32(registers + reg.CR1) & reg.CR_LOCK:
            return
        try:
            for key in reg.KEYS:
                ap.write32(registers + reg.KEYR1, key)
        except WireError as error:
            if error.kind != "fault" and not left:  # a key that was not due is a bus error
                raise
        if not ap.read32(registers + reg.CR1) & reg.CR_LOCK:
            return
        if left:
            flash.resends += 1
            core.reset_halt()
    advice = "switch the unit off and on, and try again"
    raise FlashError("locked", "the flash controller stays locked", None, None, advice)
