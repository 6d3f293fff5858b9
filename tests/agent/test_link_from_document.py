"""A second client, written from docs/protocol.md alone, gets along with the agent."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from link_twin import WatchedTwin, helper_on
from tiny_client import AgentError, TinyClient


@pytest.fixture(scope="module")
def twin() -> Iterator[WatchedTwin]:
    with helper_on("healthy") as twin:
        yield twin


@pytest.fixture
def client(twin: WatchedTwin) -> Iterator[TinyClient]:
    client = TinyClient(twin.url)
    client.hello("tiny")
    yield client
    client.bye()


def test_it_shakes_hands_and_calls(client: TinyClient) -> None:
    assert client.about["protocol"] == 1
    assert "rails" in client.about["capabilities"]
    assert client.call("helper.echo", b"\xf5\xb3\x03") == b"\xf5\xb3\x03"
    assert client.call("rails.read")["rails"].keys() == {"bplus", "v12", "v5iso", "v3v3", "vcap"}


def test_it_is_refused_with_a_kind(client: TinyClient) -> None:
    with pytest.raises(AgentError) as refused:
        client.call("rails.nothing")
    assert refused.value.args[0]["kind"] == "unknown_method"


def test_it_hears_events(client: TinyClient) -> None:
    client.call("rails.stream", 10)
    client.call("power.on")
    client.call("rails.stream", 0)
    rails = [data for name, data in client.events if name == "rails" and "ms" in data]
    assert rails[-1]["on"] is True
    assert 3200 < rails[-1]["rails"]["v3v3"]["mv"] < 3400


def test_it_moves_a_file_in_windows(client: TinyClient) -> None:
    data = bytes(range(256)) * 20
    for at in range(0, len(data), 2048):
        assert client.call("card.write", "tiny.bin", at, data[at : at + 2048]) == min(at + 2048, len(data))
    client.call("card.close")
    size = client.call("card.size", "tiny.bin")
    assert b"".join(client.call("card.read", "tiny.bin", at, 2048) for at in range(0, size, 2048)) == data


def test_it_sends_a_file_without_waiting(client: TinyClient) -> None:
    windows = [bytes([number]) * 2048 for number in range(9)]
    client.call("card.write", "tiny.bin", 0, windows[0])
    for number, window in enumerate(windows[1:], 1):
        client.notify("data", number * 2048, window)
    assert client.call("card.written") == 9 * 2048
    client.call("card.close")
    assert client.call("card.read", "tiny.bin", 6 * 2048, 2048) == windows[6]


def test_it_fetches_a_result_that_no_frame_holds(client: TinyClient) -> None:
    found = json.loads(client.call("job.until", "plan"))
    assert found["diagnosis"]["cause"] == "healthy"
