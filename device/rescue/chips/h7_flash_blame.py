# What went wrong with the flash, in words: error flags, and a routine on the core that stopped or does not get on.

from rescue.chips import h7_flash_registers as reg
from rescuelink.errors import FlashError, TargetError

_ADVICE = {
    "WRPERR": "the option bytes write-protect this sector",
    "RDPERR": "the chip is read-protected (RDP level 1)",
    "RDSERR": "this is a secure-only area",
}
_KINDS = {"WRPERR": "write_protected", "RDPERR": "read_protected", "RDSERR": "secure"}


def refusal(status, address):
    """The FlashError for the error flags in `status`, a value of SR1."""
    names = [name for bit, name in reg.SR_FLAGS if status & bit]
    message = "the flash controller reports " + ", ".join(names)
    return FlashError(_KINDS.get(names[0], "controller"), message, address, None, _ADVICE.get(names[0]))


def blame(writer, address):
    """Raises the FlashError: what the controller reports, or the routine's own end, belongs to the word `address`."""
    message = "the routine on the core does not get on"
    try:
        status = writer.core.result(0) & reg.SR_WRITE_ERRORS
        if status:
            writer.control(0)
            raise writer.flash.refusal(status, address)
    except TargetError as error:
        message = error.message
    writer.flash.by_core = False  # the next try goes word by word
    raise FlashError("core", message, address)
