# Which oscillators the firmware has asked for and which of them run, and the independent watchdog. RM0468 8.7, 47.4.
#
# Only read. The bits have these places on every die of the table.

from micropython import const

_RCC_CR = const(0x58024400)
_RCC_CFGR = const(0x58024410)
_RCC_PLLCKSELR = const(0x58024428)
_RCC_PLLCFGR = const(0x5802442C)
_RCC_BDCR = const(0x58024470)
_HSEBYP = const(1 << 18)
# The bit that asks for it; the one above it says that it runs.
_ASKED = ((16, "HSE"), (24, "PLL1"), (26, "PLL2"), (28, "PLL3"))
_SOURCES = ("HSI", "CSI", "HSE", "PLL1")
_NO_SOURCE = "none"

_IWDG_PR = const(0x58004804)
_IWDG_RLR = const(0x58004808)
_DEFAULT_RLR = const(0xFFF)
_LSI_HZ = const(32000)


def clocks(ap):
    """{"cr", "cfgr", "pllckselr", "pllcfgr", "missing": asked for and not running, "bypass": whether HSE comes from
    outside, "source": of the core clock}"""
    cr, cfgr = ap.read32(_RCC_CR), ap.read32(_RCC_CFGR)
    missing = [name for bit, name in _ASKED if cr >> bit & 3 == 1]
    if ap.read32(_RCC_BDCR) & 3 == 1:
        missing.append("LSE")
    return {
        "cr": cr,
        "cfgr": cfgr,
        "pllckselr": ap.read32(_RCC_PLLCKSELR),
        "pllcfgr": ap.read32(_RCC_PLLCFGR),
        "missing": missing,
        "bypass": bool(cr & _HSEBYP),
        "source": _source(cfgr >> 3),
    }


def _source(field):
    field &= 7
    return _SOURCES[field] if field < len(_SOURCES) else _NO_SOURCE


def watchdog(ap):
    """{"period_ms": between two feeds at most, "set": whether firmware has set it up} of the independent watchdog.

    Whether it runs cannot be read. A hardware watchdog that nobody has set up bites after 512 ms.
    """
    prescaler, reload = ap.read32(_IWDG_PR) & 7, ap.read32(_IWDG_RLR) & 0xFFF
    divider = 4 << min(prescaler, 6)
    return {
        "period_ms": (reload + 1) * divider * 1000 // _LSI_HZ,
        "set": bool(prescaler) or reload != _DEFAULT_RLR,
    }
