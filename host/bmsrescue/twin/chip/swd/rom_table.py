"""CoreSight identification on the system debug APB, as a debugger's discovery walks it (fact sheet 2.3).

Arm IHI 0029 (CoreSight architecture) for the layout of the identification registers. The processor's own table is
part of its private peripheral bus.
"""

from __future__ import annotations

from typing import Final

from bmsrescue.twin.chip.bus import BusError

APB_ROM_TABLE: Final = 0xE00E0000
SWO: Final = 0xE00E3000
SWO_FUNNEL: Final = 0xE00E4000
"""Not in the sheet, but debuggers enable its ports on every H7 (OpenOCD's stm32h7x.cfg: SWTF_CTRL)."""
TRACE_FUNNEL: Final = 0xE00F3000
TPIU: Final = 0xE00F5000

_PRESENT: Final = 0x3
_CLASS_ROM_TABLE: Final = 0x1
_CLASS_CORESIGHT: Final = 0x9
_ST: Final = 0x020
_ARM: Final = 0x23B
_BLOCK: Final = 0x1000


def entry(table: int, component: int) -> int:
    """A ROM table entry: the component's offset from the table, and that it is there."""
    return (component - table) & 0xFFFFF000 | _PRESENT


def identification(part: int, designer: int, component_class: int, *, device_type: int = 0) -> dict[int, int]:
    """The registers 0xFCC to 0xFFC by offset. ``designer`` is the JEP106 code, continuation in bits 10:7."""
    jep_identity, jep_continuation = designer & 0x7F, designer >> 7
    return {
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


_COMPONENTS: Final[dict[int, dict[int, int]]] = {
    APB_ROM_TABLE: {
        0x000: entry(APB_ROM_TABLE, SWO),
        0x004: entry(APB_ROM_TABLE, SWO_FUNNEL),
        0x008: entry(APB_ROM_TABLE, TRACE_FUNNEL),
        0x00C: entry(APB_ROM_TABLE, TPIU),
    },
    SWO: identification(0x914, _ARM, _CLASS_CORESIGHT, device_type=0x11),
    SWO_FUNNEL: identification(0x908, _ARM, _CLASS_CORESIGHT, device_type=0x12),
    TRACE_FUNNEL: identification(0x908, _ARM, _CLASS_CORESIGHT, device_type=0x12),
    TPIU: identification(0x912, _ARM, _CLASS_CORESIGHT, device_type=0x11),
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
