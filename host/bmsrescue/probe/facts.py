"""What is known of a probe's firmware: too old, known to be broken, or with a limit that one should know.

Sources stand in docs/probes.md.
"""

from __future__ import annotations

from dataclasses import dataclass

_DEBUGPROBE = (0x2E8A, 0x000C)
_DAPLINK = (0x0D28, 0x0204)


@dataclass(frozen=True)
class Remark:
    """refuses: nothing is done with it, because it could do harm."""

    sentence: str
    next_step: str
    refuses: bool = False


def of_stlink(hardware: int, jtag: int) -> list[Remark]:
    """`hardware` 2 for V2 and V2-1, 3 and 4; `jtag` the number behind J."""
    name = f"V{hardware}J{jtag}"
    update = "update it with ST's STSW-LINK007"
    if (hardware == 2 and jtag < 28) or hardware < 2:
        return [Remark(f"its firmware {name} cannot choose an access port (J28 and later can)", update, True)]
    if (hardware == 2 and jtag < 32) or (hardware == 3 and jtag < 2):
        wants = "J32" if hardware == 2 else "J2"
        return [
            Remark(f"its firmware {name} cannot set how a memory access is made ({wants} and later can)", update, True)
        ]
    return []


def of_cmsis_dap(vid: int, pid: int, device: int | None, protocol: str) -> list[Remark]:
    """`device`: bcdDevice of USB, None where it is not known. `protocol`: what DAP_Info says of its version."""
    remarks = []
    if (vid, pid) == _DEBUGPROBE and device is not None:
        version = f"{device >> 8:x}.{device >> 4 & 15:x}.{device & 15:x}"
        if device < 0x0220:
            remarks.append(
                Remark(f"Debug Probe firmware {version} is known to be broken", "update it to 2.2.3 (a UF2 file)")
            )
        elif device == 0x0230:
            remarks.append(
                Remark(f"Debug Probe firmware {version} is reported not to start", "if it hangs, go back to 2.2.3")
            )
    if (vid, pid) == _DAPLINK and protocol == "0254":
        remarks.append(
            Remark("DAPLink 0254 is reported to stop answering on some probes", "if it hangs, update it to 0257")
        )
    if protocol.startswith(("1.0", "1.1", "0.0")):
        remarks.append(
            Remark(f"it speaks CMSIS-DAP {protocol}: HID with 64 bytes a packet, so it is slow", "give it time")
        )
    return remarks
