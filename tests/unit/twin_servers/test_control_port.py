"""The control port: one command per line, one JSON object per answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from bmsrescue.twin.servers.client_socket import ServerLinkError
from served_unit import ServedUnit

Serve = Callable[..., ServedUnit]


def lines_for(unit: ServedUnit, sent: bytes, count: int) -> list[dict[str, object]]:
    """The answers to raw bytes."""
    with socket.create_connection((unit.ports.host, unit.ports.control), 10) as client:
        client.sendall(sent)
        with client.makefile("rb") as answers:
            return [json.loads(answers.readline()) for _ in range(count)]


def test_power_brings_the_rails_up_and_the_firmware_to_life(serve: Serve) -> None:
    unit = serve("healthy", powered=False)
    control = unit.control()
    off = control.status()
    assert (off["power"], off["core"]) == (0, "reset")
    assert max(off["rails_mv"].values()) < 300
    control.power(True)
    control.advance(3000)
    on = control.status()
    assert on["power"] == 1
    assert 3200 < on["rails_mv"]["v3v3"] < 3400
    assert on["display"]["powered"]
    assert "PACK" in on["display"]["text"][0]
    assert on["core"] in ("running", "sleeping")
    assert on["supply_ma"] > 0


def test_boot0_and_a_reset_send_the_chip_to_its_bootloader(serve: Serve) -> None:
    unit = serve("blank")
    control = unit.control()
    assert control.status()["core"] == "lockup"
    assert control.command("boot0 1") == {"boot0": 1}
    control.nrst(False)
    control.advance(20)
    assert control.status()["core"] == "reset"
    control.nrst(True)
    control.advance(100)
    assert control.status()["core"] != "lockup"


def test_stats_count_what_a_debugger_did(unit: ServedUnit) -> None:
    pins = unit.plug_in()
    pins.clock_out((1 << 60) - 1, 60)
    pins.clock_in(4)
    stats = unit.control().stats()
    assert stats["swclk_cycles"] == 64
    assert stats["violations"] == {}


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("power", "needs 0 or 1"),
        ("power on", "needs 0 or 1"),
        ("boot0 2", "needs 0 or 1"),
        ("nrst 0 1", "needs 0 or 1"),
        ("advance", "needs whole milliseconds"),
        ("advance -1", "needs whole milliseconds"),
        ("advance 9999999999", "needs whole milliseconds"),
        ("status now", "takes no argument"),
        ("explode", "unknown command 'explode'"),
        ("", "unknown command ''"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_and_the_connection_stays(
    unit: ServedUnit, command: str, complaint: str
) -> None:
    control = unit.control()
    with pytest.raises(ServerLinkError, match=complaint):
        control.command(command)
    assert control.status()["power"] == 1


def test_an_endless_line_is_refused_and_does_not_fill_memory(unit: ServedUnit) -> None:
    refused, status = lines_for(unit, b"x" * 3_000_000 + b"\nstatus\n", 2)
    assert refused == {"error": "a line has at most 256 bytes"}
    assert "rails_mv" in status


def test_bytes_that_are_no_text_are_an_unknown_command(unit: ServedUnit) -> None:
    answer, status = lines_for(unit, b"\xff\xfe\x00\nstatus\n", 2)
    assert "unknown command" in str(answer["error"])
    assert "rails_mv" in status


def test_several_people_may_watch(unit: ServedUnit) -> None:
    first, second = unit.control(), unit.control()
    first.power(False)
    first.advance(2000)
    assert second.status()["power"] == 0


def test_quit_ends_the_servers_and_is_answered(unit: ServedUnit) -> None:
    control = unit.control()
    assert control.command("quit") == {"quit": 1}
    unit.close()
    with pytest.raises(ServerLinkError):
        control.status()


def test_a_bitbang_port_is_not_taken_for_a_control_port(unit: ServedUnit) -> None:
    from bmsrescue.twin.servers.control_client import ControlClient

    stranger = ControlClient(unit.ports.host, unit.ports.bitbang, timeout_s=0.2)
    with pytest.raises(ServerLinkError) as caught:
        stranger.status()
    assert caught.value.next_step
