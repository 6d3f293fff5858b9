"""Deployment to a real MicroPython behind a serial port, with the real mpremote in between."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.build import MpyFormat
from bmsrescue.deploy import release, repl, snippets
from bmsrescue.deploy.bring import bring
from bmsrescue.deploy.difference import Action, compare, ours_on, sha256
from bmsrescue.deploy.facts import BoardFacts, ask
from bmsrescue.deploy.plan import Plan, make_plan
from bmsrescue.deploy.repl import Repl
from bmsrescue.errors import HostError
from pty_board import PtyBoard
from rescuelink.errors import LinkError

SMALL = {
    "main.py": b"import rescue.front.app\n",
    "rescue/__init__.mpy": b"M\x06\x00\x1f",
    "rescue/link/server.mpy": bytes(range(256)) * 7,
    "rescuelink/rpc.mpy": b"",
    "board.json": b'{"helper": "bench-2"}\n',
}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PtyBoard]:
    with PtyBoard(tmp_path) as board:
        yield board


def plan_of(prompt: Repl, wanted: dict[str, bytes], free: int = 1 << 20) -> Plan:
    facts = BoardFacts((1, 22, 0), "a board", "unix", None)
    present = ours_on(prompt)
    return Plan(facts, compare(wanted, present), (), 4096, free)


def brought(prompt: Repl, wanted: dict[str, bytes]) -> list[str]:
    seen: list[str] = []
    bring(prompt, plan_of(prompt, wanted), lambda path, size: seen.append(path))
    return seen


def put(board: PtyBoard, path: str, data: bytes) -> None:
    (board.flash / path).parent.mkdir(parents=True, exist_ok=True)
    (board.flash / path).write_bytes(data)


def test_an_empty_board_gets_every_file_as_it_is(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        brought(prompt, SMALL)
    assert board.files() == SMALL


def test_the_whole_agent_is_compiled_for_what_the_board_says_it_loads(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        plan = make_plan(prompt, None, source=False, force=False)
        assert plan.facts.format == MpyFormat(6, 3, "x64")
        bring(prompt, plan, lambda path, size: None)
        assert compare(plan.difference.wanted, ours_on(prompt)).is_none
        # What was brought is what this MicroPython imports.
        assert prompt.run("import rescuelink.rpc\nprint(rescuelink.rpc.PROTOCOL_VERSION)").strip().isdigit()
    files = board.files()
    assert "rescuelink/rpc.mpy" in files and "rescuelink/rpc.py" not in files
    assert files["main.py"] == release.source_files()["main.py"].read_bytes()


def test_with_source_the_board_gets_the_files_as_they_are_in_the_tree(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        wanted = make_plan(prompt, None, source=True, force=False).difference.wanted
    assert wanted["rescuelink/rpc.py"] == release.source_files()["rescuelink/rpc.py"].read_bytes()
    assert not [path for path in wanted if path.endswith(".mpy")]


def test_only_files_whose_hash_differs_are_brought_again(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        brought(prompt, SMALL)
        put(board, "rescue/link/server.mpy", b"an older release")
        assert brought(prompt, SMALL) == ["rescue/link/server.mpy", "main.py"]
        assert brought(prompt, SMALL) == []
    assert board.files() == SMALL


def test_what_shadows_the_agent_is_removed_and_the_owners_files_stay(board: PtyBoard) -> None:
    put(board, "rescue/link/server.py", b"a source file that would be imported first")
    put(board, "lib/rescuelink/rpc.py", b"brought by mip")
    put(board, "lib/mine.py", b"mine")
    put(board, "flash/records.jsonl", b"{}")
    with Repl(board.url) as prompt:
        brought(prompt, SMALL)
    assert board.files() == {**SMALL, "lib/mine.py": b"mine", "flash/records.jsonl": b"{}"}
    assert not (board.flash / "lib/rescuelink").exists()


def test_looking_changes_nothing(board: PtyBoard) -> None:
    put(board, "rescue/old.py", b"")
    with Repl(board.url) as prompt:
        plan = make_plan(prompt, None, source=False, force=False)
    assert [change.path for change in plan.difference.of(Action.REMOVE)] == ["rescue/old.py"]
    assert board.files() == {"rescue/old.py": b""}


def test_a_deployment_that_is_cut_leaves_no_agent_that_would_start(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        brought(prompt, SMALL)
        newer = {path: data + b"#" for path, data in SMALL.items()}

        class Unplugged(Exception):
            pass

        def cut(path: str, size: int) -> None:
            if path == "rescue/link/server.mpy":
                raise Unplugged

        with pytest.raises(Unplugged):
            bring(prompt, plan_of(prompt, newer), cut)
        assert "main.py" not in board.files()
        brought(prompt, newer)
    assert board.files() == newer


def test_a_file_that_reads_back_otherwise_is_told(board: PtyBoard) -> None:
    def spoil(path: str, size: int) -> None:
        if path == "rescuelink/rpc.mpy":
            put(board, "rescue/link/server.mpy", b"flipped bits")

    with Repl(board.url) as prompt, pytest.raises(LinkError, match=r"does not hold what was written: rescue/link"):
        bring(prompt, plan_of(prompt, SMALL), spoil)
    assert "main.py" not in board.files()


def test_an_answer_that_is_lost_costs_no_more_than_the_file_once_again(board: PtyBoard) -> None:
    class Deaf(Repl):
        lost = 2

        def send(self, data: bytes, code: str, **values: object) -> None:
            super().send(data, code, **values)
            if values.get("NAME") == "rescue/link/server.mpy" and self.lost:
                self.lost -= 1
                raise LinkError("lost", "no answer")

    with Deaf(board.url) as prompt:
        brought(prompt, SMALL)
    assert board.files() == SMALL


def test_a_full_file_system_is_foreseen_before_anything_is_touched(board: PtyBoard) -> None:
    with Repl(board.url) as prompt, pytest.raises(LinkError, match="8,192 bytes free"):
        bring(prompt, plan_of(prompt, SMALL, free=8192), lambda path, size: None)
    assert board.files() == {}


def test_a_write_that_finds_the_file_system_full_is_told_as_that(board: PtyBoard) -> None:
    with Repl(board.url) as prompt, pytest.raises(LinkError) as caught:
        prompt.run("raise OSError(28)")
    assert caught.value.kind == "no_space"


def test_a_file_that_cannot_be_written_is_told_at_once_and_the_prompt_stays(board: PtyBoard) -> None:
    put(board, "rescue", b"a file where the agent's folder belongs")
    with Repl(board.url) as prompt:
        prompt.ready_to_send(snippets.RECEIVE)
        with pytest.raises(LinkError, match=r"OSError: .*20"):
            prompt.send(bytes(5000), snippets.TAKE, NAME="rescue/big.mpy", SIZE=5000)
        assert prompt.run("print(1)") == "1\n"


def test_a_host_that_dies_in_a_file_leaves_a_board_that_the_next_one_gets_into(board: PtyBoard) -> None:
    class Died(Exception):
        pass

    class Killed(Repl):
        dead = False

        def _end(self) -> str:
            if self.dead:
                raise Died
            return super()._end()

    with Killed(board.url) as prompt:
        prompt.ready_to_send(snippets.RECEIVE)
        prompt.dead = True
        with pytest.raises(Died):  # in the middle of the first window
            prompt.send(bytes(100), snippets.TAKE, NAME="big.mpy", SIZE=5000)
    with Repl(board.url) as prompt:
        assert prompt.run("print(1)") == "1\n"


def test_what_runs_on_the_board_is_interrupted(board: PtyBoard) -> None:
    put(board, "main.py", b"open('started', 'w').close()\nwhile True:\n    pass\n")
    with Repl(board.url) as prompt:
        prompt.restart()
    board.wait_for("started")
    board.ctrl_c_interrupts = True
    with Repl(board.url) as prompt:
        assert prompt.run("print(1 + 1)") == "2\n"


def test_a_restart_runs_what_was_brought(board: PtyBoard) -> None:
    with Repl(board.url) as prompt:
        brought(prompt, {"main.py": b"open('started', 'w').close()\n"})
        prompt.restart()
    board.wait_for("started")


def test_the_hash_is_computed_on_the_board(board: PtyBoard) -> None:
    put(board, "rescue/x.mpy", bytes(5000))
    with Repl(board.url) as prompt:
        found = ours_on(prompt)["rescue/x.mpy"]
    assert (found.sha256, found.size) == (sha256(bytes(5000)), 5000)


def test_a_port_where_no_micropython_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repl, "_ENTER_S", 0.05)
    deaf, port = pty.openpty()
    tty.setraw(port)
    try:
        with pytest.raises(LinkError, match=r"(?i)no MicroPython answers") as caught:
            Repl(os.ttyname(port), patience_s=0.05)
        assert "micropython.org" in str(caught.value)
    finally:
        os.close(deaf)
        os.close(port)


def test_a_port_that_is_not_there_is_told() -> None:
    with pytest.raises(LinkError, match=r"(?i)there is no port /dev/not-there"):
        Repl("/dev/not-there")


class Answers:
    """A prompt that says something else of itself."""

    url = "/dev/board"

    def __init__(self, *facts: object) -> None:
        self._facts = facts

    def value(self, code: str) -> tuple[object, ...]:
        return self._facts


def test_an_interpreter_that_is_not_micropython_is_refused() -> None:
    with pytest.raises(LinkError, match="runs circuitpython"):
        ask(Answers("circuitpython", (9, 0, 0), 0, "Pico", "RP2040"))


def test_a_micropython_that_is_too_old_is_refused() -> None:
    with pytest.raises(LinkError, match=r"MicroPython 1\.21\.0") as caught:
        ask(Answers("micropython", (1, 21, 0), 4870, "Pico", "rp2"))
    assert "1.22" in str(caught.value)


def test_a_build_that_loads_no_compiled_files_has_no_format() -> None:
    assert ask(Answers("micropython", (1, 28, 0), 0, "Pico", "rp2")).format is None


def test_an_unknown_version_of_compiled_files_is_refused() -> None:
    with pytest.raises(HostError, match="the helper loads 9"):
        release.as_compiled(MpyFormat(9, 0, "armv6m"))
