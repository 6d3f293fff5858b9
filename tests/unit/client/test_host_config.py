"""The configuration file and the helpers it leads to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bmsrescue.client import finding
from bmsrescue.client.finding import find_helpers, name_for
from bmsrescue.config import Config, UsbId, chosen_helper, data_dir, load_config
from bmsrescue.errors import UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_without_a_file_everything_has_a_default_that_stays_on_this_machine(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.toml")
    assert config == Config()
    assert config.daemon.host == "127.0.0.1"


def test_what_the_file_says_is_used(tmp_path: Path) -> None:
    text = """
    helper = "bench-2"
    [daemon]
    port = 9000
    [records]
    bench = "hall 2"
    signed_only = true
    [helpers.bench-2]
    url = "socket://192.168.7.2:4000"
    [[usb]]
    vid = 0x1209
    pid = 0xADDA
    """
    config = load_config(written(tmp_path, text))
    assert (config.helper, config.daemon.port) == ("bench-2", 9000)
    assert (config.records.bench, config.records.signed_only) == ("hall 2", True)
    assert config.helpers == {"bench-2": "socket://192.168.7.2:4000"}
    assert config.usb == (UsbId(0x1209, 0xADDA, "configured board"),)


@pytest.mark.parametrize(
    "text",
    [
        "helper = ",
        "halper = 'one'",
        "helper = 7",
        "[daemon]\nport = 'high'",
        "[daemon]\nport = true",
        "[records]\nsigned_only = 'yes'",
        "[daemon]\nport = 70000",
        "[helpers.one]\nurl = ''",
        "[helpers.'../one']\nurl = '/dev/ttyACM0'",
        "[[usb]]\nvid = 0x12345\npid = 1",
        "usb = [1]",
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="config"):
        load_config(written(tmp_path, text))


def test_the_option_comes_before_the_environment_and_that_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(helper="file")
    monkeypatch.delenv("BMSRESCUE_HELPER", raising=False)
    assert chosen_helper(None, config) == "file"
    monkeypatch.setenv("BMSRESCUE_HELPER", "environment")
    assert chosen_helper(None, config) == "environment"
    assert chosen_helper("option", config) == "option"


def test_the_data_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path))
    assert data_dir() == tmp_path


def test_helpers_are_found_by_url_by_configuration_and_by_usb_id_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        SimpleNamespace(device="/dev/ttyACM0", vid=0x2E8A, pid=0x0005, serial_number="e66058388345"),
        SimpleNamespace(device="/dev/ttyUSB0", vid=0x0403, pid=0x6001, serial_number="A1"),
        SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, serial_number=None),
    ]
    monkeypatch.setattr(finding.list_ports, "comports", lambda: ports)
    config = Config(helpers={"rack": "socket://10.0.0.2:4000", "desk": "/dev/ttyACM0"})
    found = find_helpers(config, ("/dev/pts/3",))
    assert {helper.name: helper.url for helper in found} == {
        "pts-3": "/dev/pts/3",
        "rack": "socket://10.0.0.2:4000",
        "desk": "/dev/ttyACM0",
    }
    assert [helper.name for helper in find_helpers(Config())] == ["usb-e66058388345"]


@pytest.mark.parametrize("url", ["/dev/ttyACM0", "socket://127.0.0.1:4000", "COM7", "rfc2217://h/?a=b"])
def test_a_name_made_of_a_url_can_stand_in_a_path(url: str) -> None:
    assert name_for(url).replace("-", "").isalnum()
