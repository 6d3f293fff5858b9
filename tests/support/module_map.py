"""`make map`: pictures of our modules, folders as boxes, an arrow from each to what it imports.

An arrow that follows from two others is left out; one of a circle is red. The same code makes the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from modules import ROOT, Graph, beside_each_other, imports, modules, reached

PICTURES = ROOT / "docs" / "pictures"
# What each picture shows the inside of.
SHOWN = {
    "host": "bmsrescue",
    "cli": "bmsrescue.cli",
    "fleet": "bmsrescue.fleet",
    "twin": "bmsrescue.twin",
    "agent": "rescue",
    "engine": "rescue.engine",
}
_OTHERS = ("rescue", "rescuelink")  # packages that the whole host or agent may use
_WIDTH, _GAP, _ROW_GAP, _LINE, _MARGIN = 168, 22, 56, 13, 16
_LINE_CHARACTERS, _LINES, _IN_A_ROW = 27, 7, 7
_STYLE = (
    "text{font:11px sans-serif;fill:#555}.name{font-weight:bold;font-size:12px;fill:#111}"
    "rect{fill:#f4f7fb;stroke:#7a8ca5}path{fill:none;stroke:#9aa7b8}path.circle{stroke:#c22}"
)


@dataclass
class _Box:
    name: str
    lines: list[str]
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        return 26 + _LINE * len(self.lines) + (4 if self.lines else 0)


def arrows(package: str) -> Graph:
    """What lies right in `package`, with the arrows that are drawn."""
    graph = {name: set(others) for name, others in beside_each_other(package).items()}
    graph |= _to_others(package, graph)
    ways = {name: reached(graph, name) for name in graph}
    return {
        name: {other for other in others if not _follows(graph, ways, name, other)} for name, others in graph.items()
    }


def draw(package: str) -> str:
    """The picture of what lies right in `package`, as SVG."""
    graph = arrows(package)
    ways = {name: reached(graph, name) for name in graph}
    boxes = {name: _Box(name, _inside(package, name)) for name in graph}
    width, height = _place(_rows(graph, ways), graph, boxes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{_STYLE}</style>",
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 8,4 0,8" style="fill:#9aa7b8;stroke:none"/></marker>',
        '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>',
    ]
    for name in sorted(graph):
        parts += [_arrow(boxes[name], boxes[other], name in ways[other]) for other in sorted(graph[name])]
    for name in sorted(boxes):
        parts += _drawn(boxes[name])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _to_others(package: str, graph: Graph) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    if "." in package:
        return found
    for name, others in imports().items():
        child = name.removeprefix(package + ".").split(".")[0]
        for other in {one.split(".")[0] for one in others} & {*_OTHERS} - {package}:
            if name.startswith(package + ".") and child in graph:
                found.setdefault(child, set(graph[child])).add(other)
                found.setdefault(other, set())
    return found


def _follows(graph: Graph, ways: Graph, name: str, other: str) -> bool:
    if name in ways[other]:
        return False  # a circle shows all it has
    nearer = {one for one in graph[name] if name not in ways[one] and one not in ways[other]}
    return any(other in ways[between] for between in nearer - {other})


def _rows(graph: Graph, ways: Graph) -> list[list[str]]:
    """Who imports stands above what is imported; those of a circle stand in one row."""
    row = dict.fromkeys(graph, 0)
    for _ in graph:
        for name in graph:
            for other in graph[name]:
                step = 0 if name in ways[other] else 1
                row[other] = max(row[other], row[name] + step)
    return [sorted(name for name in graph if row[name] == number) for number in range(max(row.values()) + 1)]


def _place(rows: Sequence[Sequence[str]], graph: Graph, boxes: dict[str, _Box]) -> tuple[int, int]:
    """Give each box its place, near those that import it; returns the picture's size."""
    lines: list[list[str]] = []
    middle: dict[str, float] = {}
    for row in rows:
        above = {name: [middle[who] for who in middle if name in graph[who]] for name in row}
        order = sorted(row, key=lambda name: (sum(above[name]) / len(above[name]) if above[name] else 0.5, name))
        for start in range(0, len(order), _IN_A_ROW):
            lines.append(order[start : start + _IN_A_ROW])
            middle |= {name: (number + 0.5) / len(lines[-1]) for number, name in enumerate(lines[-1])}
    longest = max(len(line) for line in lines)
    width = 2 * _MARGIN + longest * _WIDTH + (longest - 1) * _GAP
    y = _MARGIN + 24  # room for the bow of a circle
    for line in lines:
        taken = len(line) * _WIDTH + (len(line) - 1) * _GAP
        for number, name in enumerate(line):
            boxes[name].x, boxes[name].y = (width - taken) // 2 + number * (_WIDTH + _GAP), y
        y += max(boxes[name].height for name in line) + _ROW_GAP
    return width, y - _ROW_GAP + _MARGIN


def _inside(package: str, name: str) -> list[str]:
    """The names of what a folder holds, in lines; none for a single module."""
    whole = name if name in _OTHERS else f"{package}.{name}"
    names = sorted({one[len(whole) + 1 :].split(".")[0] for one in modules() if one.startswith(whole + ".")})
    lines = [""]
    for number, one in enumerate(names):
        longer = f"{lines[-1]} {one}".strip()
        if len(longer) <= _LINE_CHARACTERS:
            lines[-1] = longer
        elif len(lines) < _LINES:
            lines.append(one)
        else:
            return [*lines, f"and {len(names) - number} more"]
    return [line for line in lines if line]


def _arrow(start: _Box, end: _Box, in_a_circle: bool) -> str:
    kind = ' class="circle"' if in_a_circle else ""
    x1, x2 = start.x + _WIDTH // 2, end.x + _WIDTH // 2
    if start.y == end.y:
        y1 = y2 = start.y
        bend = start.y - 30
        way = f"M{x1},{y1} C{x1},{bend} {x2},{bend} {x2},{y2}"
    else:
        y1, y2 = start.y + start.height, end.y
        way = f"M{x1},{y1} C{x1},{y1 + 40} {x2},{y2 - 40} {x2},{y2}"
    return f'<path{kind} marker-end="url(#tip)" d="{way}"><title>{start.name} imports {end.name}</title></path>'


def _drawn(box: _Box) -> list[str]:
    texts = [f'<text class="name" x="{box.x + 8}" y="{box.y + 17}">{escape(box.name)}</text>']
    texts += [
        f'<text x="{box.x + 8}" y="{box.y + 33 + _LINE * number}">{escape(line)}</text>'
        for number, line in enumerate(box.lines)
    ]
    return [f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{box.height}" rx="4"/>', *texts]


def picture_of(name: str) -> Path:
    """Where that picture lies."""
    return PICTURES / f"map-{name}.svg"


def main() -> None:
    """The command."""
    for name, package in SHOWN.items():
        picture_of(name).write_text(draw(package), encoding="utf-8")


if __name__ == "__main__":
    main()
