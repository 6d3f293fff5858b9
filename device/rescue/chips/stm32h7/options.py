# The option bytes, read and given names. Nothing here writes them. RM0468 4.4, 4.9.

from rescue.chips.stm32h7 import flash_registers as reg

_BOR_MV = (1620, 2100, 2400, 2700)  # brown-out threshold by BOR_LEV; 0 is off, leaving the power-on reset


class H7Options:
    def __init__(self, ap, chip, flash):
        self._ap = ap
        self._chip = chip
        self._flash = flash

    def read(self):
        """The options in force now, as plain values. "wpsn" has the banks' one behind the other."""
        chip = self._chip
        optsr = self._word(reg.OPTSR_CUR)
        boot = self._word(reg.BOOT_CUR)
        optsr2 = self._word(reg.OPTSR2_CUR)
        wpsn, areas, dmep = 0, {reg.PRAR_CUR: [], reg.SCAR_CUR: []}, False
        for bank, address in enumerate(self._flash.banks()):
            registers = self._flash.registers(address)
            wpsn |= self._ap.read32(registers + reg.WPSN_CUR) << bank * chip.wpsn[1]
            for offset in areas:
                value = self._ap.read32(registers + offset)
                area = _area(value, bank * chip.bank_bytes, min(chip.bank_bytes, self._flash.size))
                if area is not None:
                    areas[offset].append(area)
                    dmep = dmep or (offset == reg.PRAR_CUR and value >> 31 != 0)
        sectors = self._flash.size // chip.sector_bytes
        return {
            "optsr": optsr,
            "optsr2": optsr2,
            "wpsn": wpsn,
            "boot": boot,
            "rdp": rdp_level(optsr),
            "bor_level": optsr >> 2 & 3,
            "bor_mv": _BOR_MV[optsr >> 2 & 3],
            "iwdg_hardware": not optsr >> 4 & 1,
            "reset_on_stop": not optsr >> 6 & 1,
            "reset_on_standby": not optsr >> 7 & 1,
            "security": bool(optsr >> 21 & 1),
            "io_high_speed": bool(optsr >> 29 & 1),
            "change_error": bool(optsr >> 30 & 1),
            "boot_add0": (boot & 0xFFFF) << 16,
            "boot_add1": boot & 0xFFFF0000,
            "wrp_sectors": [n for n in range(sectors) if not wpsn >> n // chip.wpsn[0] & 1],
            "wrp_group": chip.wpsn[0],
            "pcrop": areas[reg.PRAR_CUR],
            "dmep": dmep,
            "secure_area": areas[reg.SCAR_CUR],
            "swap_bank": len(self._flash.banks()) > 1 and bool(optsr >> 31),
            "itcm_kib": 64 * ((optsr2 & 3) + 1),
        }

    def _word(self, offset):
        return self._ap.read32(self._chip.flash_registers + offset)


def rdp_level(optsr):
    """Read-out protection: 0xAA is level 0, 0xCC level 2, anything else level 1."""
    return {0xAA: 0, 0xCC: 2}.get(optsr >> 8 & 0xFF, 1)


def _area(value, base, bank_bytes):
    """[first, last] offset in flash of a protected area, in bytes; None when start > end, which means no area.

    Start and end are in 256-byte units from `base`; start == end means the whole bank (docs/reference/silicon.md).
    """
    start = value & 0xFFF
    end = value >> 16 & 0xFFF
    if start > end:
        return None
    if start == end:
        return [base, base + bank_bytes - 1]
    return [base + (start << 8), base + (end << 8) + 255]
