"""Our modules and what each of them imports, read from their source; what is in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOTS = (ROOT / "host", ROOT / "shared", ROOT / "device")
# Stand-ins that run in another interpreter under names of their own, and scripts that Alembic runs.
_ELSEWHERE = {"cpython", "micropython", "migrations"}

Graph = Mapping[str, set[str]]


@cache
def modules() -> Mapping[str, Path]:
    """Every module by its full name."""
    found = {}
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if _ELSEWHERE.isdisjoint(parts[:-1]):
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> Graph:
    """What each module imports: at its top, later, for its types only, or by a module's name as a text."""
    return {name: set(_imported(name)) & modules().keys() - {name} for name in modules()}


def _imported(name: str) -> Iterator[str]:
    path = modules()[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield inner if inner in modules() else origin
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            yield node.value


def beside_each_other(package: str) -> Graph:
    """The modules and folders right in `package`, by their short names, and what each imports of the others."""
    start = package + "."
    found: dict[str, set[str]] = {}
    for name in modules():
        if name.startswith(start):
            child = name[len(start) :].split(".")[0]
            found.setdefault(child, set())
            for other in imports()[name]:
                if other.startswith(start):
                    found[child].add(other[len(start) :].split(".")[0])
    return {child: others - {child} for child, others in found.items()}


def packages(root: str) -> list[str]:
    """`root` and every folder below it that holds modules."""
    inner = {name.rpartition(".")[0] for name in modules() if name.startswith(root + ".")}
    return sorted(inner | {root})


def circles(graph: Graph) -> list[list[str]]:
    """Groups that reach each other both ways, each in order."""
    ways = {name: reached(graph, name) for name in graph}
    groups = {tuple(sorted({name, *(other for other in ways[name] if name in ways.get(other, ()))})) for name in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def reached(graph: Graph, start: str) -> set[str]:
    """All that one comes to along the arrows."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
