"""A person at the host in place of the helper's switch, over a real link: asked, heard, believed as far as is seen."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bmsrescue.cli.helper import job as job_commands
from bmsrescue.twin.by_hand_rig import lacking
from bmsrescue.twin.helper.person import ScriptedPerson
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find
from helper_command import Run
from link_twin import PATIENCE_S, Host, WatchedTwin, client_process, helper_on, records_on, wait_until

NO_SWITCH = {"power", "boot0"}


@contextmanager
def bench(name: str, rails: set[str], parts: set[str] = NO_SWITCH) -> Iterator[WatchedTwin]:
    scenario = find(name)
    with helper_on(lacking(scenario, parts, rails), card=card_for(scenario)) as twin:
        yield twin


def person_of(twin: WatchedTwin, host: Host | None = None, **of_person: Any) -> ScriptedPerson:
    """They act at the unit as they hear of it; what they say goes over the link, from another thread."""

    def answer(said: str, _after_ms: int, number: int) -> None:
        if host is not None and not (said == "done" and of_person.get("says_so") is False):
            threading.Thread(target=host.call, args=("answer", number, said), daemon=True).start()

    person = ScriptedPerson(twin.unit, answer, **of_person)
    twin.on_told = lambda name, data: person.event(0, name, data)
    return person


def run_job(host: Host, by_hand: int) -> Any:
    return host.call("job.run", False, "", by_hand, timeout_s=PATIENCE_S)


def answers(host: Host) -> list[Any]:
    return [data["answer"] for data in host.all_of("answer")]


def test_a_person_at_the_host_switches_and_the_unit_is_proven() -> None:
    with bench("half-on", {"v3v3"}) as twin, Host(twin.url) as host:
        person = person_of(twin, host, says_so=False)
        record = run_job(host, 60)
        assert (record["outcome"], answers(host)) == ("RECOVERED", ["seen", "seen"])
        assert len(person.asked) == 2
        asked = host.all_of("ask")[0]
        assert (asked["words"], asked["by"], asked["limit_s"]) == (["power"], "person", 60)


def test_who_cannot_and_who_does_not_answer_leave_the_proof_unmade() -> None:
    with bench("half-on", {"v3v3"}) as twin, Host(twin.url) as host:
        person_of(twin, host, cannot=frozenset({"power"}))
        assert run_job(host, 60)["outcome"] == "VERIFIED_UNPROVEN"
        assert answers(host) == ["cannot"]
        host.call("answer", 1, "done", timeout_s=PATIENCE_S)  # of a question that is over


def test_the_time_of_a_person_is_limited_and_nobody_is_asked_who_is_not_there() -> None:
    with bench("half-on", {"v3v3"}) as twin, Host(twin.url) as host:
        person_of(twin)
        twin.on_told = None
        assert run_job(host, 1)["outcome"] == "VERIFIED_UNPROVEN"
        assert answers(host) == [None]
        host.events.clear()
        found = host.call("job.until", "diagnosis", timeout_s=PATIENCE_S)
        assert found["diagnosis"] is not None
        assert host.all_of("ask") == []


def test_a_meter_that_is_read_out_says_which_rail_is_missing() -> None:
    with bench("no-supply", set()) as twin, Host(twin.url) as host:
        person_of(twin, host)
        found = host.call("job.until", "diagnosis", "", "", 60, timeout_s=PATIENCE_S)
    assert found["diagnosis"]["cause"] == "no-supply"
    assert found["evidence"]["by_meter"] == ["bplus"]
    assert "bplus" not in found["evidence"]["unseen"]
    assert any(line.startswith("bplus 0 mV by a person's meter") for line in found["diagnosis"]["evidence"])


def test_the_command_asks_at_the_terminal(bmsrescue: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_commands, "waits_for_person", lambda _as_json: 60)
    with bench("half-on", {"v3v3"}) as twin:
        person_of(twin)
        said = bmsrescue("recover", "--yes", "erase sectors 1,2", "--helper", twin.url, typed="\n" * 8)
    assert "BY HAND: switch the unit's supply off now" in said.errors
    assert "RECOVERED" in said.out
    assert said.status == 0


def test_a_host_that_dies_while_its_person_is_asked_leaves_a_running_unit_and_a_record() -> None:
    with bench("half-on", {"v3v3"}) as twin:
        asked = client_process(twin.url, "job.run", False, "", 600)
        wait_until(lambda: twin.told("ask"))
        asked.send_signal(signal.SIGKILL)
        asked.wait()
        wait_until(lambda: twin.told("record"))
        assert records_on(twin.cards_image)[-1]["outcome"] == "INTERRUPTED"
        assert not twin.unit.chip.core.halted  # nobody has taken its power away: it must run without us
        with Host(twin.url) as host:
            assert host.about["last_end"] == {"why": "the host has gone silent", "during": "job.run"}
            found = run_job(host, 0)
            assert (found["outcome"], found["diagnosis"]["cause"]) == ("NO_FAULT_FOUND", "healthy")
            assert "left_halted" not in found["evidence"]["swd"]
