"""Constants worked into the code that uses them, so that a helper's small heap need not hold them by name.

MicroPython folds `_NAME = const(7)` inside one module. Two more cases are folded here, before its compiler runs: names
that come from a register map (a module of nothing but constants), and private numbers and texts of a module without
`const`. Every line stays where it is, so that line numbers are those of the source. What remains on the board is the
value where it is used: no dict entry, no interned name, and no register map at all.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Constant = int | str | tuple[object, ...]
# Given a module's full name, its constants if it is a register map.
MapOf = Callable[[str], Mapping[str, Constant] | None]

_CONST_IMPORT = "micropython"


def register_map(source: str) -> dict[str, Constant] | None:
    """The constants, by name, of a module that holds nothing else and has numbers among them; else None."""
    names: dict[str, Constant] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        name = _assigned_name(statement)
        value = _value(statement.value, names) if isinstance(statement, ast.Assign) else None
        if name is None or value is None or name in names:
            return None
        names[name] = value
    return names if any(isinstance(value, int) for value in names.values()) else None


def inline(source: str, map_of: MapOf) -> str:
    """`source` with register maps and private constants worked in; as many lines as before."""
    tree = ast.parse(source)
    lines = [line.encode() for line in source.split("\n")]
    edits = _Edits(lines)
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            _inline_maps(tree, statement, map_of, edits)
        elif isinstance(statement, ast.Import):
            _inline_plain_import(tree, statement, map_of, edits)
    _fold_private_constants(tree, edits)
    _drop_const_import(tree, edits)
    return b"\n".join(edits.applied()).decode()


@dataclass
class _Edits:
    """Replacements inside lines: (line, start, end, text), in bytes as `ast` counts them."""

    lines: list[bytes]
    made: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def replace(self, node: ast.expr | ast.stmt, text: str) -> None:
        # A node that goes over several lines leaves them empty behind its new text.
        last = node.end_lineno or node.lineno
        for line in range(node.lineno, last + 1):
            start = node.col_offset if line == node.lineno else 0
            end = (node.end_col_offset or 0) if line == last else len(self.lines[line - 1])
            self.made.append((line, start, end, text.encode() if line == node.lineno else b""))

    def applied(self) -> list[bytes]:
        for line, start, end, text in sorted(self.made, reverse=True):
            old = self.lines[line - 1]
            self.lines[line - 1] = old[:start] + text + old[end:]
        return self.lines


def _inline_maps(tree: ast.Module, statement: ast.ImportFrom, map_of: MapOf, edits: _Edits) -> None:
    # `from rescue.debug import adi_registers as adi`, or `from rescue.chips.stm32h7.registers import DBGMCU_IDC`.
    package = statement.module or ""
    whole = map_of(package)
    if whole is not None:
        local = {alias.asname or alias.name: alias.name for alias in statement.names}
        if all(name in whole for name in local.values()) and not any(_bound_again(tree, name) for name in local):
            for name, constant in local.items():
                for use in _loads(tree, name):
                    edits.replace(use, repr(whole[constant]))
            edits.replace(statement, "pass")
        return
    if len(statement.names) == 1:
        alias = statement.names[0]
        constants = map_of(f"{package}.{alias.name}")
        if constants is not None:
            _inline_attributes(tree, statement, alias.asname or alias.name, constants, edits)


def _inline_plain_import(tree: ast.Module, statement: ast.Import, map_of: MapOf, edits: _Edits) -> None:
    # `import twin_opcodes as op`
    if len(statement.names) == 1:
        alias = statement.names[0]
        constants = map_of(alias.name)
        if constants is not None:
            _inline_attributes(tree, statement, alias.asname or alias.name, constants, edits)


def _inline_attributes(
    tree: ast.Module, statement: ast.stmt, name: str, constants: Mapping[str, Constant], edits: _Edits
) -> None:
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    ]
    if len(uses) != len(_loads(tree, name)) or _bound_again(tree, name):
        return  # the module itself is handed around, or something else has its name
    if any(use.attr not in constants for use in uses):
        return
    for use in uses:
        edits.replace(use, repr(constants[use.attr]))
    edits.replace(statement, "pass")


def _fold_private_constants(tree: ast.Module, edits: _Edits) -> None:
    for statement in tree.body:
        name = _assigned_name(statement)
        if name is None or not name.startswith("_") or not isinstance(statement, ast.Assign):
            continue
        value = _value(statement.value, {})
        if isinstance(value, int | str) and len(_stores(tree, name)) == 1:
            edits.replace(statement.value, f"const({value!r})")


def _drop_const_import(tree: ast.Module, edits: _Edits) -> None:
    # The compiler knows `const` by itself; imported, it would take a place in the module.
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == _CONST_IMPORT:
            kept = [alias.name for alias in statement.names if alias.name != "const"]
            edits.replace(statement, f"from {_CONST_IMPORT} import {', '.join(kept)}" if kept else "pass")


def _assigned_name(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None


def _names(tree: ast.Module, name: str) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]


def _loads(tree: ast.Module, name: str) -> list[ast.Name]:
    return [node for node in _names(tree, name) if isinstance(node.ctx, ast.Load)]


def _stores(tree: ast.Module, name: str) -> list[ast.Name]:
    return [node for node in _names(tree, name) if isinstance(node.ctx, ast.Store)]


def _bound_again(tree: ast.Module, name: str) -> bool:
    """Whether an imported name is assigned to, or is some function's parameter."""
    parameters = any(isinstance(node, ast.arg) and node.arg == name for node in ast.walk(tree))
    return parameters or bool(_stores(tree, name))


def _value(node: ast.expr, names: Mapping[str, Constant]) -> Constant | None:
    """The value of a constant expression; None when it is anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | str) and not isinstance(node.value, bool) else None
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Tuple):
        items = [_value(item, names) for item in node.elts]
        return None if None in items else tuple(items)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, names), _value(node.right, names)
        operation = _OPERATIONS.get(type(node.op))
        if operation and isinstance(left, int) and isinstance(right, int):
            return operation(left, right)
    return None


_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitOr: int.__or__,
    ast.BitAnd: int.__and__,
    ast.LShift: int.__lshift__,
    ast.RShift: int.__rshift__,
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
}
