"""`silicon-check` on a chip whose behaviours are known because they were put in: each is found, and the report makes
the twin such a chip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.cli.helper import silicon
from bmsrescue.client.helper import Helper
from bmsrescue.errors import UsageError
from bmsrescue.silicon.facts import target_id
from bmsrescue.silicon.report import with_silicon
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.scenarios import find
from helper_command import Run, started_helper
from repository import ROOT
from rescuelink.errors import PowerError

OTHER = ChipConfig(
    idc_reserved=0x2000,
    bootloader_version=0x91,
    ap1_idr=0x84770011,
    target_id=0x04830123,
    tar_increment_bits=12,
    packed_transfers=False,
    gated_ram_is_error=False,
    ap0_without_axi_under_reset=False,
    ap2_csw_clear_in_reset=False,
)


def found_on(bmsrescue: Run, config: ChipConfig, report: Path) -> Any:
    """The report of a healthy unit with that chip."""
    with started_helper(replace(find("healthy"), config=config)) as twin:
        said = bmsrescue("silicon-check", "-o", report, "--json", "--helper", twin.url)
        assert said.status == 0, said
        assert not twin.powered
    return said.json


@pytest.mark.parametrize("config", [ChipConfig(), OTHER], ids=["the twin's own", "another chip"])
def test_each_switch_is_found_as_it_was_put_in(bmsrescue: Run, tmp_path: Path, config: ChipConfig) -> None:
    report = tmp_path / "report.json"
    document = found_on(bmsrescue, config, report)
    assert document["failed"] == {}
    switches = {one["switch"]: one["value"] for one in document["findings"] if one["switch"]}
    shown = {"idc_reserved": config.shown_idc & 0xF000, "target_id": config.shown_target_id}
    assert switches == {name: shown.get(name, getattr(config, name)) for name in switches}
    for one in document["findings"]:
        page, _, row = one["source"].partition("#")
        assert f'<a id="{row}"></a>' in (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert set(switches) >= {"tar_increment_bits", "gated_ram_is_error", "ap2_csw_clear_in_reset", "target_id"}
    assert with_silicon(ChipConfig(), report) == replace(config, **shown)
    said = {one["name"]: one["said"] for one in document["findings"]}
    assert "MHz" in said["fastest SWCLK with every bit right"]


def test_what_was_found_is_told_although_the_power_does_not_go(
    bmsrescue: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stays(_helper: Helper) -> None:
        raise PowerError("no_discharge", "B+ does not fall")

    monkeypatch.setattr(silicon, "FACTS", (target_id,))
    with started_helper("healthy") as twin:
        monkeypatch.setattr(Helper, "power_off", stays)
        said = bmsrescue("silicon-check", "-o", tmp_path / "report.json", "--json", "--helper", twin.url)
    assert said.status == 1
    assert [one["switch"] for one in said.json["findings"]] == ["target_id"]
    assert said.json["failed"] == {"power off": "B+ does not fall"}
    assert (tmp_path / "report.json").exists()


def test_a_file_that_is_no_report_is_told(bmsrescue: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(UsageError, match="no report of a silicon-check"):
        with_silicon(ChipConfig(), other)
    assert bmsrescue("twin", "run", "--scenario", "healthy", "--silicon", other).status == 2
