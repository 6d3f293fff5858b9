"""Requests that are larger than anything that is asked of the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from bmsrescue.daemon.api import create_app
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.door import body_limit


class _NobodyOfNote:
    def admit(self, _connection: HTTPConnection) -> str:
        return "eva"

    def may_send_much(self, _connection: HTTPConnection) -> bool:
        return False


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(body_limit, "MOST_BYTES", 1000)
    with TestClient(create_app(Helpers(list, tmp_path), None), client=("127.0.0.1", 50000)) as client:
        yield client


def test_a_body_that_says_it_is_too_large_is_refused_unread(client: TestClient) -> None:
    answer = client.post("/api/helpers/one/call", content=b'{"method": "' + b"x" * 1000)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _piece in range(50):
            yield b"x" * 100

    answer = client.post("/api/helpers/one/call", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "at most" in answer.text


def test_what_is_not_too_large_passes(client: TestClient) -> None:
    answer = client.post("/api/helpers/one/call", json={"method": "x" * 900})
    assert answer.status_code == 404


def test_who_is_no_engineer_fills_no_memory(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is read before the route asks who sends it: a hundred of 20 MiB would be 2 GiB."""
    monkeypatch.setattr(body_limit, "ANYBODYS_BYTES", 500)
    assert client.post("/api/helpers/one/call", json={"method": "x" * 900}).status_code == 404
    client.app.state.door = _NobodyOfNote()  # type: ignore[attr-defined]
    assert client.post("/api/helpers/one/call", json={"method": "x" * 900}).status_code == 413
    assert client.post("/api/helpers/one/call", content=(b"x" * 90 for _ in range(10))).status_code == 413
    assert client.post("/api/helpers/one/call", json={"method": "x" * 400}).status_code == 404
