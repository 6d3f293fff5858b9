"""A helper's words: whatever comes, what enters the host is plain, bounded, and can be sent on as JSON."""

from __future__ import annotations

import json
import os
import pty
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmsrescue.client.plain_json import to_json
from bmsrescue.client.records import fetch, fetch_log
from bmsrescue.daemon.events import EventLog
from bmsrescue.link.card_stream import write_file
from bmsrescue.link.client import MALFORMED, LinkClient
from bmsrescue.link.event_flow import EventFlow
from bmsrescue.link.frames import FrameReader, frame
from bmsrescue.link.words import MAX_DEPTH, MAX_VALUES, plain, weight
from rescuelink import rpc
from rescuelink.errors import LinkError

SIMPLE = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(max_size=9)
WORDS = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> Any:
    found: Any = []
    for _level in range(depth):
        found = [found]
    return found


NONSENSE = {
    "time": datetime(2026, 1, 1, tzinfo=UTC),
    "extension": msgpack.ExtType(5, b"x"),
    "deep": nested(900),
    "key": {1.5: 0},
    "list as key": {(1, 2): 0},
    "set": {1, 2},
}


@given(WORDS)
def test_what_enters_can_be_sent_on_as_json_in_any_encoding(value: Any) -> None:
    json.dumps(to_json(plain(value)), ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE)
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(LinkError) as refused:
        plain([value])
    assert refused.value.kind == "malformed"
    assert "deploy" in str(refused.value.next_step)


@pytest.mark.parametrize(
    "value", [10**30, -(10**30), json.loads("[" * 200 + "]" * 200), [0] * MAX_VALUES, [[]] * MAX_VALUES]
)
def test_what_is_too_large_too_deep_or_too_many_is_refused(value: Any) -> None:
    with pytest.raises(LinkError):
        plain(value)


def test_an_agents_own_depth_is_taken() -> None:
    assert plain(nested(MAX_DEPTH - 1)) == nested(MAX_DEPTH - 1)


@pytest.mark.parametrize(
    ("said", "heard"),
    [(float("nan"), None), (float("-inf"), None), ("half \ud800", "half ?"), ("\0", "\0"), (True, True), (2.5, 2.5)],
)
def test_a_number_that_is_none_and_text_that_is_none_are_put_right(said: Any, heard: Any) -> None:
    assert plain(said) == heard


NIL = b"\xc0"
TIME = msgpack.packb(msgpack.Timestamp(7))


@contextmanager
def helper(answers: dict[str, Any], events: list[bytes] = []) -> Iterator[str]:  # noqa: B006 - never changed
    """A port behind which is what answers so; an answer that is bytes is the end of its frame's body as it is."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def serve() -> None:
        frames = FrameReader()
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:
                return  # the test is over
            while data:
                data = data[frames.feed(data) :]
                while (body := frames.next()) is not None:
                    kind, number, method, *_more = msgpack.unpackb(bytes(body))
                    if kind != rpc.REQUEST:
                        continue
                    for event in events:
                        os.write(ours, frame(event))
                    answer = answers.get(method, NIL + msgpack.packb({"helper": "liar"}))
                    os.write(ours, frame(b"\x94" + msgpack.packb(rpc.RESPONSE) + msgpack.packb(number) + answer))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize(
    "answer",
    [
        NIL + TIME,
        NIL + b"\x91" * 900 + NIL,
        b"\x81\xa4kind" + TIME + NIL,
        NIL + b"\x81" + TIME + NIL,
        NIL + b"\xcb" + b"\x7f\xf8" + bytes(6),  # not a number
    ],
)
def test_a_greeting_that_is_none_is_refused_with_a_sentence_and_not_waited_for(answer: bytes) -> None:
    with helper({"hello": answer}) as port, LinkClient(port) as link:
        with pytest.raises(LinkError) as refused:
            link.hello("test", 20.0)
        assert refused.value.kind == "malformed"
        assert refused.value.next_step


def test_an_event_that_makes_no_sense_is_told_as_such_and_the_next_one_is_heard() -> None:
    def event(data: bytes) -> bytes:
        return b"\x93" + msgpack.packb(rpc.NOTIFICATION) + msgpack.packb("rails") + data

    parts = b"\x93\x00\xc3" + msgpack.packb(b"[" * 2000)  # an event in parts that is only brackets
    told: list[tuple[str, Any]] = []
    events = [
        event(TIME),
        event(b"\x91" * 900 + NIL),
        b"\x93\x02" + msgpack.packb(rpc.PART) + parts,
        event(msgpack.packb({"ma": 5})),
    ]
    with helper({}, events) as port, LinkClient(port, lambda name, data: told.append((name, data))) as link:
        link.hello("test", 20.0)
    assert [name for name, _data in told] == [MALFORMED, MALFORMED, "rails"]
    assert told[-1][1] == {"ma": 5}


class Says:
    """A session whose helper answers so."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls = 0

    def call(self, method: str, *_params: Any, timeout_s: float = 0.0) -> Any:
        self.calls += 1
        assert self.calls < 100_000, "it asks without end"
        return self.answers[method.replace(".", "_")]

    def start(self, method: str, *_params: Any, ahead: bytes = b"") -> str:
        return method

    def finish(self, method: str, _timeout_s: float) -> Any:
        return self.call(method)

    def forget(self, _call: Any) -> None: ...


@pytest.mark.parametrize("sizes", [None, "many", {}, {"card": -1}, {"card": 10**12}, {"card": "9"}])
def test_records_of_no_possible_size_are_not_fetched(sizes: Any) -> None:
    with pytest.raises(LinkError, match="how many records"):
        fetch(Says(records_sizes=sizes, records_read=b"x"), "card")  # type: ignore[arg-type]


@pytest.mark.parametrize("window", [None, "text", 7])
def test_windows_that_are_no_bytes_are_refused(window: Any) -> None:
    with pytest.raises(LinkError, match="no text"):
        fetch(Says(records_sizes={"card": 9}, records_read=window), "card")  # type: ignore[arg-type]
    with pytest.raises(LinkError, match="no text"):
        fetch_log(Says(helper_log=window))  # type: ignore[arg-type]


def test_a_log_without_end_is_given_up() -> None:
    with pytest.raises(LinkError, match="no end"):
        fetch_log(Says(helper_log=bytes(2048)))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [None, "9", True, -5, 10**12])
def test_a_file_of_no_possible_length_is_not_written_on(length: Any) -> None:
    with pytest.raises(LinkError, match="how long its file is"):
        write_file(Says(card_write=length), "a.bin", 0, bytes(9000), 1.0)  # type: ignore[arg-type]


def test_a_file_that_never_arrives_is_given_up() -> None:
    never = Says(card_write=0, card_written=0)
    with pytest.raises(LinkError, match="does not arrive"):
        write_file(never, "a.bin", 0, bytes(9000), 1.0)  # type: ignore[arg-type]
    assert never.calls < 1000


def test_events_are_kept_by_number_and_by_what_they_weigh() -> None:
    log = EventLog()
    large = {"text": ["x" * 1000] * 100}
    for _ in range(1000):
        log.add("one", "plan", large)
    kept = log.after(0)
    assert 100 < len(kept) < 1000
    assert sum(weight(event["data"]) for event in kept) <= 32 * 1024 * 1024
    assert kept[-1]["number"] == log.last == 1000
    log.add("one", "plan", {"text": ["x"] * 1_000_000})
    assert len(log.after(0)) == 1


def test_a_flood_of_events_is_held_back_and_said_once() -> None:
    now = [0.0]
    flow = EventFlow(lambda: now[0])
    through = first = 0
    for _ in range(10_000):
        through += flow.lets_through()
        first += flow.first_held_back
        now[0] += 0.0001
    assert 3000 <= through <= 3600
    assert first == 1
    now[0] += 60
    assert flow.lets_through()
