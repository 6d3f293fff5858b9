"""Names come from files, jobs and units: a terminal shows them as they are, never as markup, never as commands."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from bmsrescue.card.build import build_files
from bmsrescue.cli.output import PlainConsole
from rescuelink.errors import JobError, sentence_case

COMMAND = Path(sys.executable).parent / "bmsrescue"
NASTY = ("[/red] pack", "[bold]", "\x1b[2J\x1b]0;owned\x07", "a\x9b31mb", "gnp.exe\u202egpj", ":smile:")


def printed(*things: object) -> str:
    console = PlainConsole(width=100)
    console.file = io.StringIO()
    for thing in things:
        console.print(thing)
    return console.file.getvalue()


@pytest.mark.parametrize("name", NASTY)
def test_no_name_is_taken_for_markup_or_sent_on_as_a_command(name: str) -> None:
    table = Table("file", box=None)
    table.add_row(Text(name))
    shown = printed(name, Text(name), table)
    visible = "".join(char for char in name if char.isprintable())
    assert shown.count(visible) == 3 if visible == name else visible[:1] in shown
    assert not set(shown) & {chr(code) for code in (*range(10), *range(11, 32), 0x7F, *range(0x80, 0xA0), 0x202E)}


def test_a_card_with_such_a_name_is_checked_and_its_name_shown(tmp_path: Path) -> None:
    (tmp_path / "unit.bin").write_bytes(bytes.fromhex("0000022041000008") + bytes(256))
    files = build_files(tmp_path / "unit.bin").files
    job = {**json.loads(files["job.json"]), "name": "[/red] \x1b[31mpack"}
    card = tmp_path / "card"
    card.mkdir()
    for name, data in {**files, "job.json": json.dumps(job).encode()}.items():
        (card / name).write_bytes(data)
    said = subprocess.run([COMMAND, "card", "check", card], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert "[/red]" in said.stdout
    assert "\x1b" not in said.stdout + said.stderr


def test_a_terminal_without_the_characters_still_gets_the_rest(tmp_path: Path) -> None:
    said = subprocess.run(
        [COMMAND, "card", "check", tmp_path / "ger\u00e4t"],
        capture_output=True,
        timeout=60,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert said.returncode == 2
    assert b"there is no card at" in said.stderr.lower()
    assert b"Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("up.png exists already", "up.png exists already"),
        ("v3v3 stays at 2100 mV", "v3v3 stays at 2100 mV"),
        ("boot_address: is 7", "boot_address: is 7"),
        ("the core is in lockup", "The core is in lockup"),
        ("proof: the core stands", "Proof: the core stands"),
        ("write it as PB5", "Write it as PB5"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_letter_and_a_name_stays(text: str, shown: str) -> None:
    assert sentence_case(text) == shown


def test_advice_keeps_the_case_of_the_names_in_it() -> None:
    assert JobError("job", "pin: is pe2", next_step='write it as "PB5"').sentence().endswith('Write it as "PB5".')
