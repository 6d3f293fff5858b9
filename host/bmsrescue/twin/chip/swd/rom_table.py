"""CoreSight identification on the system debug APB, as a debugger's discovery walks it (chip.md#rom-tables).

Arm IHI 0029 (CoreSight architecture) for the layout of the identification registers. The processor's own table is
part of its private peripheral bus.
"""

from __future__ import annotations

from typing import Final

from bmsrescue.twin.chip.bus import BusError

APB_ROM_TABLE: Final = 0xE00E0000
TRACE_ROM_TABLE: Final = 0xE00F0000
SYSTEM_CTI: Final = 0xE00F1000
SWO: Final = 0xE00E3000
SWO_FUNNEL: Final = 0xE00E4000
"""In no table that was read, but debuggers enable its ports on every H7 (OpenOCD's stm32h7x.cfg: SWTF_CTRL)."""
TRACE_FUNNEL: Final = 0xE00F3000
ETF: Final = 0xE00F4000
TPIU: Final = 0xE00F5000

IDENTIFICATION_START: Final = 0xFB8
"""From here on a component's registers only tell what it is."""
_PRESENT: Final = 0x3
_ABSENT: Final = 0x2
_ST_TRACE_PART: Final = 0x001
_CLASS_ROM_TABLE: Final = 0x1
_CLASS_CORESIGHT: Final = 0x9
_ST: Final = 0x020
_ARM: Final = 0x23B
_BLOCK: Final = 0x1000


def entry(table: int, component: int) -> int:
    """A ROM table entry: the component's offset from the table, and that it is there."""
    return (component - table) & 0xFFFFF000 | _PRESENT


def identification(
    part: int, designer: int, component_class: int, *, device_type: int = 0, device_id: int = 0
) -> dict[int, int]:
    """The registers 0xFC8 to 0xFFC by offset. ``designer`` is the JEP106 code, continuation in bits 10:7."""
    jep_identity, jep_continuation = designer & 0x7F, designer >> 7
    return {
        0xFC8: device_id,
        0xFCC: device_type,
        0xFD0: jep_continuation,
        0xFE0: part & 0xFF,
        0xFE4: part >> 8 | (jep_identity & 0xF) << 4,
        0xFE8: 0x08 | jep_identity >> 4,
        0xFEC: 0x00,
        0xFF0: 0x0D,
        0xFF4: component_class << 4,
        0xFF8: 0x05,
        0xFFC: 0xB1,
    }


CTI_IDENTIFICATION: Final = identification(0x906, _ARM, _CLASS_CORESIGHT, device_type=0x14, device_id=0x40800)
ETM_IDENTIFICATION: Final = {
    **identification(0x975, _ARM, _CLASS_CORESIGHT, device_type=0x13),
    0xFBC: 0x47704A13,
}

_COMPONENTS: Final[dict[int, dict[int, int]]] = {
    APB_ROM_TABLE: {
        0x000: entry(APB_ROM_TABLE, SWO),
        0x004: entry(APB_ROM_TABLE, SWO_FUNNEL),
        0x008: entry(APB_ROM_TABLE, TRACE_ROM_TABLE),
    },
    TRACE_ROM_TABLE: {
        0x000: entry(TRACE_ROM_TABLE, SYSTEM_CTI),
        0x004: 0x2000 | _ABSENT,
        0x008: entry(TRACE_ROM_TABLE, TRACE_FUNNEL),
        0x00C: entry(TRACE_ROM_TABLE, ETF),
        0x010: entry(TRACE_ROM_TABLE, TPIU),
        0x014: 0x6000 | _ABSENT,
        0x018: 0x7000 | _ABSENT,
        0x01C: 0x8000 | _ABSENT,
        **identification(_ST_TRACE_PART, _ST, _CLASS_ROM_TABLE),
    },
    SYSTEM_CTI: CTI_IDENTIFICATION,
    SWO: identification(0x914, _ARM, _CLASS_CORESIGHT, device_type=0x11),
    SWO_FUNNEL: identification(0x908, _ARM, _CLASS_CORESIGHT, device_type=0x12),
    TRACE_FUNNEL: identification(0x908, _ARM, _CLASS_CORESIGHT, device_type=0x12, device_id=0x34),
    ETF: identification(0x961, _ARM, _CLASS_CORESIGHT, device_type=0x32, device_id=0x380),
    TPIU: identification(0x912, _ARM, _CLASS_CORESIGHT, device_type=0x11, device_id=0xA0),
}

COMPONENT_ADDRESSES: Final = tuple(_COMPONENTS)
COMPONENT_SIZE: Final = _BLOCK


class DebugComponents:
    """Bus device for all of them: identification only, trace itself is not modelled; writes are ignored."""

    def __init__(self, device_id: int) -> None:
        table = {**_COMPONENTS[APB_ROM_TABLE], **identification(device_id, _ST, _CLASS_ROM_TABLE)}
        self._components = {**_COMPONENTS, APB_ROM_TABLE: table}

    def read(self, address: int, size: int) -> int:
        component = self._components.get(address & ~(_BLOCK - 1))
        if component is None:
            raise BusError(address, "no debug component")
        return component.get(address & (_BLOCK - 1), 0)

    def write(self, address: int, size: int, value: int) -> None:
        if address & ~(_BLOCK - 1) not in self._components:
            raise BusError(address, "no debug component")
