"""A helper with keys at the bench: a card that an engineer has signed is run from its folder, nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.card.fat import make_image
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.signing import sign_files
from bmsrescue.twin.rig import default_card_files
from helper_command import Run
from link_twin import WatchedTwin
from p256_cases import derived_key
from rescuelink.manifest import NAME, key_id

KEY = derived_key(1001)


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedTwin]:
    twin = WatchedTwin("half-on", make_image({}))
    twin.helper.deployed = {"trust.txt": f"{public_of(KEY).hex()}\n"}
    with twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        yield twin


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card's folder as `card build` makes it, signed."""
    files = default_card_files()
    for name, data in {**files, NAME: sign_files(KEY, files, "BR16S", 7), "notes.txt": b"not the job's"}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_signed_cards_folder_is_run_and_its_job_file_alone_is_refused(
    bmsrescue: Run, twin: WatchedTwin, card: Path
) -> None:
    refused = bmsrescue("plan", card / "job.json", "--json")
    assert (refused.status, refused.json["error"]["kind"]) == (1, "unsigned")
    assert not twin.power_log
    record = bmsrescue("recover", card, "--yes", "erase sectors 1,2", "--json").json
    assert record["outcome"] == "RECOVERED"
    assert record["job"]["release"] == {"series": "BR16S", "number": 7, "key": key_id(public_of(KEY))}


def test_a_folder_that_is_no_card_is_told_before_the_helper_is_asked(
    bmsrescue: Run, twin: WatchedTwin, tmp_path: Path
) -> None:
    said = bmsrescue("plan", tmp_path)
    assert said.status != 0
    assert "job.json" in said.errors
    assert not twin.power_log
