"""What is larger than a frame arrives whole, and a board's heap is enough for a whole recovery over the link."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from link_twin import PATIENCE_S, Host, WatchedTwin, helper_on, records_on
from rescuelink.errors import CardError, RescueError

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from link_weight import link_heap_bytes

KIB = 1024
HEAP_TO_SPARE = 66 * KIB
DRIVERS_HEAP = 12 * KIB  # what they take at least


@pytest.fixture(scope="module")
def twin() -> Iterator[WatchedTwin]:
    with helper_on("healthy") as twin:
        yield twin


@pytest.fixture
def host(twin: WatchedTwin) -> Iterator[Host]:
    with Host(twin.url) as host:
        yield host


def use_everything(host: Host) -> None:
    """A call of each group, so that the heap has seen all of their modules."""
    host.connect()
    host.call("rails.read")
    host.call("memory.read", 0x20000000, 2 * KIB)
    host.call("core.state")
    host.call("flash.info")
    host.call("options.read")
    host.call("flash.sha256", 0x08000000, 128 * KIB, timeout_s=PATIENCE_S)
    host.call("target.transfer", [[0, 0]])
    host.call("lines.level")
    host.call("power.status")
    host.call("records.sizes")
    host.call("card.list")


def test_recoveries_between_other_work_fit_into_a_boards_heap() -> None:
    with helper_on("half-on") as twin, Host(twin.url) as host:
        use_everything(host)
        record = host.call("job.run", timeout_s=PATIENCE_S)
        assert record["outcome"] == "RECOVERED"
        assert record["heap_free_min"] > HEAP_TO_SPARE
        use_everything(host)
        record = host.call("job.run", timeout_s=PATIENCE_S)
        assert record["outcome"] == "NO_FAULT_FOUND"
        assert record["heap_free_min"] > HEAP_TO_SPARE


def test_the_safe_state_gives_the_heap_of_the_drivers_back(host: Host) -> None:
    """The first round is for the names, which are never given back."""
    use_everything(host)
    host.call("helper.safe")
    free = host.call("helper.heap")["free"]
    use_everything(host)
    connected = host.call("helper.heap")["free"]
    host.call("helper.safe")
    assert host.call("helper.heap")["free"] > free - KIB
    assert connected < free - DRIVERS_HEAP
    host.connect()
    assert host.call("core.state")["state"], "they are loaded again when they are needed"


def test_the_record_is_told_whole_and_is_the_one_on_the_card(host: Host, twin: WatchedTwin) -> None:
    record = host.call("job.run", timeout_s=PATIENCE_S)
    assert host.wait_for("record") == record
    stored = records_on(twin.cards_image)[-1]
    assert {name: stored[name] for name in record if name in stored} == {
        name: record[name] for name in record if name in stored
    }


def test_every_event_of_a_job_reaches_the_host() -> None:
    with helper_on("torn-calibration") as twin, Host(twin.url) as host:
        host.call("job.run", timeout_s=PATIENCE_S)
        host.wait_for("record")
        sent = [(name, data) for _at, name, data in twin.events if name not in ("safe-point", "alive")]
        assert host.events == sent


def test_an_event_does_not_take_the_place_of_a_large_answer(host: Host) -> None:
    """Rails are told ten times a second between windows that fill a frame; both arrive."""
    data = bytes(range(256)) * 8
    host.call("rails.stream", 10)
    for _ in range(50):
        assert host.call("helper.echo", data) == data
    host.wait_for("rails")
    host.call("rails.stream", 0)


def test_a_result_larger_than_a_frame_is_fetched_in_windows(host: Host) -> None:
    names = [f"{'a very long name ' * 5}{number:03}.txt" for number in range(40)]
    host.call("card.mkdir", "many")
    for name in names:
        host.call("card.write", f"many/{name}", 0, b"x")
    host.call("card.close")
    assert sorted(entry[0] for entry in host.call("card.list", "many")) == names
    assert len(host.call("result", 0)) == 2 * KIB
    host.call("card.free")
    assert host.call("result", 0) == b"", "the next call has dropped it"


def test_an_error_about_something_long_is_told_in_one_frame(host: Host) -> None:
    with pytest.raises(CardError):
        host.call("card.read", "x" * 2_200, 0, 10)
    with pytest.raises(RescueError):
        host.call("y" * 2_200)
    assert host.call("helper.echo", b"still there") == b"still there"


def test_binary_and_numbers_of_a_batch_do_not_disturb_each_other(host: Host) -> None:
    """Blocks wait in the buffer that the answer is packed into, behind many numbers that are packed first."""
    host.connect()
    base = 0x24010000
    for at in range(0, 2 * KIB, 512):
        host.call("memory.write", base + at, bytes([at >> 9, 0x5A, 1, 2]) * 128)
    host.call("target.raw")
    host.call("target.sequence", "line-reset")
    start = [[0, 0], [0, 4, 0x50000000], [0, 8, 0], [1, 0, 0x03000012]]
    numbers = [[0, 0]] * 250
    blocks = [[1, 4, base + 512], [1, 12, None, 128], [1, 4, base + 1024], [1, 12, None, 100]]
    found = host.call("target.transfer", [*start, *numbers, *blocks], timeout_s=PATIENCE_S)
    assert found[1:251] == [0x6BA02477] * 250
    assert found[251] == bytes([1, 0x5A, 1, 2]) * 128
    assert found[252] == bytes([2, 0x5A, 1, 2]) * 100


def test_the_link_takes_at_most_24_kib_of_the_heap_with_a_session_open() -> None:
    taken, _with_a_group = link_heap_bytes()
    assert taken <= 24 * KIB
