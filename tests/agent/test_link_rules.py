"""What a person may rely on when a host works with a unit: it is safe when the host goes, work can be stopped without
harm, nothing is done twice."""

from __future__ import annotations

import signal
import time
from typing import Any

import msgpack
import pytest
import serial

from bmsrescue.card.fat import read_files
from bmsrescue.link.client import LinkClient
from bmsrescue.link.frames import FrameReader, frame
from bmsrescue.twin.helper.panel import Press
from link_twin import (
    PATIENCE_S,
    Host,
    card_with_limits,
    client_process,
    helper_on,
    in_background,
    records_on,
    wait_until,
)
from rescuelink import rpc
from rescuelink.errors import LinkError

SAFE_MS = 2000
IDLE_SCREEN_NS = 2_500_000_000  # by then a dongle that waits has looked at its card


class Wire:
    """Somebody who speaks in frames but keeps no session alive by itself."""

    def __init__(self, url: str) -> None:
        self.port = serial.serial_for_url(url, timeout=0.05, exclusive=True)
        self._frames = FrameReader()

    def send(self, *message: Any) -> None:
        self.port.write(frame(msgpack.packb(list(message))))

    def answer_to(self, number: int) -> tuple[Any, Any]:
        """(error, result) of the answer with that id."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            while (body := self._frames.next()) is not None:
                message = msgpack.unpackb(bytes(body))
                if message[:2] == [rpc.RESPONSE, number]:
                    return message[2], message[3]
            self._frames.feed(self.port.read(256))
        raise AssertionError(f"no answer to {number}")

    def ask(self, number: int, method: str, *params: Any) -> tuple[Any, Any]:
        self.send(rpc.REQUEST, number, method, list(params))
        return self.answer_to(number)

    def hello(self, number: int = 1, name: str = "wire") -> tuple[Any, Any]:
        return self.ask(number, "hello", rpc.PROTOCOL_VERSION, name)


class TestTheHostComes:
    def test_a_session_that_is_opened_while_the_helper_starts_lasts_while_nothing_is_asked(self) -> None:
        with helper_on("healthy") as twin, Host(twin.url) as host:
            wait_until(lambda: twin.unit.clock.now_ns >= IDLE_SCREEN_NS)
            assert host.call("power.status")["on"] is False
            assert not twin.runs  # the agent that was started is the one that answers


class TestTheHostGoes:
    def test_an_idle_unit_is_safe_within_two_seconds(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            wire.hello()
            assert wire.ask(2, "power.on")[0] is None
            _error, heard = wire.ask(3, "helper.time")
            wire.port.close()
            wait_until(lambda: not twin.powered)
            with Host(twin.url) as host:
                assert host.about["last_end"] == {"why": "the host has gone silent", "during": None}
                assert host.call("power.status")["on"] is False
            off_ms = next(at for at, on in reversed(twin.power_log) if not on)
            assert off_ms - heard["ms"] <= SAFE_MS

    def test_a_closed_session_leaves_no_power(self) -> None:
        with helper_on("healthy") as twin:
            with Host(twin.url) as host:
                host.connect()
                assert twin.powered
            wait_until(lambda: not twin.powered)

    def test_a_killed_host_in_a_recovery_costs_power_but_not_the_unit(self) -> None:
        """kill -9 while a sector is being written: off, the journal says where, and the next run heals the unit."""
        with helper_on("half-on") as twin:
            killed = client_process(twin.url, "job.run", False)
            wait_until(lambda: twin.told("progress", lambda data: data["step"] == "act"))
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            wait_until(lambda: not twin.powered)
            wait_until(lambda: twin.told("record"))
            with Host(twin.url) as host:
                assert host.about["last_end"]["during"] == "job.run"
                assert host.about["interrupted"]["event"] in ("erase", "program", "begin", "done")
                assert records_on(twin.cards_image)[-1]["outcome"] == "INTERRUPTED"
                assert any(name.startswith("journal") for name in read_files(twin.cards_image))
                record = host.call("job.run", timeout_s=PATIENCE_S)
            assert record["outcome"] == "RECOVERED"
            assert record["resumed"] is not None

    def test_a_recovery_that_was_told_so_finishes_by_itself(self) -> None:
        with helper_on("half-on") as twin:
            killed = client_process(twin.url, "job.run", True)
            wait_until(lambda: twin.told("progress", lambda data: data["step"] == "act"))
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            wait_until(lambda: twin.told("record"))
            assert twin.told("record")[-1]["outcome"] == "RECOVERED"

    def test_a_port_that_vanishes_is_an_error_and_the_unit_is_off(self) -> None:
        with helper_on("half-on") as twin:
            lost: list[LinkError] = []
            host = LinkClient(twin.url, on_lost=lost.append)
            host.hello("test", timeout_s=PATIENCE_S)
            host.call("power.on", timeout_s=PATIENCE_S)
            twin.stop()
            wait_until(lambda: not twin.powered)
        with pytest.raises(LinkError) as gone:
            host.call("rails.read")
        assert gone.value.kind in ("lost", "timeout")
        host.close()


class TestStopping:
    def test_a_backup_stops_at_once_and_the_job_is_aborted(self) -> None:
        with helper_on("half-on") as twin, Host(twin.url) as host:
            ended = in_background(host, "job.run")
            host.wait_for("progress", lambda data: data["step"] == "backup")
            assert host.call("cancel")["when"] == "now"
            wait_until(lambda: ended)
            assert ended[0]["outcome"] == "ABORTED"
            assert host.call("helper.info")["interrupted"] is None
            assert not twin.powered

    def test_a_sector_is_finished_first_and_the_answer_says_why(self) -> None:
        with helper_on("blank") as twin, Host(twin.url) as host:
            ended = in_background(host, "job.run")
            host.wait_for("progress", lambda data: data["step"] == "act")
            answer = host.call("cancel")
            assert answer["when"] == "later"
            assert "sector" in answer["why"]
            wait_until(lambda: ended)
            assert ended[0]["outcome"] in ("INTERRUPTED", "RECOVERED")
            assert not twin.powered
            assert host.call("job.run", timeout_s=PATIENCE_S)["outcome"] in ("RECOVERED", "NO_FAULT_FOUND")

    def test_a_minutes_watch_hears_its_host(self) -> None:
        with helper_on("half-on", card_with_limits(watch_s=60)) as twin, Host(twin.url) as host:
            ended = in_background(host, "job.until", "evidence")
            host.wait_for("step", lambda data: data["name"] == "rails")
            assert host.call("cancel")["when"] == "now"
            wait_until(lambda: ended)
            assert ended[0]["error"]["kind"] == "aborted"
            assert not twin.told("watch")
            assert not twin.powered

    def test_other_calls_meanwhile_are_told_to_wait(self) -> None:
        with helper_on("half-on") as twin, Host(twin.url) as host:
            ended = in_background(host, "job.run")
            host.wait_for("progress", lambda data: data["step"] == "backup")
            with pytest.raises(LinkError) as busy:
                host.call("rails.read")
            assert busy.value.kind == "busy"
            assert host.call("status")["working"] == "job.run"
            host.call("cancel")
            wait_until(lambda: ended)

    def test_what_is_too_large_to_be_heard_meanwhile_is_heard_when_the_job_has_ended(self) -> None:
        data = bytes(range(256)) * 8
        with helper_on("half-on") as twin, Host(twin.url) as host:
            assert host.call("helper.echo", data) == data
            ended = in_background(host, "job.run")
            host.wait_for("progress", lambda data: data["step"] == "backup")
            assert host.call("helper.echo", data, timeout_s=PATIENCE_S) == data
            wait_until(lambda: ended)
            assert records_on(twin.cards_image)[-1]["outcome"] == "RECOVERED"
            assert host.call("helper.echo", data) == data

    def test_rails_are_told_while_a_job_runs(self) -> None:
        with helper_on("healthy") as twin, Host(twin.url) as host:
            host.call("rails.stream", 100)
            host.call("job.run", timeout_s=PATIENCE_S)
            told = [data for data in host.all_of("rails") if "ms" in data]
            assert any(data["on"] for data in told)


class TestWhoMayTalk:
    def test_a_second_host_is_refused_while_the_first_lives(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            assert wire.hello(1, "first")[0] is None
            error, _ = wire.hello(2, "second")
            assert error["kind"] == "busy"
            assert "in use by first" in error["message"]

    def test_and_let_in_when_the_first_has_gone_silent(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            wire.hello(1, "first")
            wire.port.close()
            with Host(twin.url, "second") as host:
                assert host.call("status")["session"] == "second"

    def test_another_version_of_the_protocol_is_refused(self) -> None:
        with helper_on("healthy") as twin:
            error, _ = Wire(twin.url).ask(1, "hello", 99, "future")
            assert error["kind"] == "version"
            assert "bmsrescue deploy" in error["next_step"]

    def test_nothing_is_done_without_hello(self) -> None:
        with helper_on("healthy") as twin:
            error, _ = Wire(twin.url).ask(1, "power.on")
            assert error["kind"] == "no_session"
            assert not twin.powered

    @pytest.mark.parametrize(
        ("call", "kind"),
        [
            (("no.such",), "unknown_method"),
            (("rails.none",), "unknown_method"),
            (("sys.exit",), "unknown_method"),
            (("rails.stream",), "bad_params"),
            (("rails.stream", "fast"), "bad_params"),
            (("rails.stream", True), "bad_params"),
            (("rails.stream", 1, 2), "bad_params"),
            (("card.write", "a", 0, "text"), "bad_params"),
            (("memory.write", 1 << 32, b"1234"), "bad_params"),
            (("memory.read", -4, 4), "bad_params"),
            (("memory.read", 0x20000000, 0), "bad_params"),
            (("core.register", 200), "bad_params"),
            (("records.read", "elsewhere", 0), "bad_params"),
            (("target.transfer", [5]), "bad_params"),
            (("target.transfer", [[0]]), "bad_params"),
            (("target.transfer", [["a", 0]]), "bad_params"),
            (("target.transfer", [[1.0, 8]]), "bad_params"),
            (("target.transfer", [[0, 8, 1 << 32]]), "bad_params"),
            (("target.transfer", [[0, 8, 1.5]]), "bad_params"),
            (("target.transfer", [[0, 8, b"abc"]]), "bad_params"),
            (("target.transfer", [[1, 12, None, "x"]]), "bad_params"),
            (("target.transfer", [[1, 12, None, 513]]), "bad_params"),
            (("target.transfer", [[0, 0]] * 500), "bad_params"),
            (("target.bits", [5]), "bad_params"),
            (("target.bits", [[8, "x"]]), "bad_params"),
            (("target.bits", [[8, None]]), "bad_params"),
            (("target.bits", [[8, -1]]), "bad_params"),
            (("job.until", "act"), "bad_params"),
        ],
    )
    def test_a_wrong_call_is_told_what_is_wrong(self, healthy: Host, call: tuple[Any, ...], kind: str) -> None:
        with pytest.raises(LinkError) as refused:
            healthy.call(*call)
        assert refused.value.kind == kind

    def test_the_button_does_not_interfere_with_a_host(self) -> None:
        with helper_on("healthy", presses=[Press(1500, 200)]) as twin, Host(twin.url) as host:
            start = host.call("helper.time")["ms"]
            wait_until(lambda: host.call("helper.time")["ms"] > start + 2500)
            assert not twin.told("step")

    def test_without_a_host_the_button_starts_the_job(self) -> None:
        with helper_on("healthy", presses=[Press(500, 200)]) as twin:
            wait_until(lambda: twin.told("record"))
            assert twin.told("record")[0]["outcome"] == "NO_FAULT_FOUND"

    def test_the_agent_leaves_for_the_prompt_and_a_restart_brings_it_back(self) -> None:
        with helper_on("healthy") as twin:
            with Host(twin.url) as host:
                host.call("helper.repl")
            wait_until(lambda: twin.runs)
            assert "bmsrescue: left for repl" in twin.runs[0].output
            assert twin.runs[0].exit_status == 0
            with Host(twin.url) as host:
                host.call("helper.reset")


class TestRepeats:
    def test_a_repeated_request_is_answered_again_and_not_done_again(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            wire.hello()
            first = wire.ask(7, "power.on")
            assert wire.ask(7, "power.on") == first
            assert wire.ask(8, "power.status")[1]["cycles"] == 1

    def test_nor_is_an_older_one(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            wire.hello()
            wire.ask(7, "power.on")
            wire.ask(8, "rails.read")
            error, _ = wire.ask(7, "power.on")
            assert error["kind"] == "repeated"
            assert wire.ask(9, "power.status")[1]["cycles"] == 1

    def test_a_request_sent_twice_before_its_answer_is_done_once(self) -> None:
        with helper_on("healthy") as twin:
            wire = Wire(twin.url)
            wire.hello()
            wire.send(rpc.REQUEST, 7, "power.on", [])
            wire.send(rpc.REQUEST, 7, "power.on", [])
            wire.answer_to(7)
            assert wire.ask(9, "power.status")[1]["cycles"] == 1


@pytest.fixture(scope="module")
def healthy() -> Any:
    with helper_on("healthy") as twin, Host(twin.url) as host:
        yield host
