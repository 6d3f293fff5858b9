# A chip whose access ports are not those of an STM32H7: another family behind the same connector, or a read gone wrong.

from rescue.debug import adi_registers as adi
from rescuelink.errors import TargetError, WireError

_READS = 3
_CPUID = 0xE000ED00
# Part numbers of CPUID (Armv7-M DDI 0403E B3.2.3, Armv8-M DDI 0553 D1.2.42).
_CORES = (
    (0xC20, "M0"),
    (0xC60, "M0+"),
    (0xC23, "M3"),
    (0xC24, "M4"),
    (0xC27, "M7"),
    (0xD20, "M23"),
    (0xD21, "M33"),
    (0xD22, "M55"),
)
_NOTHING = (0, 0xFFFFFFFF)


def check(target):
    """Raises TargetError("other_family") with `found`, the facts, where the ports read the same again and again.

    A port 0 that shows nothing at all says nothing, nor does a read that changes.
    """
    ports = (target.ap0, target.ap1, target.ap2)
    for _ in range(_READS):
        for index, port in enumerate(ports):
            if port.idr() != target.aps[str(index)]:
                return
    first = target.aps["0"]
    if first in _NOTHING:
        return
    if first & adi.IDR_MASK == adi.IDR_AHB:
        core = _core(target.ap0)
        if core is None or core == "Cortex-M7":
            return
    else:
        core = _core(target.ap1) if target.aps["1"] & adi.IDR_MASK == adi.IDR_AHB else None
    error = TargetError("other_family", "the access ports are not those of an STM32H7")
    error.found = {"dpidr": target.dpidr, "aps": target.aps, "core": core}
    raise error


def _core(port):
    # The core's name, or None where nothing can be made of what the port reads.
    try:
        cpuid = port.read32(_CPUID)
        again = port.read32(_CPUID)
    except WireError:
        return None
    if cpuid in _NOTHING or again != cpuid:
        return None
    for number, name in _CORES:
        if cpuid >> 4 & 0xFFF == number:
            return "Cortex-" + name
    return "a core with CPUID 0x%08x" % cpuid
