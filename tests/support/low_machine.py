"""A stand-in for MicroPython's `machine`, on which the real ports run: pins, an ADC, an I2C that writes down."""

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar


class Pin:
    IN, OUT, OPEN_DRAIN = "in", "out", "open drain"
    PULL_UP, PULL_DOWN, IRQ_FALLING = "up", "down", "falling"
    all: ClassVar[dict[int, "Pin"]] = {}
    history: ClassVar[list[tuple[int, str, int | None]]] = []

    def __new__(cls, number: int, *_args: Any, **_kwargs: Any) -> "Pin":
        return cls.all.setdefault(number, super().__new__(cls))

    def __init__(self, number: int, mode: str | None = None, pull: str | None = None, value: int | None = None) -> None:
        self.number = number
        self.outside = getattr(self, "outside", 1)  # the level that others give the wire
        self.handler: Callable[[Pin], None] | None = getattr(self, "handler", None)
        if mode is not None:
            self.init(mode, pull, value)

    def init(self, mode: str, pull: str | None = None, value: int | None = None) -> None:
        self.mode = mode
        self.pull = pull
        self.level = value
        self.history.append((self.number, mode, value))

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self.level = level
            self.history.append((self.number, self.mode, level))
        if self.mode == Pin.OUT:
            return self.level or 0
        return 0 if self.mode == Pin.OPEN_DRAIN and self.level == 0 else self.outside

    __call__ = value

    def irq(self, handler: "Callable[[Pin], None]", trigger: str) -> None:
        assert trigger == Pin.IRQ_FALLING
        self.handler = handler

    @property
    def drives_high(self) -> bool:
        return self.mode == Pin.OUT and self.level == 1


class ADC:
    """Gives `readings[channel of the multiplexer]`; a callable is asked each time."""

    readings: ClassVar[dict[int, Any]] = {}
    select: ClassVar[tuple[int, ...]] = ()

    def __init__(self, pin: Pin) -> None:
        self.pin = pin

    def read_u16(self) -> int:
        channel = sum((Pin.all[number].level or 0) << bit for bit, number in enumerate(self.select))
        reading = self.readings[channel]
        return int(reading() if callable(reading) else reading)


class I2C:
    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        self.written: list[bytes] = []
        self.registers: dict[int, bytes] = {}
        self.present = True

    def _check(self) -> None:
        if not self.present:
            raise OSError(5)

    def writeto(self, _address: int, data: bytes) -> None:
        self._check()
        self.written.append(bytes(data))

    def writevto(self, _address: int, parts: tuple[bytes, ...]) -> None:
        self._check()
        self.written.append(b"".join(parts))

    def readfrom_mem(self, _address: int, register: int, _count: int) -> bytes:
        self._check()
        return self.registers[register]


class PWM:
    def __init__(self, pin: Pin, freq: int, duty_u16: int) -> None:
        self.duty = duty_u16

    def duty_u16(self, duty: int) -> None:
        self.duty = duty


class Timer:
    ONE_SHOT = "one shot"

    def __init__(self, _identifier: int) -> None:
        self.callback: Callable[[Timer], None] | None = None

    def init(self, mode: str, period: int, callback: "Callable[[Timer], None]") -> None:
        self.period = period
        self.callback = callback


class WDT:
    fed: ClassVar[list[int]] = []

    def __init__(self, timeout: int) -> None:
        self.fed.append(timeout)

    def feed(self) -> None:
        self.fed.append(0)


@contextmanager
def machine_installed() -> Iterator[None]:
    """`import machine` finds the classes above; the ports' modules are imported afresh, and forgotten afterwards."""
    module = types.ModuleType("machine")
    module.unique_id = lambda: bytes(8)  # type: ignore[attr-defined]
    for item in (Pin, ADC, I2C, PWM, Timer, WDT):
        setattr(module, item.__name__, item)
    ours = ("lines", "rails", "panel", "clock", "ina226", "swd_pins", "board", "card", "store")
    Pin.all.clear()
    Pin.history.clear()
    WDT.fed.clear()
    sys.modules["machine"] = module
    try:
        yield
    finally:
        for name in ("machine", *(f"rescue.hal.{name}" for name in ours)):
            sys.modules.pop(name, None)
