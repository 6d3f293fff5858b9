"""What the debug port shows: an H7, or another family that a helper meets behind the same connector.

Another family's insides are not modelled: a debugger sees its identity, its access ports, its core and the first RAM,
and bus errors everywhere else. Values: docs/reference/silicon.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bmsrescue.twin.chip import memory_map
from bmsrescue.twin.chip.bus import Bus, BusError

FamilyName = Literal["h7", "h5", "m4-clone"]


@dataclass(frozen=True)
class Family:
    """``core_port`` is the AP of the core, ``debug_port`` that of the system debug bus, where there is one."""

    name: str
    dpidr: int
    core_port: int
    core_idr: int
    cpuid: int | None
    """None: the die's."""
    debug_port: int | None
    debug_idr: int
    identity: dict[int, int]
    """Words the core's bus shows besides its RAM."""
    debug_identity: dict[int, int]


H7: Final = Family("STM32H7", 0x6BA02477, 0, 0x84770001, None, 2, 0x54770002, {}, {})
H5: Final = Family(
    "STM32H5",
    dpidr=0x6BA02477,
    core_port=1,
    core_idr=0x84770001,
    cpuid=0x410FD214,
    debug_port=0,
    debug_idr=0x54770002,
    identity={0x44024000: 0x10000484},
    debug_identity={0xE00E4000: 0x10000484},
)
M4_CLONE: Final = Family(
    "a Cortex-M4",
    dpidr=0x2BA01477,
    core_port=0,
    core_idr=0x24770011,
    cpuid=0x410FC241,
    debug_port=None,
    debug_idr=0,
    identity={0xE0042000: 0x10016413},
    debug_identity={},
)
FAMILIES: Final[dict[FamilyName, Family]] = {"h7": H7, "h5": H5, "m4-clone": M4_CLONE}


class ForeignBus:
    """The bus behind another family's access port: its identity, the private peripherals and some RAM where DTCM is."""

    def __init__(self, bus: Bus | None, identity: dict[int, int]) -> None:
        self._bus = bus
        self._identity = identity

    def read(self, address: int, size: int) -> int:
        word = self._identity.get(address & ~3)
        if word is not None:
            return word >> 8 * (address & 3) & ((1 << 8 * size) - 1)
        return self._shared(address).read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        self._shared(address).write(address, size, value)

    def _shared(self, address: int) -> Bus:
        ram = memory_map.DTCM <= address < memory_map.DTCM + memory_map.FOREIGN_RAM_SIZE
        private = memory_map.PPB <= address < memory_map.PPB + memory_map.PPB_SIZE
        if self._bus is None or not (ram or private):
            raise BusError(address, "nothing there")
        return self._bus
