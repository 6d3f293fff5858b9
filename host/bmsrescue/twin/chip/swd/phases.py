"""Where a transfer on the wire is, as the chip sees it (ADIv5.2, chapter B4)."""

from typing import Final

IDLE: Final = 0
REQUEST: Final = 1
TURN_TO_TARGET: Final = 2
ACK: Final = 3
READ_DATA: Final = 4
TURN_TO_HOST: Final = 5
WRITE_TURN: Final = 6
WRITE_DATA: Final = 7
SILENT: Final = 8
"""After a protocol error: nothing but a line reset is heard."""
AFTER_RESET: Final = 9
"""Fifty ones were seen: low cycles must follow."""
DESELECTED: Final = 10
"""JTAG or dormant: only selection sequences are heard."""
