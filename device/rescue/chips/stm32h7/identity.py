# Who an STM32H7 is and how it came to be here: what is read once, before anything is changed. RM0468.

import struct

from rescue.chips.stm32h7 import registers as reg
from rescue.chips.stm32h7.table import H72x
from rescue.debug import adi_registers as adi
from rescuelink.errors import TargetError, WireError


def find(target):
    """(access port, base address, identity, die) of the first DBGMCU view that shows a chip of the table."""
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
        die = _die_of(idc & 0xFFF)
        if die is not None:
            return ap, base, idc, die
    raise TargetError("wrong_chip", "this is not a chip the agent knows (device 0x%03X)" % (idc & 0xFFF))


def _die_of(dev_id):
    """The die with this DEV_ID, or None."""
    if dev_id == H72x.dev_id:
        return H72x
    from rescue.chips.stm32h7 import dies

    return dies.find(dev_id)


def identity(ap, chip, idc, flash_bytes):
    """{"dev_id", "rev_id", "revision", "flash_kib", "uid", "name"}"""
    uid = chip.uid_address
    rev_id = idc >> 16
    return {
        "dev_id": chip.dev_id,
        "rev_id": rev_id,
        "revision": chip.revisions.get(rev_id, "unknown"),
        "flash_kib": flash_bytes >> 10,
        "uid": "%08X%08X%08X" % (ap.read32(uid + 8), ap.read32(uid + 4), ap.read32(uid)),
        "name": _part_name(ap, chip),
    }


def _part_name(ap, chip):
    """The die's own name, such as "STM32H725"; the family's where that is not programmed, or nobody knows where."""
    if chip.part_name_address is None:
        return chip.name
    text = struct.pack(">I", ap.read32(chip.part_name_address))
    for byte in text:
        if not (0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A):
            return chip.name
    return "STM32" + text.decode()


def reset_cause(ap):
    """{"raw", "flags"} from RCC_RSR. The flags add up until firmware clears them; read before our own reset."""
    raw = ap.read32(reg.RCC_RSR)
    return {"raw": raw, "flags": [name for bit, name in reg.RSR_FLAGS if raw & bit]}


def supply(ap):
    """PWR_CR3, PWR_CSR1 and PWR_D3CR."""
    return {"cr3": ap.read32(reg.PWR_CR3), "csr1": ap.read32(reg.PWR_CSR1), "d3cr": ap.read32(reg.PWR_D3CR)}
