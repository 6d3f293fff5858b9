"""The local API as a client meets it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from bmsrescue.client.finding import Found
from bmsrescue.daemon.api import create_app
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.door.guard import NotAdmittedError
from bmsrescue.door.names import LOOPBACK_NAMES
from fake_links import PATIENCE_S, FakeBoard
from rescuelink.errors import FlashError, LinkError

HERE = ("127.0.0.1", 50000)
WS = "ws://127.0.0.1:8725"


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def client(board: FakeBoard, tmp_path: Path) -> Iterator[TestClient]:
    connected = Helpers(lambda: [Found("one", "/dev/fake", "fake", usb=False)], tmp_path, board.open)
    with TestClient(create_app(connected, LOOPBACK_NAMES), base_url="http://127.0.0.1:8725", client=HERE) as client:
        wait_until_ready(client)
        yield client


def wait_until_ready(client: TestClient) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while [helper["state"] for helper in client.get("/api/helpers").json()] != ["ready"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def call(client: TestClient, method: str, *params: Any, name: str = "one") -> Any:
    return client.post(f"/api/helpers/{name}/call", json={"method": method, "params": list(params)})


def test_a_method_is_called_and_its_result_comes_back(client: TestClient) -> None:
    assert call(client, "rails.read").json() == {"result": {"rails": {"v3v3": 3300}, "ma": 50}}


def test_a_piece_of_a_file_goes_to_the_card_in_one_request(client: TestClient, board: FakeBoard) -> None:
    def write(path: str, offset: int, data: bytes) -> object:
        return LinkError("bad_params", "a path stays on the card") if ".." in path else offset + len(data)

    board.link.answers["card.write"] = write
    piece = {"path": "a.bin", "offset": 3, "data": "AQID"}
    assert client.post("/api/helpers/one/card", json=piece).status_code == 200
    assert board.link.calls[-1] == ("card.write", ("a.bin", 3, b"\x01\x02\x03"))
    refused = client.post("/api/helpers/one/card", json=piece | {"path": "../a"})
    assert (refused.status_code, refused.json()["error"]["kind"]) == (400, "bad_params")
    for wrong in ({"offset": -1}, {"data": "AQI"}, {"path": None}):
        assert client.post("/api/helpers/one/card", json=piece | wrong).status_code == 400


def test_binary_goes_and_comes_as_base64(client: TestClient, board: FakeBoard) -> None:
    board.link.answers["helper.echo"] = lambda data: data[::-1]
    answer = call(client, "helper.echo", {"base64": "AQID"})
    assert answer.json() == {"result": {"base64": "AwIB"}}
    assert board.link.calls[-1] == ("helper.echo", (b"\x01\x02\x03",))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LinkError("busy", "the helper is at work"), 409),
        (LinkError("unknown_method", "there is no such method"), 400),
        (LinkError("lost", "the port has vanished"), 503),
        (FlashError("wrp", "sector 3 is write-protected", 0x08060000), 422),
    ],
)
def test_an_error_keeps_its_kind_and_its_address(
    client: TestClient, board: FakeBoard, error: LinkError, status: int
) -> None:
    board.link.answers["flash.erase"] = error
    answer = call(client, "flash.erase", 3)
    assert answer.status_code == status
    assert answer.json() == {"error": error.to_dict()}


def test_a_helper_that_is_not_there_is_a_404_that_names_those_that_are(client: TestClient) -> None:
    answer = call(client, "rails.read", name="two")
    assert answer.status_code == 404
    assert answer.json()["error"]["kind"] == "no_helper"
    assert "one" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"method": 7}, {"method": "rails.read", "timeout_s": -1}, [], "rails.read"])
def test_a_malformed_body_is_refused_in_the_same_shape(client: TestClient, body: Any) -> None:
    answer = client.post("/api/helpers/one/call", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["kind"] == "bad_params"


def test_text_that_is_no_base64_is_refused(client: TestClient) -> None:
    answer = call(client, "helper.echo", {"base64": "%%"})
    assert answer.status_code == 400


def test_a_job_is_begun_watched_and_its_result_fetched(client: TestClient, board: FakeBoard) -> None:
    board.link.answers["job.run"] = {"outcome": "RECOVERED"}
    with client.websocket_connect(f"{WS}/api/events") as events:
        begun = client.post("/api/helpers/one/job", json={"method": "job.run", "params": [False]})
        assert begun.status_code == 202
        first, second = events.receive_json(), events.receive_json()
    ended = client.get("/api/helpers/one/job", params={"wait_s": 20}).json()
    assert (ended["state"], ended["result"]) == ("done", {"outcome": "RECOVERED"})
    assert (first["name"], first["data"]["state"]) == ("job", "running")
    assert (second["name"], second["data"]["state"]) == ("job", "done")
    assert second["number"] == first["number"] + 1


def test_an_event_that_comes_while_others_are_being_sent_is_sent_as_well(
    client: TestClient, board: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = WebSocket.send_json

    async def send_slowly(socket: WebSocket, data: Any) -> None:
        if data["name"] == "found":  # the first that is sent
            board.link.tell("rails", {"ma": 51})
            await asyncio.sleep(0.05)
        await send(socket, data)

    monkeypatch.setattr(WebSocket, "send_json", send_slowly)
    with client.websocket_connect(f"{WS}/api/events?after=0") as events:
        assert [events.receive_json()["name"] for _ in range(3)] == ["found", "connected", "rails"]


def test_events_can_be_read_from_a_number_on_after_a_broken_connection(client: TestClient, board: FakeBoard) -> None:
    with client.websocket_connect(f"{WS}/api/events?after=0") as events:
        numbers = [events.receive_json()["number"] for _ in range(2)]
    board.link.tell("rails", {"ma": 51})
    board.link.tell("rails", {"ma": 52})
    with client.websocket_connect(f"{WS}/api/events?after={numbers[-1]}") as events:
        assert [events.receive_json()["data"]["ma"] for _ in range(2)] == [51, 52]
    assert [event["name"] for event in client.get("/api/events").json()] == ["found", "connected", "rails", "rails"]


def test_records_come_as_lines_with_what_is_wrong_in_their_chain(client: TestClient, board: FakeBoard) -> None:
    text = b'{"sequence": 1}\n{"sequence": 2}\n'
    board.link.answers["records.sizes"] = {"card": len(text), "helper": 0, "helper-old": 0}
    board.link.answers["records.read"] = lambda _place, offset: text[offset : offset + 20]
    found = client.get("/api/helpers/one/records").json()
    assert found["lines"] == ['{"sequence": 1}', '{"sequence": 2}']
    assert [number for number, _why in found["breaks"]] == [1, 2]
    assert client.get("/api/helpers/one/records", params={"place": "attic"}).status_code == 400


def test_a_page_of_another_site_can_neither_call_nor_listen(client: TestClient) -> None:
    evil = {"origin": "https://evil.example"}
    assert client.post("/api/helpers/one/call", json={"method": "power.on"}, headers=evil).status_code == 403
    assert client.get("/api/helpers", headers={"host": "evil.example:8725"}).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{WS}/api/events", headers=evil):
        pass
    same = {"origin": "http://127.0.0.1:8725"}
    assert client.get("/api/helpers", headers=same).status_code == 200


def test_the_openapi_document_tells_every_path(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/helpers", "/api/helpers/{name}/call", "/api/helpers/{name}/job", "/api/events"} <= paths.keys()


class _DoorThatShuts:
    def __init__(self) -> None:
        self.shut = False

    def admit(self, _connection: HTTPConnection) -> str:
        if self.shut:
            raise NotAdmittedError("who", "this token is not known")
        return "eva"


def test_who_is_no_longer_let_in_follows_no_events_either(client: TestClient, board: FakeBoard) -> None:
    """The account was shut, or the token revoked, while the connection was open."""
    door = _DoorThatShuts()
    client.app.state.door = door  # type: ignore[attr-defined]
    with client.websocket_connect(f"{WS}/api/events?after=0") as events:
        assert [events.receive_json()["name"] for _ in range(2)] == ["found", "connected"]
        door.shut = True
        with pytest.raises(WebSocketDisconnect):
            events.receive_json()
