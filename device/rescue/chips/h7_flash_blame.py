# What a routine on the core that stopped before its time, or does not get on, tells of the flash.

from rescue.chips import h7_flash_registers as reg
from rescuelink.errors import FlashError, TargetError


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
