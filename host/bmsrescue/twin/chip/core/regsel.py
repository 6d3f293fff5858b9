"""How the debugger's register numbers (DCRSR.REGSEL) map to the core's registers: DDI0403E C1.6.3."""

from __future__ import annotations

from typing import Final

from unicorn.arm_const import (
    UC_ARM_REG_BASEPRI,
    UC_ARM_REG_CONTROL,
    UC_ARM_REG_FAULTMASK,
    UC_ARM_REG_FPSCR,
    UC_ARM_REG_LR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_PSP,
    UC_ARM_REG_R0,
    UC_ARM_REG_S0,
    UC_ARM_REG_SP,
)

from bmsrescue.twin.chip.core.engine import Engine

_PC: Final = 15
_XPSR: Final = 16
_SPECIAL: Final = 20

_NUMBERS: Final[dict[int, int]] = {
    **{number: UC_ARM_REG_R0 + number for number in range(13)},
    13: UC_ARM_REG_SP,
    14: UC_ARM_REG_LR,
    17: UC_ARM_REG_MSP,
    18: UC_ARM_REG_PSP,
    33: UC_ARM_REG_FPSCR,
    **{64 + number: UC_ARM_REG_S0 + number for number in range(32)},
}
_STACK_POINTERS: Final = frozenset({13, 17, 18})

_SPECIAL_BYTES: Final = (UC_ARM_REG_PRIMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK, UC_ARM_REG_CONTROL)


def read_register(engine: Engine, number: int) -> int:
    """What DCRDR holds after a read of register ``number``; registers that do not exist read 0."""
    if number == _PC:
        return engine.pc
    if number == _XPSR:
        return engine.xpsr
    if number == _SPECIAL:
        value = 0
        for position, register in enumerate(_SPECIAL_BYTES):
            value |= (engine.read(register) & 0xFF) << 8 * position
        return value
    known = _NUMBERS.get(number)
    return 0 if known is None else engine.read(known)


def write_register(engine: Engine, number: int, value: int) -> None:
    """Write register ``number`` from DCRDR; registers that do not exist are ignored."""
    if number == _PC:
        engine.pc = value & ~1
    elif number == _XPSR:
        engine.xpsr = value
    elif number == _SPECIAL:
        for position, register in enumerate(_SPECIAL_BYTES):
            engine.write(register, value >> 8 * position & 0xFF)
    elif number in _NUMBERS:
        engine.write(_NUMBERS[number], value & ~3 if number in _STACK_POINTERS else value)
