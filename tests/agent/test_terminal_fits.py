"""Every command in a narrow terminal: lines fit, nothing of a live line stays, colours are read, ASCII will do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from bmsrescue.card.storage import write_new_card
from bmsrescue.cli import app
from bmsrescue.cli.commands import COMMANDS, Command, Group
from bmsrescue.cli.output import ACCENT, NOTE, STYLES
from bmsrescue.keys.pem import new_secret, public_of, public_pem
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import default_card_files
from helper_command import started_helper
from link_twin import WatchedTwin
from pty_board import PtyBoard
from terminal import Shown, in_terminal

NARROW, USUAL = 40, 80
RAM = "0x24000000"

# What is typed of each command, in the order in which it is run on one helper with a half-on unit. FOLDER has a card,
# an image and a record.
WALK: dict[str, tuple[str, ...]] = {
    "scan": (),
    "info": (),
    "rails": (),
    "power": ("status",),
    "diagnose": (),
    "plan": ("image.bin",),
    "recover": ("--yes", "erase sectors 1,2"),
    "backup": ("backup.bin",),
    "flash": ("image.bin", "--yes", "erase sectors 0"),
    "verify": ("image.bin",),
    "options": (),
    "core": ("registers",),
    "log": (),
    "shell": (),
    "silicon-check": (),
    "mem read": (RAM, "64"),
    "mem write": (RAM, "00112233"),
    "records": (),
    "records import": ("card",),
    "records aside": (),
    "records recount": (),
    "records check": (),
    "card build": ("image.bin", "-o", "made"),
    "card check": ("card",),
    "card ls": (),
    "card get": ("job.json",),
    "card put": ("image.bin",),
    "keys new": ("eva", "--no-passphrase"),
    "keys export": ("tom.pem", "-o", "again.pem"),
    "keys trust": ("tom.pem",),
    "keys revoke": ("tom.pem",),
    "keys list": (),
    "board check": (),
    "image inspect": ("image.bin",),
    "tls new-ca": ("bench2.example",),
    "tls issue": ("bench2.example",),
    "twin scenarios": (),
    "twin run": ("--scenario", "no-supply"),
}
# Started and stopped, or much longer: other tests below, or elsewhere.
APART = {"dap", "serve", "twin serve", "deploy", "twin demo", "twin field", "twin firmware", "twin catalogue"}
_LOOKS_LIKE_A_BAR = re.compile("[█░#.]{6} +[0-9]+ %")
_BAR = re.compile(r" *(\w+(?: \w+)?) +[█░#.]+ +\d+ %.* \d+\.\d s")
TYPED = {"shell": b"help\nquit\n"}


def names(commands: Mapping[str, Command | Group] = COMMANDS, before: str = "") -> Iterator[str]:
    for name, command in commands.items():
        if not isinstance(command, Group):
            yield before + name
            continue
        if command.alone is not None:
            yield before + name
        yield from names(command.commands, f"{before}{name} ")


def test_every_command_is_walked() -> None:
    there, walked = set(names()), WALK.keys() | APART
    assert there <= walked, f"say in WALK, above, what is typed of a new command: {sorted(there - walked)}"
    assert walked <= there, f"these are no commands any more: {sorted(walked - there)}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("a folder of somebody")
    (place / "image.bin").write_bytes(image_bytes("1.2.0"))
    write_new_card(place / "card", default_card_files())
    (place / "tom.pem").write_bytes(public_pem(public_of(new_secret())))
    (place / "card" / "records").mkdir()
    (place / "card" / "records" / "records.jsonl").write_text("{}\n")
    return place


@pytest.fixture(scope="module")
def twin() -> Iterator[WatchedTwin]:
    with started_helper("half-on") as started:
        yield started


@pytest.fixture
def type_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shown]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BMSRESCUE_DATA", str(folder / "data"))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(folder / "config.toml"))
    return in_terminal


def holds(shown: Shown) -> None:
    """What is true of everything that a terminal is told."""
    assert "Traceback" not in shown.text
    assert shown.too_wide() == []
    assert used_colours(shown.raw) <= CHOSEN, "colours come from cli/output.py"
    # Of a live line that was not cleared there would be several of one name, one above the other, or a rest at its end.
    bars = [_BAR.fullmatch(line) if _LOOKS_LIKE_A_BAR.search(line) else None for line in shown.lines]
    assert all(bar or not _LOOKS_LIKE_A_BAR.search(line) for bar, line in zip(bars, shown.lines, strict=True))
    assert not any(one and other and one[1] == other[1] for one, other in pairwise(bars)), shown.text


def colours_of(style: str) -> set[str]:
    return {f"38;5;{number}" for number in re.findall(r"color\((\d+)\)", style)}


CHOSEN = set().union(*(colours_of(style) for style in (*STYLES.values(), ACCENT, NOTE)))


def used_colours(raw: bytes) -> set[str]:
    text = raw.decode(errors="replace")
    found = set()
    for codes in re.findall(r"\x1b\[([0-9;]*)m", text):
        found |= set(re.findall(r"38;5;\d+|38;2;\d+;\d+;\d+|\b(?:3[0-7]|4[0-7]|9[0-7])\b", codes))
    return found


def contrast(number: int, white: bool) -> float:
    """WCAG 2's, of a colour of the 256-colour cube on white or on black."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = number - 16
    parts = [levels[cube // 36] / 255, levels[cube // 6 % 6] / 255, levels[cube % 6] / 255]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (light + 0.05) if white else (light + 0.05) / 0.05


@pytest.mark.parametrize("colour", sorted(CHOSEN))
def test_each_colour_is_read_on_white_and_on_black(colour: str) -> None:
    number = int(colour.rpartition(";")[2])
    assert min(contrast(number, white=True), contrast(number, white=False)) >= 4


@pytest.mark.parametrize("command", WALK)
def test_a_command_fits_a_narrow_terminal(type_it: Callable[..., Shown], twin: WatchedTwin, command: str) -> None:
    shown = type_it(
        *command.split(), *WALK[command], columns=NARROW, typed=TYPED.get(command, b""), BMSRESCUE_HELPER=twin.url
    )
    holds(shown)
    assert shown.status in (0, 1), shown.text


@pytest.mark.parametrize("columns", [NARROW, USUAL])
@pytest.mark.parametrize("words", [name.split() for name in names()], ids=" ".join)
def test_a_page_of_help_fits(words: list[str], columns: int) -> None:
    command: Any = typer.main.get_command(app)
    context = typer.Context(command, info_name="bmsrescue", max_content_width=columns, terminal_width=columns)
    for word in words:
        command = command.commands[word]
        context = typer.Context(command, parent=context, info_name=word)
    lines = command.get_help(context).splitlines()
    assert [line for line in lines if len(line) > columns and len(line.split()) > 2] == []


def test_a_run_is_told_in_80_columns_and_each_bar_once(type_it: Callable[..., Shown]) -> None:
    shown = type_it("twin", "run", "--scenario", "half-on", columns=USUAL)
    holds(shown)
    assert shown.status == 0
    assert sum("backup  " in line and "100 %" in line for line in shown.lines) == 2  # made, and checked
    assert any(line.strip().startswith("B+") and line.endswith("17.98 V") for line in shown.lines)


def test_plain_ascii_is_enough_for_the_whole_story(type_it: Callable[..., Shown]) -> None:
    shown = type_it("twin", "demo", columns=USUAL, LC_ALL="C", PYTHONIOENCODING="ascii", NO_COLOR="1")
    holds(shown)
    assert shown.status == 0
    assert shown.raw.isascii() and "?" not in shown.text
    assert used_colours(shown.raw) == set()
    assert re.search("backup +#{8,} 100 %", shown.text)


def test_a_terminal_of_few_colours_gets_none_of_them(type_it: Callable[..., Shown]) -> None:
    shown = type_it("twin", "run", "--scenario", "no-supply", columns=USUAL, TERM="xterm")
    assert b"\x1b[1m" in shown.raw
    assert used_colours(shown.raw) == set()


def test_live_rails_fit_24_lines(type_it: Callable[..., Shown], twin: WatchedTwin) -> None:
    shown = type_it("rails", "--watch", "--seconds", "1", columns=NARROW, rows=24, BMSRESCUE_HELPER=twin.url)
    holds(shown)
    assert len(shown.text.splitlines()) < 24


def test_the_printed_address_opens_something(type_it: Callable[..., Shown]) -> None:
    from urllib.request import urlopen

    seen = []

    def look(address: bytes) -> None:
        with urlopen(address.decode().removeprefix("listening: ").strip(), timeout=30) as page:
            seen.append((page.status, page.read()))

    shown = type_it("serve", "--port", "0", stop_at=b"\n", on_line=look, columns=USUAL)
    holds(shown)
    status, page = seen[0]
    assert status == 200 and b"<h1>" in page


def test_a_first_deployment_is_a_page(type_it: Callable[..., Shown], tmp_path: Path) -> None:
    (tmp_path / "flash").mkdir()
    with PtyBoard(tmp_path / "flash") as board:
        shown = type_it("deploy", "--port", board.url, "--dry-run", columns=USUAL)
    holds(shown)
    assert shown.status == 0
    assert len(shown.text.splitlines()) <= 24
    assert "rescue/engine/" in shown.text
