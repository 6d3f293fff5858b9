# `machine` for the unix port, over the twin's wiring: what rescue.hal uses of it, with the same names and answers as on
# a board. Put before the built-in one on the search path.

import time

import pin_calls as call
import pin_link as link

_falls_watchers = []


def unique_id():
    return b"\xe6\x61\x64\x08\x43\x00\x00\x01"  # eight bytes, as the flash chip of an RP2040's board has


class Pin:
    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        self._mode = 0
        if mode >= 0:
            self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        if mode >= 0:
            self._mode = mode
        if mode == Pin.IN:
            code = call.PULL_UP if pull == Pin.PULL_UP else call.PULL_DOWN if pull == Pin.PULL_DOWN else call.FLOAT
            link.step(code | self.number)
        elif value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return link.look(call.LOOK | self.number)
        if self._mode == Pin.IN:
            return None
        if not level:
            link.step(call.LOW | self.number)
        else:
            link.step((call.FLOAT if self._mode == Pin.OPEN_DRAIN else call.HIGH) | self.number)
        return None

    __call__ = value

    def irq(self, handler, trigger):
        _falls_watchers.append((handler, self))


def told_falls(count):
    for handler, pin in _falls_watchers:
        for _ in range(count):
            handler(pin)


class ADC:
    def __init__(self, pin):
        self._number = pin.number

    def read_u16(self):
        code = link.plain(call.ADC_READ, self._number)
        return code << 4 | code >> 8


class SPI:
    def __init__(self, number, baudrate=1000000, sck=None, mosi=None, miso=None, polarity=0, phase=0):
        pass

    def init(self, baudrate=1000000, polarity=0, phase=0):
        pass

    def write(self, data):
        link.send(call.SPI_WRITE, 0, data)

    def readinto(self, buffer, write=0):
        link.fetch(call.SPI_READ, write, len(buffer), buffer)


class I2C:
    def __init__(self, number, sda=None, scl=None, freq=400000):
        pass

    def writeto(self, address, data):
        if not link.send(call.I2C_WRITE, address, data):
            raise OSError(5)

    def writevto(self, address, parts):
        self.writeto(address, b"".join(parts))

    def readfrom_mem(self, address, register, count):
        self.writeto(address, bytes((register,)))
        answer = bytearray(count)
        link.fetch(call.I2C_READ, address, count, answer)
        return bytes(answer)


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        self._number = pin.number

    def duty_u16(self, duty):
        link.plain(call.PWM_DUTY, self._number, duty)


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, number):
        pass

    def init(self, mode=0, period=0, callback=None):
        time.later(period, callback)


class WDT:
    def __init__(self, timeout):
        self.feed()

    def feed(self):
        link.plain(call.FEED)
