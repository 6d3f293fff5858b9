"""A helper with a key of its own signs each record once it is safe; without one nothing changes."""

from __future__ import annotations

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.keys.pem import public_of, secret_of
from bmsrescue.keys.records import is_signed, read_signatures
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, default_card_files
from bmsrescue.twin.scenarios import find
from dongle_run import press_button
from p256_cases import derived_key
from rescuelink.seal import line_hash

KEY = derived_key(3001)


def bench_with(key: str) -> tuple[TwinRig, bytearray]:
    card = make_image(default_card_files())
    bench = TwinRig(find("half-on"), card)
    bench.helper.deployed = {"helper.key": key}
    return bench, card


def test_every_record_on_the_card_is_signed_by_its_helper() -> None:
    bench, card = bench_with(secret_of(KEY).hex() + "\n")
    press_button(bench, card)
    run = press_button(bench, card)
    assert run.result.how == ENDED, run.result.output
    lines = run.card["records/records.jsonl"].decode().splitlines()
    found = read_signatures(run.card["records/signatures.txt"])
    assert list(found) == [line_hash(line) for line in lines]
    assert len(lines) == 2
    assert all(is_signed(public_of(KEY), bytes.fromhex(one), found[one][0]) for one in found)
    assert run.record["line_sha256"] == line_hash(lines[-1])


def test_a_key_that_is_none_costs_the_signature_and_not_the_record() -> None:
    bench, card = bench_with("no key")
    run = press_button(bench, card)
    assert (run.record["outcome"], run.record["record_saved"]) == ("RECOVERED", True)
    files = read_files(card)
    assert "records/records.jsonl" in files
    assert "records/signatures.txt" not in files
