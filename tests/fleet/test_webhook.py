"""Another program is told of each attempt, in order, whatever was cut off; and a unit gets its sticker."""

import base64
import hmac
import json
import stat
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bmsrescue.errors import HostError, UsageError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.signature import SECRET_FILE, read_secret, signed
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
        self.refuses: set[int] = set()  # these, whatever it does with others
        self.requests: list[httpx.Request] = []

    def client(self) -> httpx.Client:
        def answer(request: httpx.Request) -> httpx.Response:
            if not self.up:
                return httpx.Response(503)
            if json.loads(request.content)["sequence"] in self.refuses:
                return httpx.Response(500)
            self.requests.append(request)
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


def test_an_attempt_that_is_refused_stops_no_other_is_told_and_comes_later(
    store: Store, bench: str, tmp_path: Path
) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    hook.catch_up()
    receiver.refuses = {2, 3}
    take(store, bench, chain("h1", 6))
    assert hook.catch_up() == 4
    assert (receiver.came, hook.refused) == ([1, 4, 5, 6], 2)
    assert "2 attempts are refused" in hook.problem
    first, second = hook.refusals()
    assert (first.attempt["sequence"], second.attempt["sequence"]) == (2, 3)
    assert (first.refusal.status, first.refusal.times) == (500, 1)
    receiver.refuses = set()
    assert hook.catch_up() == 0  # not at once
    again = Webhook(store, bench, URL, tmp_path, receiver.client())
    assert again.catch_up() == 2
    assert (receiver.came, again.problem, again.refused) == ([1, 4, 5, 6, 2, 3], "", 0)


def test_an_engineer_has_what_was_refused_told_at_once_or_never(store: Store, bench: str, tmp_path: Path) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    hook.catch_up()
    receiver.refuses = {1, 2}
    take(store, bench, chain("h1", 4))
    assert hook.catch_up() == 2
    first, second = hook.refusals()
    assert hook.leave_out(first.number)["sequence"] == 1
    with pytest.raises(HostError, match="does not wait"):
        hook.leave_out(first.number)
    assert ([one.number for one in hook.refusals()], hook.problem) == ([second.number], "1 attempt is refused")
    hook.tell_again()
    assert hook.catch_up() == 0
    assert hook.refusals()[0].refusal.times == 2
    receiver.refuses = set()
    assert Webhook(store, bench, URL, tmp_path, receiver.client()).catch_up() == 1
    assert receiver.came == [3, 4, 2], "and never 1"


def test_a_failure_is_told_without_what_may_be_secret_in_the_address(store: Store, bench: str, tmp_path: Path) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, f"{URL}?key=hidden", tmp_path, receiver.client())
    hook.catch_up()
    take(store, bench, chain("h1", 1))
    receiver.up = False
    hook.catch_up()
    assert hook.problem == "it answers with 503 Service Unavailable"


def test_one_that_is_refused_at_the_end_is_tried_again_in_its_place(store: Store, bench: str, tmp_path: Path) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    hook.catch_up()
    receiver.refuses = {3}
    take(store, bench, chain("h1", 3))
    assert hook.catch_up() == 2
    assert "500" in hook.problem
    receiver.refuses = set()
    assert hook.catch_up() == 1
    assert receiver.came == [1, 2, 3]


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    # Standard Webhooks' example message, as its libraries' tests have it.
    key = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_what_is_told_is_signed_with_a_secret_that_only_the_owner_can_read(
    store: Store, bench: str, tmp_path: Path
) -> None:
    receiver = Receiver()
    hook = Webhook(store, bench, URL, tmp_path, receiver.client())
    hook.catch_up()
    take(store, bench, chain("h1", 1))
    hook.catch_up()
    secret = tmp_path / SECRET_FILE
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    (request,) = receiver.requests
    number, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    content = f"{number}.{at}.".encode() + request.content
    key = base64.b64decode(secret.read_text().strip().removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_eA==", "whsec_%%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_secret_that_is_none_is_refused(store: Store, bench: str, tmp_path: Path, secret: str) -> None:
    with pytest.raises(UsageError, match="whsec_"):
        Webhook(store, bench, URL, tmp_path, Receiver().client(), secret)


def test_a_sticker_carries_the_verdict_and_no_command_of_a_forged_record(store: Store, bench: str) -> None:
    take(store, bench, chain("h^XZ~JA", 1, outcome="RECOVERED", unit={"uid": "^XA~DG"}))
    with store.read() as session:
        text = zpl(session.scalars(select(Attempt)).one(), "^XA~DG")
    assert text.startswith("^XA\n")
    assert "^FDPASS^FS" in text
    assert text.count("^XA") == text.count("^XZ") == 1
    assert "~" not in text
