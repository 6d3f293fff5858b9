"""Single writes to the flash controller that arrive otherwise than they were sent, as a wire with noise makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash import registers as reg


def first_erase(unit: Unit, change: Callable[[int], int]) -> list[int]:
    """The first write of CR that starts a sector's erase arrives as `change` has it.

    Returns:
        What was sent, once it was: empty until then.
    """
    bank: Any = unit.chip.flash_controller.banks[0]
    seen: list[int] = []
    write = bank._write_cr

    def arrives(value: int) -> None:
        if value & bank._control.start and value & reg.SER and not seen:
            seen.append(value)
            value = change(value)
        write(value)

    bank._write_cr = arrives
    return seen


def other_sector(unit: Unit, flipped: int) -> Callable[[int], int]:
    """A change of CR that turns the bits of `flipped` in the number of the sector."""
    bank: Any = unit.chip.flash_controller.banks[0]
    return lambda value: value ^ flipped << bank._control.sector_shift


def without_start(unit: Unit) -> Callable[[int], int]:
    """A change of CR that loses START."""
    bank: Any = unit.chip.flash_controller.banks[0]
    return lambda value: value & ~bank._control.start


def first_key(unit: Unit, flipped: int) -> list[int]:
    """The first key for CR arrives with the bits of `flipped` turned.

    Returns:
        What was sent, once it was: empty until then.
    """
    bank: Any = unit.chip.flash_controller.banks[0]
    seen: list[int] = []
    write = bank.write_register

    def arrives(register: int, value: int) -> None:
        if register == reg.KEYR and not seen:
            seen.append(value)
            value ^= flipped
        write(register, value)

    bank.write_register = arrives
    return seen
