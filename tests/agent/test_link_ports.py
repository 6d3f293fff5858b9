"""Whatever the stream is: a host that goes leaves a safe unit, a second one is told so, a vanished port is an error."""

from __future__ import annotations

import pytest
import serial

from bmsrescue.link.client import LinkClient
from link_twin import PATIENCE_S, Host, helper_behind, in_background, next_host, wait_until
from rescuelink.errors import LinkError

BOTH = pytest.mark.parametrize("kind", ["pty", "tcp"])


@BOTH
def test_a_recovery_is_streamed_and_watched(kind: str) -> None:
    with helper_behind(kind, "half-on") as twin, Host(twin.url) as host:
        record = host.call("job.run", timeout_s=PATIENCE_S)
        assert record["outcome"] == "RECOVERED"
        assert host.wait_for("record") == record
        steps = [data["name"] for data in host.all_of("step")]
        assert steps[0] == "job"
        assert steps[-1] == "record"
        assert {"act", "verify", "proof"} <= set(steps)
        assert host.all_of("progress")
        assert not twin.powered


@BOTH
def test_a_pulled_cable_leaves_the_unit_off_and_the_next_host_is_told(kind: str) -> None:
    """The host's program dies without a word; another one opens the port."""
    with helper_behind(kind, "healthy") as twin:
        host = LinkClient(twin.url)
        host.hello("victim", timeout_s=PATIENCE_S)
        host.call("power.on", timeout_s=PATIENCE_S)
        assert twin.powered
        host._closing.set()  # its heart stops, and the port closes without "bye"
        host._port.close()
        with next_host(twin.url, "next") as later:
            assert not twin.powered
            assert later.about["last_end"]["why"] == "the host has gone silent"


@pytest.mark.parametrize(
    ("kind", "step"), [*(("pty", step) for step in ("job", "energise", "backup", "act", "verify")), ("tcp", "act")]
)
def test_a_port_that_vanishes_in_any_step_is_an_error_and_the_unit_is_off(kind: str, step: str) -> None:
    with helper_behind(kind, "half-on") as twin:
        host = Host(twin.url)
        ended = in_background(host, "job.run")
        host.wait_for("step", lambda data: data["name"] == step)
        twin.stop()
        wait_until(lambda: twin.runs)
        assert not twin.powered
    wait_until(lambda: ended)
    assert ended[0].kind == "lost"
    with pytest.raises(LinkError) as gone:
        host.call("rails.read")
    assert gone.value.kind == "lost"
    host.close()


def test_a_second_program_on_a_tcp_port_is_hung_up_on_and_the_first_goes_on() -> None:
    with helper_behind("tcp", "healthy") as twin, Host(twin.url) as first:
        with pytest.raises(LinkError) as refused:
            second = LinkClient(twin.url)
            second.hello("second", timeout_s=PATIENCE_S)
        assert refused.value.kind in ("lost", "port")
        assert first.call("status")["session"] == "test"


def test_a_second_program_on_a_pty_cannot_open_it() -> None:
    with helper_behind("pty", "healthy") as twin, Host(twin.url) as first:
        with pytest.raises(LinkError) as refused:
            LinkClient(twin.url)
        assert refused.value.kind == "port"
        assert first.call("status")["session"] == "test"


def test_a_tcp_port_is_free_as_soon_as_its_client_has_gone() -> None:
    with helper_behind("tcp", "healthy") as twin:
        for _ in range(20):
            with serial.serial_for_url(twin.url, timeout=0.05) as port:
                port.write(b"noise")
        with Host(twin.url) as host:
            assert host.call("helper.echo", b"here") == b"here"
