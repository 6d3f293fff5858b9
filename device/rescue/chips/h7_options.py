# The option bytes, read and given names. Nothing here writes them. RM0468 section 4.4; reference sheet 4.1.

from rescue.chips import h7_flash_registers as reg

_BOR_MV = (1620, 2100, 2400, 2700)  # brown-out threshold by BOR_LEV; 0 is off, leaving the power-on reset


class H7Options:
    """registers: base address of the flash controller; sectors: how many there are."""

    def __init__(self, ap, registers, sectors):
        self._ap = ap
        self._registers = registers
        self._sectors = sectors

    def read(self):
        """The options in force now, as plain values."""
        optsr = self._word(reg.OPTSR_CUR)
        prar = self._word(reg.PRAR_CUR)
        scar = self._word(reg.SCAR_CUR)
        wpsn = self._word(reg.WPSN_CUR)
        boot = self._word(reg.BOOT_CUR)
        optsr2 = self._word(reg.OPTSR2_CUR)
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
            "wrp_sectors": [n for n in range(self._sectors) if not wpsn >> n & 1],
            "pcrop": _area(prar),
            "secure_area": _area(scar),
            "itcm_kib": 64 * ((optsr2 & 3) + 1),
        }

    def _word(self, offset):
        return self._ap.read32(self._registers + offset)


def rdp_level(optsr):
    """Read-out protection: 0xAA is level 0, 0xCC level 2, anything else level 1."""
    return {0xAA: 0, 0xCC: 2}.get(optsr >> 8 & 0xFF, 1)


def _area(value):
    """[first, last] offset in flash of a protected area, in bytes; None when start > end, which means no area.

    Start and end are in 256-byte units; start == end means the whole bank, and is given as it stands.
    """
    start = value & 0xFFF
    end = value >> 16 & 0xFFF
    if start > end:
        return None
    return [start << 8, (end << 8) + 255]
