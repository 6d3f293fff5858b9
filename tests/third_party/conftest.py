"""Programs that know nothing of us, and the twin served to them.

On a machine without a program its tests are skipped by name; where CI=true they fail instead, because there `.ci/run`
has to have installed it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from openocd_judge import build_shim, run_openocd
from served_unit import ServedUnit


def need(program: str) -> str:
    """The program's path, or the test is skipped (or fails, in CI)."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed, but CI must judge with it")
        pytest.skip(f"{program} is not installed")
    return path


@pytest.fixture
def served() -> Iterator[Callable[..., ServedUnit]]:
    """Serves the unit of a scenario, each with its own ports."""
    units: list[ServedUnit] = []

    def serve(scenario: str, seed: int = 0, chip: str | None = None, virtual_time: bool = True) -> ServedUnit:
        story = find(scenario)
        unit = build_unit(story if chip is None else story.on_part(chip), seed)
        units.append(ServedUnit(unit, virtual_time=virtual_time))
        return units[-1]

    yield serve
    for unit in units:
        unit.close()


@pytest.fixture(scope="session")
def sysfs_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The LD_PRELOAD library that lets OpenOCD's sysfsgpio driver speak remote_bitbang."""
    return build_shim(need("cc"), tmp_path_factory.mktemp("shim"))


@pytest.fixture
def openocd(sysfs_shim: Path) -> Callable[..., str]:
    """`openocd(unit, *commands, ahead=False, dual_bank=False)` returns what OpenOCD printed."""
    return partial(run_openocd, need("openocd"), sysfs_shim)
