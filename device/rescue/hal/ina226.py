# TI INA226 (SBOS547): the bench supply's current over a shunt.

import struct

from micropython import const

_SHUNT_VOLTAGE = const(0x01)  # 2.5 uV per bit, signed


class Ina226:
    """i2c: a machine.I2C; shunt_mohm: the shunt's resistance."""

    def __init__(self, i2c, address, shunt_mohm):
        self._i2c = i2c
        self._address = address
        self._shunt_mohm = shunt_mohm

    def current_ma(self):
        """Current in mA, or None when the part does not answer."""
        try:
            raw = self._i2c.readfrom_mem(self._address, _SHUNT_VOLTAGE, 2)
        except OSError:
            return None
        return struct.unpack(">h", raw)[0] * 5 // (2 * self._shunt_mohm)
