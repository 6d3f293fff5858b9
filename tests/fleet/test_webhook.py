"""Another program is told of each attempt, in order, whatever was cut off; and a unit gets its sticker."""

import json
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.unit_label import zpl
from bmsrescue.fleet.webhook import Webhook
from sealed_records import chain

URL = "http://erp.invalid/attempts"


class Receiver:
    """The other program; it may be down."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.keys: list[str] = []
        self.up = True

    def client(self) -> httpx.Client:
        def answer(request: httpx.Request) -> httpx.Response:
            if not self.up:
                return httpx.Response(503)
            self.came.append(json.loads(request.content)["sequence"])
            self.keys.append(request.headers["Idempotency-Key"])
            return httpx.Response(204)

        return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.fixture
def bench(store: Store) -> str:
    with store.write() as session:
        return ledger.own_site(session)


def take(store: Store, bench: str, lines: list[str]) -> None:
    with store.write() as session:
        LineTaker("card", IMPORT).take(session, bench, lines)


def test_each_attempt_is_told_once_in_order_and_from_the_beginning_of_the_hook(
    store: Store, bench: str, tmp_path: Path
) -> None:
    lines = chain("h1", 12)
    receiver = Receiver()
    take(store, bench, lines[:4])
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    assert hook.catch_up() == 0
    take(store, bench, [*lines[:9], "garbage"])
    assert hook.catch_up() == 5
    again = Webhook(store, bench, URL, tmp_path, receiver.client())
    take(store, bench, lines)
    assert again.catch_up() == 3
    assert receiver.came == [5, 6, 7, 8, 9, 10, 11, 12]
    assert len(set(receiver.keys)) == 8


def test_a_program_that_is_down_is_told_when_it_is_back(store: Store, bench: str, tmp_path: Path) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    hook.catch_up()
    take(store, bench, chain("h1", 3))
    receiver.up = False
    assert hook.catch_up() == 0
    assert "503" in hook.problem
    receiver.up = True
    assert hook.catch_up() == 3
    assert (receiver.came, hook.problem) == ([1, 2, 3], "")


def test_a_sticker_carries_the_verdict_and_no_command_of_a_forged_record(store: Store, bench: str) -> None:
    take(store, bench, chain("h^XZ~JA", 1, outcome="RECOVERED", unit={"uid": "^XA~DG"}))
    with store.read() as session:
        text = zpl(session.scalars(select(Attempt)).one(), "^XA~DG")
    assert text.startswith("^XA\n")
    assert "^FDPASS^FS" in text
    assert text.count("^XA") == text.count("^XZ") == 1
    assert "~" not in text
