"""Parameters of the agent's functions made short, all functions with the same few names.

MicroPython keeps the name of each parameter, as every other name, for good; and when the table of all names is full it
asks for one of twice the size, in one piece, which a heap that has been at work for a while may no longer have. Nobody
but the function itself knows its parameters by name, unless they are passed by keyword: those stay what they are.
"""

import ast
import re
from collections.abc import Iterable

_SHORT = re.compile(r"_\d+\Z")


def passed_by_keyword(sources: Iterable[str]) -> set[str]:
    """Every name that stands before a "=" in a call; where a module passes a map ("**"), every text of that module."""
    names: set[str] = set()
    for source in sources:
        nodes = list(ast.walk(ast.parse(source)))
        keywords = {node.arg for node in nodes if isinstance(node, ast.keyword)}
        if None in keywords:
            names |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        names |= {name for name in keywords if name is not None}
    return names


def shorten(source: str, kept: set[str]) -> str:
    """`source` with its functions' parameters called _0, _1, ...; those in `kept` stay. As many lines as before."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    edits: list[tuple[int, int, str, str]] = []
    tree = ast.parse(source)
    if any(isinstance(node, ast.Name) and _SHORT.match(node.id) for node in ast.walk(tree)):
        return source
    for function in _outermost(tree):
        edits += _edits(function, kept)
    for row, column, name, short in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:column] + short.encode() + line[column + len(name.encode()) :]
    return b"".join(lines).decode()


def _outermost(tree: ast.Module) -> Iterable[ast.FunctionDef]:
    """Functions and methods that stand in no other function."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from (member for member in node.body if isinstance(member, ast.FunctionDef))


def _edits(function: ast.FunctionDef, kept: set[str]) -> list[tuple[int, int, str, str]]:
    """(row, column, name, short name) of each place where a parameter of `function` stands.

    Within functions inside of it the same name means the same parameter, or something of their own: either way all of
    them can be renamed alike. Defaults and decorators belong to what is around the function.
    """
    inside = [node for part in function.body for node in ast.walk(part)]
    untouched = kept | {"self"} | _named_elsewhere(inside)
    parameters = [*function.args.posonlyargs, *function.args.args]
    if function.args.vararg:
        parameters.append(function.args.vararg)
    names = [one.arg for one in parameters if one.arg not in untouched and not one.arg.startswith("_")]
    if any("asm" in ast.dump(decorator) for decorator in function.decorator_list):
        return []  # an assembler function's parameters are its registers
    short = {name: f"_{number}" for number, name in enumerate(names)}
    edits = [(one.lineno, one.col_offset, one.arg, short[one.arg]) for one in parameters if one.arg in short]
    for node in inside:
        if isinstance(node, ast.Name) and node.id in short:
            edits.append((node.lineno, node.col_offset, node.id, short[node.id]))
        elif isinstance(node, ast.arg) and node.arg in short:
            edits.append((node.lineno, node.col_offset, node.arg, short[node.arg]))
    return edits


def _named_elsewhere(nodes: list[ast.AST]) -> set[str]:
    """Names that stand where no `ast.Name` tells their place, or tells it wrongly before Python 3.12 (f-strings)."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            names |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Global | ast.Nonlocal):
            names |= set(node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names
