"""Comments, docstrings and documents name files and modules of ours that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import modules
from repository import ROOT, files, for_people, place, texts

FILE = re.compile(r"(?<![\w*/.<>-])((?:\.\./)*(?:[\w-]+/)*[\w-]+\.(?:py|S))\b(?![(.\w])")
SYMBOL = re.compile(r"(?<![\w/.-])((?:rescue|rescuelink|bmsrescue)(?:\.\w+)+)\b(?!/)")
NOT_OURS = {
    "boot.py": "MicroPython's start, which a helper may have",
    "target_STM32H723xx.py": "pyOCD",
    "pyocd/probe/stlink/stlink.py": "pyOCD",
    "pyocd/probe/stlink/constants.py": "pyOCD",
    "pyocd_user.py": "pyOCD's, of somebody who debugs",
}
NOT_A_MODULE = {"bmsrescue.service", "bmsrescue.sock"}
KINDS = {".py", ".md", ".S", ".c", ".h", ".toml", ".yml"}
SKIPPED = ("CHANGELOG.md", "tests/rp2040/third_party/")  # what was; other people's


@cache
def told() -> tuple[tuple[str, str], ...]:
    """What is written for people, with its place."""
    found = []
    for path, text in texts().items():
        name = path.relative_to(ROOT).as_posix()
        ours = path.suffix in KINDS or path.name in {"Makefile", "run"}
        if ours and not name.startswith(SKIPPED):
            found += [(place(path, line), said) for line, said in for_people(path, text) if "." in said]
    return tuple(found)


def is_there(name: str) -> bool:
    """A file by its path in the repository, or by the end of it."""
    return "/" + re.sub(r"^(\.\./)+", "", name) in ends_of_paths()


@cache
def ends_of_paths() -> frozenset[str]:
    names = ["/" + path.relative_to(ROOT).as_posix() for path in files()]
    return frozenset(name[at:] for name in names for at in range(len(name)) if name[at] == "/")


@cache
def defined_in(module: Path) -> frozenset[str]:
    names = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        else:
            names.update(one.id for one in ast.walk(node) if isinstance(one, ast.Name))
    return frozenset(names)


def resolves(dotted: str) -> bool:
    """A module of ours, or something that it has."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        module = modules.modules().get(".".join(parts[:count]))
        if module is not None:
            return count == len(parts) or parts[count] in defined_in(module)
    return False


def test_each_file_that_is_named_exists() -> None:
    wrong = [
        f"{at}: {name}"
        for at, said in told()
        for name in FILE.findall(said)
        if name not in NOT_OURS and not is_there(name)
    ]
    assert not wrong, "name it as it is called now (another program's file: NOT_OURS): " + ", ".join(wrong)


def test_each_module_and_symbol_that_is_named_exists() -> None:
    wrong = [
        f"{at}: {dotted}"
        for at, said in told()
        for dotted in SYMBOL.findall(said)
        if dotted not in NOT_A_MODULE and not resolves(dotted)
    ]
    assert not wrong, "name it as it is called now: " + ", ".join(wrong)


@pytest.mark.parametrize(
    ("dotted", "there"),
    [
        ("rescuelink.diagnoses.cause", True),
        ("rescuelink.diagnoses.CAUSES", False),
        ("rescue.engine.job", True),
        ("rescue.engine.verify_all", False),
    ],
)
def test_a_symbol_is_looked_up(dotted: str, there: bool) -> None:
    assert resolves(dotted) is there
