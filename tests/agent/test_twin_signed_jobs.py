"""A helper with keys runs what an engineer has signed, and nothing else: the unit sees no power before that is sure."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.signing import sign_files
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, Watcher, default_card_files
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button
from p256_cases import derived_key
from rescuelink.manifest import NAME, key_id
from rescuelink.seal import seal
from sweep_cures import CURES

OURS, THEIRS = derived_key(1001), derived_key(1002)
HELPER = "7477696e00000000"
AT_ONCE_MS, CHECKED_MS = 500, 5000
"""When the button is pressed: before the dongle has looked at the card, and after it has checked all of it."""
Files = dict[str, bytes]


def signed(release: int = 7, series: str = "BR16S", helper: str = "") -> Files:
    files = default_card_files()
    return {**files, NAME: sign_files(OURS, files, series, release, helper)}


def bench_with(files: Files, watcher: Watcher | None = None, after_ms: int = AT_ONCE_MS) -> TwinRig:
    bench = TwinRig(find("half-on"), make_image(files), watcher=watcher, presses=(Press(after_ms),))
    bench.helper.deployed = {"trust.txt": f"{public_of(THEIRS).hex()}\n{public_of(OURS).hex()}\n"}
    return bench


def press(files: Files, after_ms: int = AT_ONCE_MS) -> DongleRun:
    return press_button(bench_with(files, after_ms=after_ms), None)


def changed(name: str, change: Callable[[bytes], bytes]) -> Files:
    files = signed()
    return {**files, name: change(files[name])}


def one_bit(data: bytes) -> bytes:
    return data[:-40] + bytes([data[-40] ^ 4]) + data[-39:]


def by_another_key() -> Files:
    files = default_card_files()
    return {**files, NAME: sign_files(derived_key(1003), files, "BR16S", 7)}


def in_anothers_name() -> Files:
    # The name of a key that is trusted, and the signature of one that is not.
    files = default_card_files()
    data = sign_files(derived_key(1003), files, "BR16S", 7)
    return {
        **files,
        NAME: data.replace(key_id(public_of(derived_key(1003))).encode(), key_id(public_of(OURS)).encode()),
    }


ATTACKS: dict[str, tuple[Callable[[], Files], str]] = {
    "no signature": (default_card_files, "unsigned"),
    "a bit of the image": (lambda: changed("bms-1.2.0.bin", one_bit), "hash"),
    "a blank in the job": (lambda: changed("job.json", lambda data: data + b" "), "forged"),
    "more consent": (lambda: changed("job.json", lambda data: data.replace(b"[]", b"[0]")), "forged"),
    "another key": (by_another_key, "untrusted"),
    "in another's name": (in_anothers_name, "forged"),
    "a higher number": (lambda: changed(NAME, lambda data: data.replace(b"release 7", b"release 8")), "forged"),
    "cut short": (lambda: changed(NAME, lambda data: data[:-1]), "manifest"),
    "empty": (lambda: changed(NAME, lambda _data: b""), "manifest"),
    "endless": (lambda: changed(NAME, lambda data: data + b"file " * 400_000), "manifest"),
    "for another helper": (lambda: signed(helper="e660"), "other_helper"),
}  # fmt: skip


@pytest.mark.parametrize("after_ms", [AT_ONCE_MS, CHECKED_MS])
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_released_gives_the_unit_no_power(attack: str, after_ms: int) -> None:
    make, kind = ATTACKS[attack]
    run = press(make(), after_ms)
    assert run.result.how == ENDED, run.result.output
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", kind)
    assert run.record["next_step"]
    assert run.result.power_ons == 0
    assert run.flash_after == run.flash_before


@pytest.mark.parametrize("name", ["job.json", NAME])
def test_a_card_that_changes_its_words_while_the_dongle_waits_is_judged_by_the_new_ones(name: str) -> None:
    """It is the same card to the helper; the signature that it had at first is not that of what it says now."""
    files = signed()
    card = make_image(files)
    place = bytes(card).index(files[name][:512]) + files[name].index({"job.json": b"1.2.0", NAME: b"7"}[name])
    changed_ns = 4_000_000_000

    def change(*_call: object) -> None:
        if bench.unit.clock.now_ns >= changed_ns:
            card[place : place + 1] = b"8"

    bench = TwinRig(find("half-on"), card, presses=(Press(CHECKED_MS),), tap=change)
    bench.helper.deployed = {"trust.txt": f"{public_of(OURS).hex()}\n"}
    run = press_button(bench, None)
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", "forged")
    assert run.result.power_ons == 0


@pytest.mark.parametrize("after_ms", [AT_ONCE_MS, CHECKED_MS])
def test_a_signed_job_recovers_and_its_record_says_whose_it_was(after_ms: int) -> None:
    run = press(signed(), after_ms)
    assert run.record["outcome"] == "RECOVERED"
    assert run.record["job"]["release"] == {"series": "BR16S", "number": 7, "key": key_id(public_of(OURS))}


@pytest.mark.parametrize("after_ms", [AT_ONCE_MS, CHECKED_MS])
def test_a_helper_for_development_runs_any_job_and_says_that_it_is_unsigned(after_ms: int) -> None:
    told: list[str] = []
    watcher = Watcher(event=lambda _at, name, data: told.append(str(data)) if name == "progress" else None)
    bench = TwinRig(find("half-on"), make_image(signed()), watcher=watcher, presses=(Press(after_ms),))
    run = press_button(bench, None)
    assert run.record["outcome"] == "RECOVERED"
    assert run.record["job"]["release"] is None
    assert any("unsigned image" in one for one in told)


def test_an_older_release_is_refused_but_for_an_exception_that_names_this_helper() -> None:
    """The numbers of another series do not count; the exception takes nothing back."""
    bench = bench_with(signed(release=7))
    said = []
    for files in (
        signed(release=7), signed(release=6), signed(release=6, series="other"), signed(release=6, helper=HELPER),
        signed(release=6), signed(release=8), signed(release=7),
    ):  # fmt: skip
        bench.helper._card = make_image(files)
        record = bench.helper.run().record
        assert record is not None
        error = record["error"]
        said.append(error["kind"] if isinstance(error, dict) else record["outcome"])
    assert said == [
        "RECOVERED", "rolled_back", "NO_FAULT_FOUND", "NO_FAULT_FOUND",
        "rolled_back", "NO_FAULT_FOUND", "rolled_back",
    ]  # fmt: skip


@pytest.mark.parametrize("after_ms", [AT_ONCE_MS, CHECKED_MS])
def test_an_image_that_is_exchanged_after_the_check_is_never_called_good(after_ms: int) -> None:
    """A card that gives other bytes when they are written than when they were checked."""
    files = signed()
    card = make_image(files)
    image = files["bms-1.2.0.bin"]
    places = [bytes(card).index(image[at : at + 512]) for at in range(4096, len(image), 32768)]

    def exchange(_at_ms: int, name: str, data: object) -> None:
        if name == "step" and isinstance(data, dict) and data["name"] == "act":
            for at in places:
                card[at : at + 512] = bytes(512)

    bench = TwinRig(find("half-on"), card, watcher=Watcher(event=exchange), presses=(Press(after_ms),))
    bench.helper.deployed = {"trust.txt": f"{public_of(OURS).hex()}\n"}
    run = press_button(bench, None)
    assert run.result.how == ENDED, run.result.output
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("INTERRUPTED", "changed")
    assert run.record["next_step"]
    assert run.flash_after[:32] == b"\xff" * 32  # nothing that the chip could start
    assert not run.result.left_powered


@pytest.mark.parametrize(("cure", "at"), [("sectors", 0), ("sectors", 4096), ("preserve", 700)])
def test_nor_where_the_image_ends_in_a_sector_or_the_units_own_data_lie_in_it(cure: str, at: int) -> None:
    """The card gives other bytes when they are written; `at`: where in the image, whose file has no gap."""
    files = {name: data for name, data in read_files(CURES[cure].card()).items() if not name.startswith("records")}
    files[NAME] = sign_files(OURS, files, "BR16S", 7)
    card = make_image(files)
    image = next(data for name, data in files.items() if name.endswith(".bin"))
    place = bytes(card).index(image[:512]) + at

    def exchange(_at_ms: int, name: str, data: object) -> None:
        if name == "step" and isinstance(data, dict) and data["name"] == "act":
            card[place : place + 8] = b"exchange"

    bench = TwinRig(CURES[cure].scenario(), card, watcher=Watcher(event=exchange))
    bench.helper.deployed = {"trust.txt": f"{public_of(OURS).hex()}\n"}
    run = press_button(bench, None)
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("INTERRUPTED", "changed")
    assert run.flash_after[:32] == b"\xff" * 32


def forged_journal(uid: str, backup: bytes, **more: object) -> bytes:
    """As a run that was cut leaves it on a card: nobody needs a key to write it."""
    kept = {"file": "backups/made-up.bin", "sha256": sha256(backup).hexdigest(), "bytes": len(backup), "verified": True}
    return (seal({"event": "begin", "n": 1, "uid": uid, "sector": 0, "backup": kept, **more}, "") + "\n").encode()


def test_a_journal_that_somebody_put_on_the_card_writes_nothing_of_theirs() -> None:
    """It says that everything is to be put back from a backup of its own, and which option bytes were there before."""
    bench = bench_with(signed())
    uid = "".join(f"{word:08X}" for word in reversed(bench.unit.chip.config.unique_id))
    theirs = b"\xa5" * len(bench.unit.chip.flash.snapshot())
    before = {"optsr": 0x0306AAD0, "optsr2": 0, "wpsn": 0, "boot": 0x1FF00804}
    journal = forged_journal(uid, theirs, restore=True, before=before)
    bench.helper._card = make_image({**signed(), f"journal-{uid}.jsonl": journal, "backups/made-up.bin": theirs})
    options = bench.unit.chip.options.current
    run = press_button(bench, None)
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", "foreign_journal")
    assert "journal" in run.record["next_step"]
    assert (run.flash_after, bench.unit.chip.options.current) == (run.flash_before, options)
    assert not run.result.left_powered
