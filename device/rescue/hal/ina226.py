# TI INA226 (SBOS547): the bench supply's current over a shunt.

import struct

from micropython import const

_SHUNT_VOLTAGE = const(0x01)  # 2.5 uV per bit, signed
_BUS_VOLTAGE = const(0x02)  # 1.25 mV per bit
_MASK_ENABLE = const(0x06)
_ALERT_LIMIT = const(0x07)
_SHUNT_OVER_LIMIT = const(0x8000)
_LATCH = const(0x0001)  # ALERT stays low until Mask/Enable is read


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

    def bus_mv(self):
        """The voltage at the part's VBUS pin in mV, or 0 when the part does not answer."""
        try:
            raw = self._i2c.readfrom_mem(self._address, _BUS_VOLTAGE, 2)
        except OSError:
            return 0
        return struct.unpack(">h", raw)[0] * 5 // 4

    def arm_trip(self, ma):
        """ALERT goes low, and stays so, once the current is above `ma`: it switches the supply off by itself, faster
        than any program. None takes the alert back. A part that does not answer leaves it to the program.
        """
        try:
            self._i2c.readfrom_mem(self._address, _MASK_ENABLE, 2)  # lets go of an alert that was latched
            if ma is None:
                self._write(_MASK_ENABLE, 0)
                return
            limit = min(ma * self._shunt_mohm * 2 // 5, 0x7FFF)
            self._write(_ALERT_LIMIT, limit)
            self._write(_MASK_ENABLE, _SHUNT_OVER_LIMIT | _LATCH)
        except OSError:
            pass

    def _write(self, register, value):
        self._i2c.writeto(self._address, struct.pack(">BH", register, value))
