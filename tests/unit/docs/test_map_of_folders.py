"""The map of docs/architecture.md has every folder of ours, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from repository import ROOT, files

PAGE = ROOT / "docs" / "architecture.md"
OURS = ("device", "hardware", "host/bmsrescue", "shared")
_ENTRY = re.compile(r"(?:[\w/-]+/ )*[\w/-]+/(?=\s|$)")
_INNER = re.compile(r"(?<![\w./])([a-z_]\w*(?:/\w+)*)/(?=[\s,;:.)]|$)")


def folders() -> set[str]:
    return {
        str(folder)
        for path in files()
        for folder in (path.relative_to(ROOT).parent, *path.relative_to(ROOT).parents)
        if str(folder).startswith(OURS)
    }


def named_in(tree: str) -> set[str]:
    """The folders of a tree of indented lines: `a/ b/  words`, where words name inner folders with a slash, too."""
    found: set[str] = set()
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        entry = _ENTRY.match(line, indent)
        if entry is None or (above and indent > above[-1][0] + 4):
            entry = None  # a file's line, or words that go on
        if entry is not None:
            above = [one for one in above if one[0] < indent]
            base = above[-1][1] if above else ""
            names = [base + name for name in entry[0].split()]
            found.update(name.rstrip("/") for name in names)
            above.append((indent, names[-1]))
        if above and (entry is not None or indent > above[-1][0] + 4):
            words = line[entry.end() :] if entry is not None else line
            found.update(above[-1][1] + name for name in _INNER.findall(words))
    return {str(part) for name in found for part in (Path(name), *Path(name).parents) if str(part).startswith(OURS)}


def tree_of_page() -> str:
    return PAGE.read_text(encoding="utf-8").partition("## Layers\n\n```\n")[2].partition("```")[0]


def test_every_folder_is_on_the_map() -> None:
    missing = folders() - named_in(tree_of_page())
    assert not missing, f"say under Layers in docs/architecture.md what lies there: {sorted(missing)}"


def test_the_map_has_no_folder_that_is_not_there() -> None:
    gone = named_in(tree_of_page()) - folders()
    assert not gone, f"take them out of docs/architecture.md, or name them as they are now: {sorted(gone)}"


def test_a_tree_is_read() -> None:
    tree = "device/    the helper's\n  rescue/\n    a/ b/\n          two (inner/, other)\n  main.py   no folder\n"
    assert named_in(tree) == {"device", "device/rescue", "device/rescue/a", "device/rescue/b", "device/rescue/b/inner"}
