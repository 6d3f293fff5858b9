# Who an STM32H7 is and how it came to be here: what is read once, before anything is changed. RM0468.

import struct

from rescue.chips.stm32h7 import registers as reg


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
    """{"raw", "flags"} from RCC_RSR."""
    raw = ap.read32(reg.RCC_RSR)
    return {"raw": raw, "flags": [name for bit, name in reg.RSR_FLAGS if raw & bit]}


def supply(ap):
    """PWR_CR3, PWR_CSR1 and PWR_D3CR."""
    return {"cr3": ap.read32(reg.PWR_CR3), "csr1": ap.read32(reg.PWR_CSR1), "d3cr": ap.read32(reg.PWR_D3CR)}
