"""The sentences that a helper may write into a record, out of the agent's source: each a template with its values.

They are the texts of `rescuelink`'s tables and every text of several words in the agent's engine, chips and drivers. A
text that is put together (`+`, `%`, one of two) is one template where its parts stand in one expression.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from bmsrescue.fleet.web.helper_words import message_of
from repository import ROOT
from rescuelink import causes_chip, causes_firmware, causes_open, causes_supply, distinguishing
from rescuelink.outcomes import OUTCOMES

_FOLDERS = ("device/rescue/engine", "device/rescue/chips", "device/rescue/debug")
_WORD = re.compile(r"\b[a-z]{2,}\b")  # what has none is numbers and names of registers
_MACHINES = re.compile(r'^[a-z_]+(\.[a-z_0-9]+)+( |$)|^rescue|^[",] ?"|^operator:')  # names of modules, keys of a line
_FEWEST_LETTERS = 6  # beside values; with fewer it would fit too much
_VALUE = "%s"
_MOST = 24


def sentences() -> dict[str, str]:
    """Where each stands, by its message."""
    found: dict[str, str] = {}
    for table in (causes_supply, causes_chip, causes_firmware, causes_open):
        for row in (*table.TABLE, *getattr(table, "INSTEAD", ())):
            for text in row[1:3]:
                found[message_of(text)] = f"{table.__name__}: {row[0]}"
    found |= {message_of(text): f"{distinguishing.__name__}: {name}" for name, text in distinguishing.TABLE.items()}
    found |= {one.sentence: f"rescuelink.outcomes: {name}" for name, one in OUTCOMES.items()}
    for folder in _FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for line, text in _texts(file):
                found.setdefault(message_of(text), f"{file.relative_to(ROOT)}:{line}")
    return found


def _texts(file: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(id(node.value))  # a docstring
        if id(node) in inner or not isinstance(node, ast.Constant | ast.BinOp | ast.IfExp):
            continue
        if isinstance(node, ast.IfExp) and not all(isinstance(one, ast.Constant) for one in (node.body, node.orelse)):
            continue
        made = _made(node, constants)
        if not isinstance(node, ast.Constant):
            inner |= _parts(node)
        for text in made:
            text = text.strip()
            own = message_of(text)
            letters = sum(one.isalpha() for one in own)
            if (
                " " in text
                and (letters >= _FEWEST_LETTERS or "{" not in own)
                and _WORD.search(own)
                and not _MACHINES.search(text)
            ):
                yield node.lineno, text


def _made(node: ast.expr, constants: dict[str, ast.expr]) -> list[str]:
    """What an expression may say; a value where nobody can see what."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return (_made(node.body, constants) + _made(node.orelse, constants))[:_MOST]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _made(node.left, constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _made(node.left, constants), _made(node.right, constants)
        return [one + other for one, other in product(left, right)][:_MOST]
    if isinstance(node, ast.Name) and isinstance(found := constants.get(node.id), ast.Constant | ast.BinOp):
        return _made(found, constants)
    return [_VALUE]


def _parts(node: ast.AST) -> set[int]:
    """All texts that `_made` has read."""
    found: set[int] = set()
    if isinstance(node, ast.BinOp):
        for part in (node.left, *((node.right,) if isinstance(node.op, ast.Add) else ())):
            found |= {id(part)} | _parts(part)
    elif isinstance(node, ast.IfExp):
        for part in (node.body, node.orelse):
            found |= {id(part)} | _parts(part)
    return found


if __name__ == "__main__":
    for message, place in sentences().items():
        print(f"{place}\t{message}")
