"""The table of docs/chips.md, made from the twin's own: `python -m bmsrescue.twin.chips_page docs/chips.md`.

Who has judged which part is written here, and the judges' tests hold it against what they do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import UsageError
from bmsrescue.twin.chip.parts import PARTS, Part
from bmsrescue.twin.firmware.builds import BUILDS

BEGIN: Final = "<!-- chips: made by `python -m bmsrescue.twin.chips_page docs/chips.md` -->"
END: Final = "<!-- end of the chips -->"

OPENOCD: Final = frozenset({"H723", "H725", "H730", "H733", "H735", "H743", "H753", "H7A3", "H7B0", "H7B3"})
"""OpenOCD 0.12 probes, erases, programs, verifies and dumps both ends of each bank (tests/third_party)."""
PYOCD: Final = {"H725": "flash", "H743": "connect"}
"""pyOCD connects and reads; where it says so, its own flash algorithm programs (tests/third_party)."""
DRIVER: Final = frozenset({"H723", "H725", "H730", "H733", "H735", "H743", "H753", "H7A3", "H7B0", "H7B3"})
"""The agent's driver says who it is, and erases, programs and reads each die and flash size (tests/unit/agent_low)."""
RECOVERED: Final = frozenset({"H723", "H725", "H743", "H7A3", "H7B0"})
"""Whole recoveries by the agent on a real MicroPython (tests/agent)."""

_HEAD: Final = (
    "| part | die | DEV_ID | flash | banks | sector | flash word | write protection by "
    "| OpenOCD | pyOCD | agent's driver | recovered on MicroPython |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def table() -> list[str]:
    """The lines of the table, a part each."""
    return [*_HEAD, *(_row(part) for part in PARTS.values())]


def with_table(text: str) -> str:
    """`text` with the table between its two marks made anew.

    Raises:
        UsageError: the marks are not there.
    """
    head, begin, rest = text.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not begin or not end:
        raise UsageError("the document has no place for the chips", f"Put two lines there: {BEGIN} and {END}")
    return "\n".join((head + begin, *table(), end + tail))


def _row(part: Part) -> str:
    die, geometry = part.die, part.geometry
    cells = (
        f"STM32{part.name}",
        f"{die.name} ({die.manual})",
        f"0x{die.device_id:03x}",
        f"{part.flash_kib} KiB",
        str(geometry.banks),
        f"{geometry.sectors} x {geometry.sector_size // 1024} KiB",
        f"{geometry.word_size} bytes",
        "sector" if die.protect_sectors == 1 else f"{die.protect_sectors} sectors",
        "yes" if part.name in OPENOCD else "-",
        PYOCD.get(part.name, "-"),
        "yes" if part.name in DRIVER else "-",
        "yes" if part.name in RECOVERED else "no firmware" if part.name not in BUILDS else "as its die",
    )
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m bmsrescue.twin.chips_page FILE", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    write_atomically(path, with_table(path.read_text(encoding="utf-8")).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
