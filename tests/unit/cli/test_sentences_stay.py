"""No code changes the case of a sentence, and what comes from files, units and helpers is shown through one console.

A name in a sentence ("PB5", a file) would be changed with it, and then not be found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.cli import output

HOST = Path(output.__file__).parents[1]
FOLDERS = (HOST, device_dir(), shared_dir() / "rescuelink")
NEVER = {"capitalize", "title", "swapcase"}
CASES = {"lower", "upper", "casefold"}
SENTENCES = ("message", "next_step", "sentence", "advice", "reason", "step", "error", "says", "said")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            yield path, ast.parse(path.read_text())


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Calls of a method or function, with its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield node, name


def changes_of_case(tree: ast.AST) -> list[str]:
    compared = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
    found = []
    for call, name in calls(tree):
        of = ast.unparse(call.func)
        if (name in NEVER and not call.args) or (
            name in CASES and id(call) not in compared and any(word in of for word in SENTENCES)
        ):
            found.append(of)
    return found


def unsafe_output(path: Path, tree: ast.AST) -> list[str]:
    if path == HOST / "cli" / "output.py":
        return []
    found = []
    for call, name in calls(tree):
        of = ast.unparse(call)[:60]
        if name == "Console" or (name == "print" and isinstance(call.func, ast.Name)):
            found.append(of)
        if name == "from_markup" or any(word.arg == "markup" and not _is(word.value, False) for word in call.keywords):
            found.append(of)
    return found


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_no_sentence_changes_its_case() -> None:
    found = {str(path): changes for path, tree in sources() if (changes := changes_of_case(tree))}
    assert found == {}


def test_the_commands_print_through_the_console_that_reads_no_markup() -> None:
    found = {
        str(path): prints
        for path, tree in sources()
        if path.is_relative_to(HOST / "cli") and (prints := unsafe_output(path, tree))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("show(error.message.capitalize())", 1),
        ("text = next_step.lower()", 1),
        ("if said.lower() == 'yes': go()", 0),
        ("name = path.name.lower()", 0),
    ],
)
def test_the_scan_sees_what_it_is_for(code: str, faults: int) -> None:
    assert len(changes_of_case(ast.parse(code))) == faults


@pytest.mark.parametrize(
    "code", ["print(name)", "Console().print(name)", "table.add(markup=True)", "Text.from_markup(x)"]
)
def test_the_scan_sees_a_print_past_the_console(code: str) -> None:
    assert unsafe_output(HOST / "cli" / "x.py", ast.parse(code))
