"""The remote_bitbang port, character by character."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from bmsrescue.twin.scenarios import all_scenarios
from bmsrescue.twin.servers.bitbang_client import out_chars
from bmsrescue.twin.servers.client_socket import ServerLinkError
from served_unit import ServedUnit

DPIDR = 0x6BA02477
JTAG_TO_SWD = (
    b"O" + out_chars((1 << 56) - 1, 56) + out_chars(0xE79E, 16) + out_chars((1 << 56) - 1, 56) + out_chars(0, 8)
)
READ_DPIDR = out_chars(0xA5, 8) + b"o" + b"dcf" * 38 + b"O" + out_chars(0, 8)


class RawClient:
    """A client that sends whatever it likes."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), 10)

    def ask(self, chars: bytes, answers: int) -> bytes:
        self.socket.sendall(chars)
        got = b""
        while len(got) < answers:
            part = self.socket.recv(answers - len(got))
            assert part, "the server hung up"
            got += part
        return got

    def hung_up_on(self) -> bool:
        return self.socket.recv(1) == b""


@pytest.fixture
def client(unit: ServedUnit) -> RawClient:
    return RawClient(unit.ports.host, unit.ports.bitbang)


def dpidr_of(samples: bytes) -> int:
    assert samples[1:4] == b"100"
    return int(samples[4:36][::-1], 2)


def test_a_debugger_reads_the_chips_identity_with_plain_characters(client: RawClient) -> None:
    assert dpidr_of(client.ask(JTAG_TO_SWD + READ_DPIDR, 38)) == DPIDR


def test_characters_may_arrive_one_at_a_time(client: RawClient) -> None:
    client.ask(JTAG_TO_SWD, 0)
    answers = b"".join(client.ask(bytes([char]), int(char == ord("c"))) for char in READ_DPIDR)
    assert dpidr_of(answers) == DPIDR


def test_what_means_nothing_is_ignored_and_counted(unit: ServedUnit, client: RawClient) -> None:
    noise = b"\x00\xff?!\r\nBb"
    assert dpidr_of(client.ask(noise + JTAG_TO_SWD + noise + READ_DPIDR, 38)) == DPIDR
    assert unit.control().stats()["ignored_chars"] == 8


def test_a_jtag_debugger_gets_an_answer_instead_of_waiting_for_ever(client: RawClient) -> None:
    assert client.ask(b"0123R4567R", 2) == b"11"


def test_time_passes_by_request_and_by_clock_cycles(unit: ServedUnit, client: RawClient) -> None:
    control = unit.control()
    before = unit.unit.clock.now_ns
    client.ask(b"Z" * 30 + b"z" * 7 + b"c", 1)
    assert unit.unit.clock.now_ns - before == 30_007_000
    client.ask(b"df" * 4000 + b"c", 1)  # at 4 MHz
    assert unit.unit.clock.now_ns - before == 31_007_000
    assert control.status()["time_ms"] == unit.unit.clock.now_ns // 1_000_000


def test_srst_pulls_the_units_reset_until_it_is_let_go_or_the_plug_is_pulled(
    unit: ServedUnit, client: RawClient
) -> None:
    control = unit.control()
    settle = b"Z" * 20
    for chars, level in ((b"s", 0), (b"r", 1), (b"u", 0), (b"t", 1), (b"s", 0)):
        client.ask(chars + settle + b"c", 1)
        assert control.status()["nrst"] == level
    client.socket.close()
    for _ in range(100):  # the server notices in its own time
        control.advance(20)
        if control.status()["nrst"] == 1:
            return
    pytest.fail("NRST stays low")


def test_one_debugger_at_a_time_and_the_next_after_it(unit: ServedUnit, client: RawClient) -> None:
    client.ask(b"c", 1)
    assert RawClient(unit.ports.host, unit.ports.bitbang).hung_up_on()
    client.socket.sendall(b"Q")
    assert client.hung_up_on()
    again = RawClient(unit.ports.host, unit.ports.bitbang)
    assert dpidr_of(again.ask(JTAG_TO_SWD + READ_DPIDR, 38)) == DPIDR


def test_a_debugger_that_does_not_read_its_answers_stops_nobody_else(unit: ServedUnit, client: RawClient) -> None:
    client.socket.setblocking(False)
    sent = 0
    try:
        for _ in range(1000):
            sent += client.socket.send(b"c" * 65536)
    except BlockingIOError:
        pass
    assert 0 < sent < 1000 * 65536
    assert unit.control().status()["core"] == "lockup"


def test_time_goes_on_by_itself_while_nobody_talks_on_a_unit_that_lives_on_wall_time(
    serve: Callable[..., ServedUnit],
) -> None:
    unit = serve("healthy", virtual_time=False)
    control = unit.control()
    first = control.status()["time_ms"]
    for _ in range(10_000):
        if control.status()["time_ms"] != first:
            return
    pytest.fail("time stands still")


def test_on_virtual_time_nothing_moves_by_itself(unit: ServedUnit) -> None:
    control = unit.control()
    assert len({control.status()["time_ms"] for _ in range(50)}) == 1


def test_nobody_listening_is_told_with_what_to_do(unit: ServedUnit) -> None:
    from bmsrescue.twin.servers.bitbang_client import BitbangPins

    unit.close()
    with pytest.raises(ServerLinkError) as caught:
        BitbangPins(unit.ports.host, unit.ports.bitbang)
    assert caught.value.kind == "unreachable"
    assert caught.value.next_step == "start the server, or correct host and port"


@pytest.mark.parametrize("scenario", [scenario.name for scenario in all_scenarios()])
def test_whatever_is_wrong_with_a_unit_its_port_answers(serve: Callable[..., ServedUnit], scenario: str) -> None:
    unit = serve(scenario)
    client = RawClient(unit.ports.host, unit.ports.bitbang)
    answers = client.ask(JTAG_TO_SWD + READ_DPIDR + b"oc", 39)
    assert set(answers) <= set(b"01")
    assert "rails_mv" in unit.control().status()
