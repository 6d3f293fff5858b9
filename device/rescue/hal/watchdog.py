# The hardware watchdog, once more: no port of MicroPython has a call to stop it, some chips have a way.

import sys

import machine
from micropython import const

# RP2: the bit ENABLE of WATCHDOG CTRL, cleared through the atomic alias (RP2040 datasheet 4.7.6, RP2350 12.9).
_RP2040 = const(0x40058000)
_RP2350 = const(0x400D8000)
_ATOMIC_CLEAR = const(0x3000)
_ENABLE = const(1 << 30)


def stop():
    """True when it counts no longer."""
    if sys.platform != "rp2":
        return False
    base = _RP2350 if "RP2350" in sys.implementation._machine else _RP2040
    machine.mem32[base + _ATOMIC_CLEAR] = _ENABLE
    return True
