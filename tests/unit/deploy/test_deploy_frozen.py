"""Deployment to a board whose firmware holds an agent: what is found there, what is brought, what is removed."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bmsrescue import __version__
from bmsrescue.agent import frozen, words
from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.deploy.bring import bring
from bmsrescue.deploy.difference import Action
from bmsrescue.deploy.facts import ask_frozen
from bmsrescue.deploy.plan import Plan, make_plan
from bmsrescue.deploy.repl import Repl
from bmsrescue.twin.rp2040.firmware import files_bytes
from pty_board import PtyBoard
from rescuelink.errors import LinkError

CHANGED = "rescuelink/rpc.py"
WORDS = sorted(words.files())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the agent's sources with the manifest, whose list it holds afterwards."""
    tree = tmp_path / "tree"
    shutil.copytree(device_dir(), tree / "device", ignore=shutil.ignore_patterns("made", "__pycache__"))
    shutil.copytree(
        shared_dir() / "rescuelink", tree / "shared/rescuelink", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tree


def run_manifest(tree: Path) -> list[tuple[object, ...]]:
    """Run the manifest as MicroPython's build does, in its folder; what it asked for, in order."""
    asked: list[tuple[object, ...]] = []

    def takes(name: str) -> Callable[..., None]:
        return lambda *words, **options: asked.append((name, *words, *options.items()))

    names: dict[str, Any] = {name: takes(name) for name in ("metadata", "include", "package", "module")}
    before = Path.cwd()
    os.chdir(tree / "device/firmware")
    try:
        exec(Path("manifest.py").read_text(encoding="utf-8"), names)
    finally:
        os.chdir(before)
    return asked


def firmware_of(tree: Path, folder: Path) -> Path:
    """The modules that the manifest freezes, as a folder."""
    run_manifest(tree)
    shutil.copytree(tree / "device/rescue", folder / "rescue")
    shutil.copytree(tree / "shared/rescuelink", folder / "rescuelink")
    shutil.copy(tree / "device/firmware/made/rescue_frozen.py", folder)
    return folder


@pytest.fixture
def board(tmp_path: Path, tree: Path) -> Iterator[PtyBoard]:
    """A board whose firmware holds this very agent, and whose flash is empty."""
    (tmp_path / "flash").mkdir()
    with PtyBoard(tmp_path / "flash", firmware_of(tree, tmp_path / "firmware")) as board:
        yield board


@pytest.fixture
def older(tmp_path: Path, tree: Path) -> Iterator[PtyBoard]:
    """The same, of an agent in which one module is another."""
    (tree / "shared" / CHANGED).write_text("PROTOCOL_VERSION = -1\n")
    (tmp_path / "flash").mkdir()
    with PtyBoard(tmp_path / "flash", firmware_of(tree, tmp_path / "firmware")) as board:
        yield board


def deployed(board: PtyBoard, **options: bool) -> Plan:
    with Repl(board.url) as prompt:
        plan = make_plan(prompt, None, source=False, force=False, **options)
        bring(prompt, plan, lambda path, size: None)
        return plan


def imported_from(board: PtyBoard) -> str:
    code = "import rescuelink\nprint(rescuelink.__path__)"
    with Repl(board.url) as prompt:
        return prompt.run(code).strip()


def test_the_manifest_freezes_both_packages_with_the_ports_own_modules_and_a_list(tree: Path) -> None:
    asked = run_manifest(tree)
    assert ("include", "$(PORT_DIR)/boards/manifest.py") in asked
    for name, base in (("rescue", ".."), ("rescuelink", "../../shared")):
        assert ("package", name, ("base_path", base), ("opt", 3)) in asked
        assert (tree / "device/firmware" / base / name / "__init__.py").is_file()
    assert ("module", "rescue_frozen.py", ("base_path", "made")) in asked
    made: dict[str, str] = {}
    exec((tree / "device/firmware/made/rescue_frozen.py").read_text(), made)
    assert made["SOURCES"] == frozen.listed()
    assert made["VERSION"] == __version__


def test_a_list_that_has_not_changed_is_not_written_again(tree: Path) -> None:
    run_manifest(tree)
    made = tree / "device/firmware/made/rescue_frozen.py"
    os.utime(made, (1, 1))
    run_manifest(tree)
    assert made.stat().st_mtime == 1


def test_a_firmware_with_this_agent_needs_its_start_board_json_and_texts_only(board: PtyBoard) -> None:
    plan = deployed(board)
    assert sorted(board.files()) == ["board.json", "boot.py", "main.py", *WORDS]
    assert plan.serves_frozen
    assert "the firmware holds this agent" in plan.notes[0]
    assert "only main.py, boot.py, board.json and the display's texts are files" in plan.notes[0]
    assert deployed(board).difference.is_none


def test_files_over_the_same_frozen_agent_are_cleaned_with_their_folders(board: PtyBoard) -> None:
    for path in ("rescue/front/app.mpy", "rescuelink/rpc.py"):
        (board.flash / path).parent.mkdir(parents=True, exist_ok=True)
        (board.flash / path).write_bytes(b"an older release")
    (board.flash / "mine.py").write_text("")
    plan = deployed(board)
    assert [change.path for change in plan.difference.of(Action.REMOVE)] == [
        "rescue/front/app.mpy",
        "rescuelink/rpc.py",
    ]
    assert sorted(board.files()) == ["board.json", "boot.py", "main.py", "mine.py", *WORDS]
    assert not (board.flash / "rescue").exists()
    assert str(board.flash) not in imported_from(board)


def test_an_empty_folder_that_a_cut_left_does_not_hide_the_frozen_agent(board: PtyBoard) -> None:
    deployed(board)
    (board.flash / "rescuelink/methods").mkdir(parents=True)
    assert deployed(board).difference.is_none
    assert not (board.flash / "rescuelink").exists()


def test_another_frozen_agent_is_covered_by_files_and_its_modules_are_named(older: PtyBoard) -> None:
    plan = deployed(older)
    assert not plan.serves_frozen
    assert f"the firmware holds another agent, release 0.1.0, without this {CHANGED};" in plan.notes[0]
    assert "rescue/front/app.mpy" in older.files()
    with Repl(older.url) as prompt:
        assert prompt.run("import rescuelink.rpc\nprint(rescuelink.rpc.PROTOCOL_VERSION)").strip() != "-1"


def test_the_same_frozen_agent_is_covered_by_files_when_asked_and_uncovered_again(board: PtyBoard) -> None:
    plan = deployed(board, override=True)
    assert not plan.serves_frozen
    assert "brought as asked" in plan.notes[0]
    assert imported_from(board) == "rescuelink"
    deployed(board)
    assert sorted(board.files()) == ["board.json", "boot.py", "main.py", *WORDS]


def test_a_board_without_a_frozen_agent_has_none(tmp_path: Path) -> None:
    with PtyBoard(tmp_path) as board, Repl(board.url) as prompt:
        assert ask_frozen(prompt) is None


@pytest.mark.parametrize("answer", [("0.1.0", "no such list"), ("0.1.0",), 7])
def test_a_list_that_is_none_is_told(answer: object) -> None:
    class Answers:
        url = "/dev/board"

        def value(self, code: str) -> object:
            return answer

    with pytest.raises(LinkError, match="lists its frozen modules as"):
        ask_frozen(Answers())  # type: ignore[arg-type]


def test_a_uf2_file_is_searched_across_its_blocks(tmp_path: Path) -> None:
    text = b"?" * 100 + frozen.listed().encode() + b"?" * 300
    blocks = b""
    for at in range(0, len(text), 256):
        part = text[at : at + 256]
        header = bytes(16) + len(part).to_bytes(4, "little") + bytes(12)
        blocks += (header + part).ljust(512, b"\0")
    (tmp_path / "with.uf2").write_bytes(blocks)
    (tmp_path / "without.uf2").write_bytes(blocks[512:])
    assert frozen.is_in(tmp_path / "with.uf2")
    assert not frozen.is_in(tmp_path / "without.uf2")


@pytest.mark.parametrize(
    ("firmware_bytes", "files_kib"), [(340_000, 1408), (655_360, 1408), (655_616, 1152), (917_504, 1152)]
)
def test_a_firmware_that_needs_more_room_leaves_its_files_less(
    tmp_path: Path, firmware_bytes: int, files_kib: int
) -> None:
    uf2 = tmp_path / "firmware.uf2"
    last = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x1000_0000 + firmware_bytes - 256, 256, 0, 1, 0xE48BFF56)
    uf2.write_bytes(last.ljust(512, b"\0"))
    assert files_bytes(uf2) == files_kib * 1024


def test_the_board_with_the_agent_leaves_its_files_what_the_emulated_one_has() -> None:
    board = (device_dir() / "firmware/BMSRESCUE_PICO/mpconfigboard.h").read_text(encoding="utf-8")
    assert "#define MICROPY_HW_FLASH_STORAGE_BYTES          (1152 * 1024)" in board
