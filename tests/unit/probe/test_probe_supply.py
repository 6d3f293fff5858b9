"""Who switches the unit's supply: a command with a limit, and its exit status looked at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bmsrescue.errors import UsageError
from bmsrescue.probe.supply import CommandSupply, supply_from
from rescuelink.errors import PowerError


def plug(folder: Path, body: str) -> str:
    """A command that keeps what it was told in `told`."""
    script = folder / "plug.py"
    script.write_text(f"import sys, time\nopen({str(folder / 'told')!r}, 'a').write(sys.argv[1] + ' ')\n{body}\n")
    return f"{sys.executable} {script} {{on,off}}"


def test_a_command_is_told_on_and_off_once_each(tmp_path: Path) -> None:
    supply = supply_from("exec:" + plug(tmp_path, ""))
    assert supply is not None
    for on in (False, True, True, False):
        supply.switch(on)
    assert (tmp_path / "told").read_text().split() == ["off", "on", "off"]


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    supply = supply_from("exec:" + plug(tmp_path, "sys.exit('no such plug')"))
    assert supply is not None
    with pytest.raises(PowerError, match="status 1: no such plug") as told:
        supply.switch(True)
    assert told.value.next_step


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    supply = CommandSupply(plug(tmp_path, "time.sleep(60)"), limit_s=0.5)
    with pytest.raises(PowerError, match=r"did not end within 0\.5 s"):
        supply.switch(True)


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(PowerError, match="cannot be started"):
        CommandSupply("/no/such/plug {on,off}").switch(True)


@pytest.mark.parametrize("option", ["exec:plug on", "exec:", "maybe"])
def test_what_makes_no_sense_is_a_usage_error(option: str) -> None:
    with pytest.raises(UsageError):
        supply_from(option)


def test_without_the_option_nobody_switches() -> None:
    assert supply_from(None) is None
