"""A file goes to the card window behind window; whatever befalls it on the way, it arrives whole or one is told."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.link.card_stream import write_file
from bmsrescue.link.frames import notification
from bmsrescue.twin.rig import default_card
from link_twin import PATIENCE_S, Host, WatchedTwin, helper_behind, helper_on
from rescuelink.errors import CardError
from rescuelink.rpc import DATA, WINDOW_BYTES


class BadLine(Host):
    """A line on which chosen writes of windows are damaged: in the n-th, byte `damage[n]`, counted in a circle."""

    damage: dict[int, int] = {}  # noqa: RUF012 - replaced for each test
    writes = 0

    def _write(self, data: bytes) -> None:
        if len(data) > WINDOW_BYTES:
            self.writes += 1
            if self.writes in self.damage:
                damaged = bytearray(data)
                damaged[self.damage[self.writes] % len(data)] ^= 0x40
                data = bytes(damaged)
        super()._write(data)


@pytest.fixture(scope="module", params=["pty", "tcp"])
def twin(request: pytest.FixtureRequest) -> Iterator[WatchedTwin]:
    with helper_behind(request.param, "healthy") as twin:
        yield twin


@pytest.fixture
def host(twin: WatchedTwin) -> Iterator[BadLine]:
    with BadLine(twin.url) as host:
        yield host


def arrives(host: Host, data: bytes) -> list[int]:
    """Write a file and compare what is on the card; returns what `progress` was told."""
    told: list[int] = []
    write_file(host, "a.bin", 0, data, PATIENCE_S, told.append)
    host.call("card.close")
    assert host.call("card.size", "a.bin") == len(data)
    assert host.call("card.hash", "a.bin", timeout_s=PATIENCE_S) == hashlib.sha256(data).hexdigest()
    return told


@pytest.mark.parametrize("length", [0, 1, WINDOW_BYTES, WINDOW_BYTES + 1, 9 * WINDOW_BYTES, 100_001])
def test_a_file_of_any_length_arrives(host: BadLine, length: int) -> None:
    told = arrives(host, random.Random(length).randbytes(length))
    assert told == sorted(told)
    assert told[-1] == length


def test_a_file_is_continued_where_it_ends(host: BadLine) -> None:
    data = random.Random(1).randbytes(70_000)
    write_file(host, "a.bin", 0, data[:30_000], PATIENCE_S)
    write_file(host, "a.bin", 30_000, data[30_000:], PATIENCE_S)
    host.call("card.close")
    assert host.call("card.hash", "a.bin", timeout_s=PATIENCE_S) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("what", "damage"),
    {
        "the first window": {1: 100},
        "a window in the middle of a row": {2: 5 * WINDOW_BYTES},
        "the question behind a row": {2: -3},
        "two rows, one after the other": {2: 100, 3: 100},
        "windows sent again": {3: 9000, 4: 100, 5: 100, 6: 3000},
    }.items(),
)
def test_what_the_line_damages_is_sent_again(host: BadLine, what: str, damage: dict[int, int]) -> None:
    host.damage = damage
    told = arrives(host, random.Random(2).randbytes(100_000))
    assert host.writes > max(damage), what
    assert told[-1] == 100_000


def test_what_is_no_window_or_not_the_next_one_is_not_taken(twin: WatchedTwin, host: BadLine) -> None:
    host.call("card.write", "a.bin", 0, b"abc")
    for params in ([], [3], [3, b"x", 1], [3, None], [None, b"x"], ["3", b"x"], [2, b"x"], [4, b"x"]):
        host.inject(notification(DATA, *params))
    assert host.call("card.written") == 3
    host.inject(notification(DATA, 3, b"def"))
    assert host.call("card.written") == 6
    host.call("card.close")
    host.inject(notification(DATA, 6, b"late"))
    with pytest.raises(CardError, match="No file is being written"):
        host.call("card.written")
    assert host.call("card.read", "a.bin", 0, 100) == b"abcdef"
    assert not twin.runs, "the agent has ended"


def test_a_full_card_is_told_and_what_was_on_it_is_kept() -> None:
    kept = read_files(default_card())
    image = make_image(kept, size=2 << 20)
    with helper_on("healthy", image) as twin, Host(twin.url) as host:
        free = host.call("card.free")
        with pytest.raises(CardError) as full:
            write_file(host, "a.bin", 0, bytes(free + 100_000), PATIENCE_S)
        assert full.value.kind == "full"
        with pytest.raises(CardError, match="No file is being written"):
            host.call("card.written")
        assert host.call("helper.echo", b"still there?") == b"still there?"
    assert kept.items() <= read_files(image).items()
