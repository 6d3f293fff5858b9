"""A file on the card is longer than its chain: the next presses end as they would, or say which file to write anew."""

from __future__ import annotations

import pytest

from bmsrescue.card.fat import CardFiles
from bmsrescue.twin.rig import TwinRig
from lost_chains import lose_chain
from sweep_cures import CURES

_IMAGE, _RECORDS = "sweep.bin", "records/records.jsonl"
_DRAIN_NS = 10_000_000_000


@pytest.fixture(scope="module")
def used() -> tuple[TwinRig, bytearray, bytes]:
    """A unit that was cured, the helper's card, and what is on it."""
    cure = CURES["options"]
    card = cure.card()
    rig = TwinRig(cure.scenario(), card)
    result = rig.run()
    assert result.record is not None
    assert result.record["outcome"] == "RECOVERED"
    return rig, card, bytes(card)


@pytest.mark.parametrize("kind", ["image", "records", "backup"])
def test_a_file_whose_chain_was_lost(used: tuple[TwinRig, bytearray, bytes], kind: str) -> None:
    rig, card, whole = used
    card[:] = whole
    backup = next(name for name in CardFiles(card) if name.startswith("backups/") and name.endswith(".elf"))
    name = {"image": _IMAGE, "records": _RECORDS, "backup": backup}[kind]
    assert lose_chain(card, name)
    aside = []
    for _press in range(2):
        record = rig.run().record
        assert record is not None
        rig.unit.clock.advance(_DRAIN_NS)
        assert record["record_saved"]
        aside.append(record.get("set_aside"))
        if kind == "image":
            assert record["outcome"] == "TOOL_ERROR"
            assert _IMAGE in record["sentence"]
        else:
            assert record["outcome"] == "NO_FAULT_FOUND"
    assert aside == (["records-aside-1.jsonl", None] if kind == "records" else [None, None])
    lines = CardFiles(card)[_RECORDS].splitlines()
    assert len(lines) == (2 if kind == "records" else 3)


def test_records_are_set_aside_again_and_again(used: tuple[TwinRig, bytearray, bytes]) -> None:
    rig, card, whole = used
    card[:] = whole
    for number in (1, 2):
        assert lose_chain(card, _RECORDS)
        record = rig.run().record
        assert record is not None
        assert record["set_aside"] == f"records-aside-{number}.jsonl"
        rig.unit.clock.advance(_DRAIN_NS)
    # Each that was set aside is as it was, but for its chain.
    assert {f"records/records-aside-{number}.jsonl" for number in (1, 2)} <= set(CardFiles(card))
