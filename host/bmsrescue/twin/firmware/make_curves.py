"""Writes curves.c and curves.h: open-circuit voltage over state of charge, by chemistry and temperature.

    python make_curves.py VERSION DIRECTORY [TEMPERATURES]

Whole numbers only, so that every machine writes the same bytes. Each version has its own curves.
"""

import sys
from pathlib import Path

POINTS = 1024
TEMPERATURES = 55
BELOW_25C = 25
"""Temperatures below 25 degrees; a short table has its middle there."""
STEP_C = 2
CHEMISTRIES = {"LFP": (2500, 3250, 3650), "NMC": (2800, 3650, 4200), "NCA": (2700, 3600, 4200)}
"""Millivolts empty, on the plateau, full."""
KNEE = 96
"""Points of the steep parts at both ends."""


def curve(chemistry: tuple[int, int, int], celsius: int, revision: int) -> list[int]:
    """Millivolts at each of POINTS states of charge, never falling."""
    empty, plateau, full = chemistry
    # Cold cells sit lower; the revision moves the slope of the plateau a little, as a later measurement would.
    shift = (celsius - 25) * 3 // 4
    slope = 60 + 7 * revision
    values = []
    for point in range(POINTS):
        if point < KNEE:
            base = empty + (plateau - empty) * (2 * KNEE - point) * point // (KNEE * KNEE)
        elif point < POINTS - KNEE:
            base = plateau + slope * (point - KNEE) // (POINTS - 2 * KNEE)
        else:
            beyond = point - (POINTS - KNEE)
            base = plateau + slope + (full - plateau - slope) * beyond * beyond // (KNEE * KNEE)
        values.append(base + shift + revision)
    return values


def main(version: str, directory: Path, temperatures: int = TEMPERATURES) -> None:
    """Write both files for ``version`` ("1.2.0")."""
    index_25c = min(BELOW_25C, temperatures // 2)
    coldest_c = 25 - STEP_C * index_25c
    major, minor, patch = (int(part) for part in version.split("."))
    revision = 16 * major + 4 * minor + patch
    rows = [
        curve(chemistry, coldest_c + STEP_C * step, revision)
        for chemistry in CHEMISTRIES.values()
        for step in range(temperatures)
    ]
    flat = [value for row in rows for value in row]
    total = sum(low | high << 16 for low, high in zip(flat[::2], flat[1::2], strict=True)) & 0xFFFFFFFF
    names = "\n".join(f"#define CURVE_{name} {index}u" for index, name in enumerate(CHEMISTRIES))
    (directory / "curves.h").write_text(
        f"""/* Written by make_curves.py. */
#include <stdint.h>

{names}
#define CURVE_CHEMISTRIES {len(CHEMISTRIES)}u
#define CURVE_TEMPERATURES {temperatures}u
#define CURVE_25C {index_25c}u
#define CURVE_POINTS {POINTS}u
#define CURVES_SUM 0x{total:08x}u

extern const uint16_t curves[CURVE_CHEMISTRIES][CURVE_TEMPERATURES][CURVE_POINTS];
"""
    )
    lines = [",".join(map(str, row)) + "," for row in rows]
    (directory / "curves.c").write_text(
        '/* Written by make_curves.py. */\n#include "curves.h"\n\n'
        '__attribute__((section(".curves"), aligned(32)))\n'
        "const uint16_t curves[CURVE_CHEMISTRIES][CURVE_TEMPERATURES][CURVE_POINTS] = {\n" + "\n".join(lines) + "\n};\n"
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
