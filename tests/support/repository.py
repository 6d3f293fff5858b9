"""The repository's own text files, and what in them is meant for people: comments, docstrings, whole documents."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT_KINDS = {".py", ".md", ".S", ".c", ".h", ".ld", ".toml", ".json", ".html", ".mako", ".yml", ""}
_UNPACKED = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_DOCSTRING = re.compile(r'^ *"""(.*?)"""', re.MULTILINE | re.DOTALL)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, added to git or not yet; of an unpacked archive, every file in its folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    if not paths:
        folders = ("device", "docs", "hardware", "host", "shared", "tests")
        paths = [path for name in folders for path in sorted((ROOT / name).rglob("*"))]
        paths += [ROOT / name for name in _UNPACKED]
    return tuple(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


@cache
def texts() -> dict[Path, str]:
    """Every text file of it."""
    found = {}
    for path in files():
        if path.suffix in TEXT_KINDS:
            try:
                found[path] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


def documents() -> dict[Path, str]:
    return {path: text for path, text in texts().items() if path.suffix == ".md"}


def where(path: Path, text: str, at: int) -> str:
    return place(path, text.count("\n", 0, at) + 1)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def for_people(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Line by line, with its number: comments and docstrings of a Python file, all of another file."""
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    # Not by tokens and syntax trees: this reads a thousand files in each of several tests.
    for number, line in enumerate(text.splitlines(), 1):
        comment = _COMMENT.search(line)
        if comment is not None:
            yield number, comment[0]
    for match in _DOCSTRING.finditer(text):
        yield from enumerate(match[1].splitlines(), text.count("\n", 0, match.start()) + 1)
