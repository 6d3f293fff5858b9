"""Characters taken in bulk do to the chip what the same edges do one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.servers.bitbang_client import out_chars

SELECT_SWD = (
    b"O" + out_chars((1 << 56) - 1, 56) + out_chars(0xE79E, 16) + out_chars((1 << 56) - 1, 56) + out_chars(0, 8)
)
READ = b"o" + b"dcf" * 36 + b"df" + b"O"
CAREFUL_READ = b"o" + b"d" + b"cfd" * 37 + b"cf" + b"O"  # SWCLK left high, each sample after the edge before
PIECES = [
    SELECT_SWD,
    *(out_chars(request, 8) for request in (0xA5, 0x8D, 0x81, 0xA9, 0xB1, 0x87, 0x9F, 0xBB)),
    READ,
    CAREFUL_READ,
    b"o" + b"df" + b"dcf" * 3 + b"df" + b"O",
    out_chars(0x50000000, 33),
    out_chars(0, 8),
    *(bytes([char]) for char in b"defgcoO"),
]
CHARACTERS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map(b"".join)


def chip() -> Stm32H7:
    made = Stm32H7(VirtualClock())
    made.set_vdd_mv(3300)
    made.clock.advance(1_000_000)
    return made


def one_by_one(edges: SwdEdges, characters: bytes) -> bytes:
    answers = bytearray()
    for char in characters:
        if char in b"defg":
            edges.swdio(char - ord("d") & 1)
            edges.swclk(char - ord("d") >> 1)
        elif char in b"oO":
            edges.drive(char == ord("O"))
        else:
            answers.append(ord("0") + edges.sample())
    return bytes(answers)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(characters=CHARACTERS, cuts=st.lists(st.integers(0, 2000), max_size=4))
def test_bulk_and_single_edges_give_the_same_answers_at_the_same_time(characters: bytes, cuts: list[int]) -> None:
    characters = SELECT_SWD + out_chars(0xA5, 8) + READ + characters
    bulk, single = chip(), chip()
    expected = one_by_one(SwdEdges(single.swd), characters)
    edges = SwdEdges(bulk.swd)
    ends = [*sorted(min(cut, len(characters)) for cut in cuts), len(characters)]
    answers = b"".join(edges.feed(characters[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True))
    assert answers == expected
    assert bulk.clock.now_ns == single.clock.now_ns
    assert bulk.counters.as_dict() == single.counters.as_dict()
