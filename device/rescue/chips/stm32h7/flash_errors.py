# What went wrong with the flash, in words: error flags, and a routine on the core that stopped or does not get on.

from rescue.chips.stm32h7 import flash_registers as reg
from rescuelink.errors import FlashError, TargetError

_ADVICE = {
    "WRPERR": "the option bytes write-protect this sector",
    "RDPERR": "the chip is read-protected (RDP level 1)",
    "RDSERR": "this is a secure-only area",
}
_AREAS = ((reg.PRAR_CUR, "an execute-only area (PCROP)"), (reg.SCAR_CUR, "a secure-only area"))
_KINDS = {"WRPERR": "write_protected", "RDPERR": "read_protected", "RDSERR": "secure"}


def refusal(flash, ap, chip, status, address):
    """The FlashError for the error flags in `status`, a value of SR1; clears them. `address` may be None."""
    registers = flash.registers(address)
    ap.write32(registers + reg.CCR1, chip.control[3], again=True)
    area = None
    if address is not None:
        area = _area_of(ap, registers, (address - flash.base) % chip.bank_bytes, chip.sector_bytes)
    names = [name for bit, name in reg.SR_FLAGS if status & bit]
    message = "the flash controller reports " + ", ".join(names)
    if area is not None and names[0] in _KINDS:
        kind = "secure" if "secure" in area else "execute_only"
        return FlashError(kind, message, address, None, "this sector lies in %s, which stays as it is" % area)
    return FlashError(_KINDS.get(names[0], "controller"), message, address, None, _ADVICE.get(names[0]))


def _area_of(ap, registers, offset, sector_bytes):
    """The name of the protected area that the sector at `offset` of its bank lies in, or None.

    WRPERR and RDPERR come from such an area as well as from write protection and read protection level 1.
    """
    first = offset // sector_bytes * sector_bytes
    for register, name in _AREAS:
        value = ap.read32(registers + register)
        start, end = value & 0xFFF, value >> 16 & 0xFFF
        inside = start << 8 < first + sector_bytes and first < (end + 1) << 8
        if start == end or (start < end and inside):  # equal: the whole bank
            return name
    return None


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
