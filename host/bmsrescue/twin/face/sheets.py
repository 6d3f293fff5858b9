"""The pictures of all the dongle's screens, one sheet a language: `python -m bmsrescue.twin.face.sheets docs/pictures`.

A test compares the sheets that are kept with what the agent draws.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bmsrescue.agent import words
from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.card.storage import write_atomically
from bmsrescue.twin.helper.panel import HEIGHT, WIDTH
from bmsrescue.twin.helper.picture import png_of_rows
from bmsrescue.twin.helper.process import find_interpreter

_SCRIPT = Path(__file__).parent / "micropython" / "draw_screens.py"
_TIMEOUT_S = 60
_COLUMNS = 5
_GAP = 8
_EDGE = 2  # around a screen
_CAPTION = 8  # pixels high
_SCALE = 2


def drawn(language: str) -> dict[str, Any]:
    """What draw_screens.py tells: "screens" (name, caption, picture), "causes" (each drawn), pictures in hex;
    "too_long": keys of the texts that do not fit where they stand.

    Raises:
        RuntimeError: the agent cannot draw them; the message is the interpreter's.
    """
    path = f"{device_dir()}:{shared_dir()}:.frozen"
    with tempfile.TemporaryDirectory(prefix="bmsrescue-words-") as folder:
        for place, data in words.files().items():
            (Path(folder) / Path(place).name).write_bytes(data)
        keys = Path(folder) / "keys"
        keys.write_text(json.dumps(list(words.texts(language))))
        run = subprocess.run(
            [find_interpreter(), "-X", "heapsize=8m", _SCRIPT, language, folder, str(keys)],
            env={**os.environ, "MICROPYPATH": path},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    if run.returncode:
        raise RuntimeError(run.stdout + run.stderr)
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def sheet(screens: list[tuple[str, str, str]]) -> bytes:
    """All of them as one PNG: dark screens with their captions above, on white."""
    rows_of_screens = -(-len(screens) // _COLUMNS)
    wide = _COLUMNS * (WIDTH + _GAP) + _GAP
    step = HEIGHT + _CAPTION + 4 + _GAP
    paper = [bytearray(b"\x01" * wide) for _ in range(rows_of_screens * step + _GAP)]
    for number, (_name, caption, picture) in enumerate(screens):
        left = _GAP + number % _COLUMNS * (WIDTH + _GAP)
        top = _GAP + number // _COLUMNS * step
        for y, row in enumerate(rows_of(bytes.fromhex(caption))):
            paper[top + y][left : left + WIDTH] = bytes(1 - lit for lit in row)
        for y in range(-_EDGE, HEIGHT + _EDGE):
            paper[top + _CAPTION + 4 + y][left - _EDGE : left + WIDTH + _EDGE] = bytes(WIDTH + 2 * _EDGE)
        for y, row in enumerate(rows_of(bytes.fromhex(picture))):
            paper[top + _CAPTION + 4 + y][left : left + WIDTH] = row
    return png_of_rows([bytes(row) for row in paper], _SCALE)


def rows_of(frame: bytes) -> list[bytes]:
    """A picture or strip of 128 columns (MONO_VLSB) as rows of 0 and 1."""
    height = len(frame) // WIDTH * 8
    return [bytes(frame[(y >> 3) * WIDTH + x] >> (y & 7) & 1 for x in range(WIDTH)) for y in range(height)]


def main(folder: Path) -> None:
    """Make the sheets anew."""
    for language in words.languages():
        write_atomically(folder / f"screens-{language}.png", sheet(drawn(language)["screens"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
