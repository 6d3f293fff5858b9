"""SWD on the wire: request bytes, acknowledgements and the switching sequences (Arm IHI 0031, ADIv5.2, chapter B4/B5).

All bit strings are given as numbers whose least significant bit goes first.
"""

from __future__ import annotations

from typing import Final

ACK_OK: Final = 1
ACK_WAIT: Final = 2
ACK_FAULT: Final = 4

LINE_RESET_ONES: Final = 50
"""So many high cycles in a row are a line reset, whatever went on before."""

SWITCH_BITS: Final = 16
JTAG_TO_SWD: Final = 0xE79E
SWD_TO_JTAG: Final = 0xE73C
SWD_TO_DORMANT: Final = 0xE3BC

JTAG_TO_DORMANT: Final = 0x33BBBBBA
JTAG_TO_DORMANT_BITS: Final = 31
JTAG_RESET_ONES: Final = 5
"""TMS high for so long reaches Test-Logic-Reset, from where JTAG-to-dormant is accepted."""

SELECTION_ALERT: Final = int.from_bytes(bytes.fromhex("92f30962952d8586e9afdde3a20ebc19"), "little")
SELECTION_ALERT_BITS: Final = 128
ACTIVATION_ZEROS: Final = 4
ACTIVATE_SWD: Final = 0x1A
ACTIVATE_JTAG: Final = 0x0A
ACTIVATION_BITS: Final = 8

# A request as the debug port sees it: bit 3 APnDP, bit 2 RnW, bits 1:0 A[3:2].
INVALID_REQUEST: Final = -1
DP_WRITE: Final = 0
DP_READ: Final = 4
AP_WRITE: Final = 8
AP_READ: Final = 12


def _decode(byte: int) -> int:
    start, stop, park = byte & 1, byte >> 6 & 1, byte >> 7 & 1
    parity = (byte >> 1 & 0x1F).bit_count() & 1
    if not start or stop or not park or parity:
        return INVALID_REQUEST
    apndp, rnw, a32 = byte >> 1 & 1, byte >> 2 & 1, byte >> 3 & 3
    return apndp << 3 | rnw << 2 | a32


REQUESTS: Final[tuple[int, ...]] = tuple(_decode(byte) for byte in range(256))
"""Request byte to request, or INVALID_REQUEST where start, parity, stop or park are wrong."""
