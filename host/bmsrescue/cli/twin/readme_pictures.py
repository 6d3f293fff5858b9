"""The first page's pictures, dongle and terminal: `python -m bmsrescue.cli.twin.readme_pictures docs/pictures`.

A test compares them with what the agent draws and the command prints.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Final

from rich.terminal_theme import MONOKAI
from rich.text import Text

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.output import PlainConsole, broken
from bmsrescue.cli.twin import demo
from bmsrescue.twin.face.sheets import drawn, rows_of
from bmsrescue.twin.helper.panel import HEIGHT, WIDTH

COLUMNS: Final = 80
# Left out of the demo, by what their first lines hold and the lines behind them: the work itself, and figures that are
# not the same on two machines.
_LEFT_OUT: Final = (("10/16", "RECOVERED"), ("of the unit's time", "The same unit"))
_SHOWN: Final = "RECOVERED"
_PIXEL: Final = 3
# As rich has it, without its font from elsewhere.
_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
 line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def terminal(lines: list[Text]) -> str:
    """A terminal of 80 columns that shows `lines`, as an SVG."""
    paper = _recorded()
    for line in lines:
        paper.print(line, soft_wrap=True)
    return paper.export_svg(title="bmsrescue twin demo", theme=MONOKAI, code_format=_SVG, unique_id="terminal")


def demo_lines(seed: int = 0) -> list[Text]:
    """What `bmsrescue twin demo` says of diagnosis, plan and outcome, in lines of at most 80 columns."""
    console = _recorded()
    demo.play(console, seed)
    lines = [Text.from_ansi(line) for line in console.export_text(styles=True).splitlines()]
    for first, behind in _LEFT_OUT:
        start = next(at for at, line in enumerate(lines) if first in line.plain)
        end = next(at for at, line in enumerate(lines) if at > start and line.plain.startswith(behind))
        lines[start:end] = [Text("  ...", style="dim")]
    return [piece for line in lines for piece in broken(line, COLUMNS)]


def dongle() -> str:
    """The helper as it lies in the hand, with the last screen of a cured unit, as an SVG."""
    picture = next(frame for name, _caption, frame in drawn("en")["screens"] if name == _SHOWN)
    lit = [
        f"M{x * _PIXEL} {y * _PIXEL}h{_PIXEL}v{_PIXEL}h-{_PIXEL}z"
        for y, row in enumerate(rows_of(bytes.fromhex(picture)))
        for x, on in enumerate(row)
        if on
    ]
    wide, high = WIDTH * _PIXEL, HEIGHT * _PIXEL
    wires = ("GND", "SWCLK", "SWDIO", "NRST", "3.3 V", "BOOT0", "12 V", "VCAP", "B+", "switch")
    parts = [
        '<rect x="8" y="8" width="644" height="324" rx="14" fill="#14532d" stroke="#0b3a1e" stroke-width="3"/>',
        *(f'<circle cx="{x}" cy="{y}" r="9" fill="#e5e7eb"/>' for x in (30, 630) for y in (30, 310)),
        f'<rect x="52" y="40" width="{wide + 24}" height="{high + 24}" rx="6" fill="#111827"/>',
        f'<path transform="translate(64 52)" fill="#e0f2fe" d="{"".join(lit)}"/>',
        _label(64 + wide // 2, high + 92, "128 x 64 display"),
        '<circle cx="528" cy="70" r="11" fill="#22c55e"/>',
        _label(554, 104, "green and red"),
        '<circle cx="580" cy="70" r="11" fill="#450a0a"/>',
        '<circle cx="554" cy="160" r="30" fill="#374151"/>',
        '<circle cx="554" cy="160" r="18" fill="#dc2626"/>',
        _label(554, 210, "the button"),
        '<rect x="510" y="236" width="88" height="58" rx="4" fill="#9ca3af"/>',
        '<rect x="518" y="282" width="72" height="40" rx="3" fill="#1f2937"/>',
        _label(554, 262, "SD card", "#111827"),
        *(f'<rect x="{60 + 40 * i}" y="302" width="18" height="18" fill="#d4af37"/>' for i in range(len(wires))),
        *(_label(69 + 40 * i, 298, name, size=9) for i, name in enumerate(wires)),
    ]
    head = '<svg viewBox="0 0 660 340" xmlns="http://www.w3.org/2000/svg" font-family="arial, sans-serif">'
    return "\n".join([head, "<title>The dongle: a cured unit</title>", *parts, "</svg>", ""])


def _label(x: int, y: int, text: str, colour: str = "#f9fafb", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" fill="{colour}">{text}</text>'


class _Unicode(PlainConsole):
    encoding = "utf-8"


def _recorded() -> PlainConsole:
    """That of a person whose terminal has Unicode and colour, whatever this one has."""
    console = _Unicode(width=COLUMNS)
    console.file, console.record, console.no_color = io.StringIO(), True, False
    return console


def main(folder: Path) -> None:
    """Make both anew."""
    write_atomically(folder / "dongle.svg", dongle().encode())
    write_atomically(folder / "terminal.svg", terminal(demo_lines()).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
