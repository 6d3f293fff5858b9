"""One helper in the daemon: who gets a turn, what a lost port means, what is remembered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.client.finding import Found
from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.helper_port import HelperPort
from bmsrescue.daemon.job_notes import JobNotes
from fake_links import PATIENCE_S, FakeBoard
from rescuelink.errors import LinkError, PowerError, RescueError

Scenario = Callable[[HelperPort, FakeBoard], Coroutine[Any, Any, None]]


@asynccontextmanager
async def plugged_in(folder: Path, board: FakeBoard) -> AsyncIterator[HelperPort]:
    port = HelperPort(Found("one", "/dev/fake", "fake", usb=False), EventLog(), JobNotes(folder), board.open)
    task = asyncio.create_task(port.run())
    try:
        yield port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await port.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)


def play(folder: Path, scenario: Scenario) -> None:
    async def run() -> None:
        board = FakeBoard()
        async with plugged_in(folder, board) as port:
            await until(lambda: port.status()["state"] == "ready")
            await scenario(port, board)

    asyncio.run(run())


async def refusal(call: Coroutine[Any, Any, Any]) -> RescueError:
    with pytest.raises(RescueError) as caught:
        await call
    return caught.value


def test_two_clients_calls_are_carried_out_one_after_the_other(tmp_path: Path) -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(0)

    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        count = 0

        def slow() -> int:
            nonlocal count
            count += 1
            at_once.append(count)
            inside.acquire(timeout=0.02)
            count -= 1
            return count

        board.link.answers["power.on"] = slow
        calls = [port.call("power.on", [], 5.0, client) for client in ("ann", "bob", "ann", "bob")]
        assert await asyncio.gather(*calls) == [0, 0, 0, 0]

    play(tmp_path, scenario)
    assert at_once == [1, 1, 1, 1]


def test_while_a_job_runs_others_are_told_busy_and_the_status_still_answers(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers["job.run"] = board.link.until_lost
        job = port.start_job("job.run", [False], "ann")
        await until(lambda: bool(board.link.calls))
        assert (await refusal(port.call("rails.read", [], 5.0, "bob"))).kind == "busy"
        with pytest.raises(LinkError, match="busy"):
            port.start_job("job.run", [False], "bob")
        assert port.status()["state"] == "busy"
        await port.cancel()
        await job.ended.wait()
        assert board.link.notified == ["cancel"]
        assert job.error is not None
        assert job.error["kind"] == "cancelled"
        assert await port.call("rails.read", [], 5.0, "bob")

    play(tmp_path, scenario)


def test_a_client_that_holds_the_helper_keeps_others_out_until_it_lets_go(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, _board: FakeBoard) -> None:
        port.hold("ann", 30.0)
        assert (await refusal(port.call("rails.read", [], 5.0, "bob"))).kind == "busy"
        assert await port.call("rails.read", [], 5.0, "ann")
        assert port.status()["held_by"] == "ann"
        port.hold("ann", 0)
        assert await port.call("rails.read", [], 5.0, "bob")

    play(tmp_path, scenario)


def test_a_hold_ends_by_itself_when_its_client_says_nothing_more(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, _board: FakeBoard) -> None:
        port.hold("ann", 0.01)
        await until(lambda: port.status()["held_by"] is None)
        assert await port.call("rails.read", [], 5.0, "bob")

    play(tmp_path, scenario)


def test_the_units_own_error_reaches_the_client_as_it_is(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers["power.off"] = PowerError("no_discharge", "12 V stays at 900 mV")
        error = await refusal(port.call("power.off", [], 5.0, "ann"))
        assert isinstance(error, PowerError)
        assert error.kind == "no_discharge"
        assert port.status()["state"] == "ready"

    play(tmp_path, scenario)


def test_a_vanished_port_is_opened_again_when_it_comes_back(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        first = board.link
        board.refusal = LinkError("port", "cannot open /dev/fake")
        first.lose()
        await until(lambda: board.tries > 2)
        assert first.closed
        assert port.status()["state"] == "absent"
        assert (await refusal(port.call("rails.read", [], 5.0, "ann"))).kind == "port"
        board.refusal = None
        await until(lambda: port.status()["state"] == "ready")
        assert await port.call("rails.read", [], 5.0, "ann")

    play(tmp_path, scenario)


def test_an_agent_that_was_restarted_behind_an_open_port_is_greeted_again(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers["rails.read"] = LinkError("no_session", "the session has not been opened")
        assert (await refusal(port.call("rails.read", [], 5.0, "ann"))).kind == "no_session"
        await until(lambda: len(board.links) == 2 and port.status()["state"] == "ready")
        assert await port.call("rails.read", [], 5.0, "ann")

    play(tmp_path, scenario)


@pytest.mark.parametrize("kind", ["no_agent", "version", "port"])
def test_why_a_helper_cannot_be_used_is_said_and_told_only_once(tmp_path: Path, kind: str) -> None:
    async def run() -> None:
        board = FakeBoard()
        board.refusal = LinkError(kind, "it cannot be used")
        async with plugged_in(tmp_path, board) as port:
            await until(lambda: board.tries >= 3)
            status = port.status()
            assert status["state"] == "absent"
            assert status["error"]["kind"] == kind
            assert (await refusal(port.call("rails.read", [], 5.0, "ann"))).kind == kind
            told = [event for event in port._events.after(0) if event["name"] == "absent"]
            assert len(told) == 1

    asyncio.run(run())


def test_a_helper_lost_in_a_job_leaves_a_note_of_the_step_it_was_in(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers["job.run"] = board.link.until_lost
        job = port.start_job("job.run", [False], "ann")
        await until(lambda: bool(board.link.calls))
        board.link.tell("step", {"name": "act", "index": 9, "count": 14})
        await until(lambda: job.step == "act")
        board.link.lose()
        await job.ended.wait()
        assert job.error is not None
        assert job.error["kind"] == "lost"
        assert port.status()["interrupted"]["step"] == "act"

    play(tmp_path, scenario)
    assert JobNotes(tmp_path).interrupted["one"]["step"] == "act"


def test_a_look_does_not_take_back_that_a_recovery_was_interrupted_but_a_recovery_does(tmp_path: Path) -> None:
    JobNotes(tmp_path).begin("one", "job.run", [False])  # and then that daemon was killed

    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers |= {"job.until": {}, "job.run": {"outcome": "RECOVERED"}}
        await port.start_job("job.until", ["plan"], "ann").ended.wait()
        assert port.status()["interrupted"]["method"] == "job.run"
        job = port.start_job("job.run", [False], "ann")
        await job.ended.wait()
        assert job.result == {"outcome": "RECOVERED"}
        assert port.status()["interrupted"] is None

    play(tmp_path, scenario)


def test_a_job_that_cannot_be_noted_because_the_disk_is_full_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")

    async def run() -> None:
        board = FakeBoard()
        async with plugged_in(tmp_path / "data", board) as port:
            await until(lambda: port.status()["state"] == "ready")
            with pytest.raises(LinkError) as caught:
                port.start_job("job.run", [False], "ann")
            assert caught.value.kind == "host_disk"
            assert board.link.calls == []
            assert port.status()["state"] == "ready"

    asyncio.run(run())


def test_closing_lets_go_of_the_port_even_in_the_middle_of_a_job(tmp_path: Path) -> None:
    async def scenario(port: HelperPort, board: FakeBoard) -> None:
        board.link.answers["job.run"] = board.link.until_lost
        job = port.start_job("job.run", [False], "ann")
        await until(lambda: bool(board.link.calls))
        await port.close()
        assert board.link.closed
        assert job.state == "failed"

    play(tmp_path, scenario)
