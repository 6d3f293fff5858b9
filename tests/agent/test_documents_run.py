"""The first page and the tutorial are typed as they stand, on the virtual bench, and show what they say, in that order.

Of a page's `console` blocks each line after "$" is a command; each other line is found in what that says, in turn; how
lines are broken does not count. `--probe any` is an ST-Link in software on the dead unit, `any-good` the same on a
good one; `deploy` is only read: it has tests of its own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bmsrescue.board.config import load_board
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.serial_twin import SerialTwin
from bmsrescue.twin.wiring import wired
from link_twin import Host
from repository import ROOT
from terminal import in_terminal

PAGES = {"first page": ROOT / "docs" / "README.md", "tutorial": ROOT / "docs" / "tutorial.md"}
MOST_COMMANDS = 5
_STANDS_FOR = {"any": "twin:half-on", "any-good": "twin:healthy"}
_HELPER = re.compile(r"<!-- helper: (\S+) (\S+) -->")


@dataclass
class Chapter:
    """What is typed under one heading, and what is shown of each command."""

    title: str
    helper: tuple[str, str] | None = None
    commands: list[tuple[str, list[str]]] = field(default_factory=list)


def chapters(text: str) -> Iterator[Chapter]:
    chapter, inside = Chapter("the beginning"), False
    for line in text.splitlines():
        if line.startswith("## ") and not inside:
            yield chapter
            chapter = Chapter(line[3:])
        elif found := _HELPER.fullmatch(line):
            chapter.helper = (found[1], found[2])
        elif line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            chapter.commands.append((line[2:], []))
        elif inside:
            chapter.commands[-1][1].append(line)
    yield chapter


CHAPTERS = {name: list(chapters(page.read_text(encoding="utf-8"))) for name, page in PAGES.items()}
FIRST = [chapter for chapter in CHAPTERS["first page"] if chapter.commands]


def plain(text: str) -> str:
    """Without the marks of lists and notes, and as one line."""
    return " ".join(text.split())


def type_it(command: str, shown: list[str], columns: int = 80) -> None:
    words = shlex.split(command)
    assert words[0] == "bmsrescue"
    if words[1] == "deploy":
        load_board(words[words.index("--board") + 1] if "--board" in words else "pico")
        return
    words = [_STANDS_FOR.get(word, word) for word in words[1:]]
    asked = b"\n" * 8 if "ask" in words else b""
    said = in_terminal(*words, typed=asked, columns=columns)
    assert "Traceback" not in said.text and said.status in (0, 1), said.text
    text, at = plain(said.text), 0
    for line in shown:
        found = text.find(plain(line), at)
        assert found >= 0, f"{command}: not shown, or not there: {line!r} in\n{said.text}"
        at = found + len(plain(line))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "firmware.bin").write_bytes(image_bytes("1.2.0"))
    return tmp_path


@pytest.mark.parametrize("chapter", FIRST, ids=lambda chapter: chapter.title)
def test_each_door_of_the_first_page_leads_to_a_diagnosis(
    chapter: Chapter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(chapter.commands) <= MOST_COMMANDS
    with ExitStack() as stack:
        if chapter.helper is not None:
            scenario, board = chapter.helper
            card = default_card() if load_board(board).get("card") else None
            twin = stack.enter_context(SerialTwin(wired(find(scenario), load_board(board)), card))
            with Host(twin.url):
                pass  # its agent has started
            monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        for command, shown in chapter.commands:
            type_it(command, shown)


def test_the_first_page_asks_for_each_thing_that_one_may_have() -> None:
    text = PAGES["first page"].read_text(encoding="utf-8")
    for door in ("A probe", "A bare Pico", "The whole helper", "A good sibling", "Only a dead unit", "No hardware"):
        assert f"## {door}\n" in text
        assert f"(#{door.lower().replace(' ', '-')})" in text


@pytest.mark.timeout(600)  # seven commands, one of them a whole cure
def test_the_tutorial_is_executed_word_for_word(folder: Path) -> None:
    commands = [command for chapter in CHAPTERS["tutorial"] for command in chapter.commands]
    assert len(commands) >= 5
    for command, shown in commands:
        type_it(command, shown)
