"""The generator and its judge: seeds are stable, faults do what they say, and a lie is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue.card.check import check_image, read_job
from bmsrescue.twin.field import faults as field_faults
from bmsrescue.twin.field import judge as field_judge
from bmsrescue.twin.field.campaign import Log, Tally, run_many
from bmsrescue.twin.field.case import Case
from bmsrescue.twin.field.generate import card_files, generate
from bmsrescue.twin.field.judge import Press, Verdict, cured_unit
from bmsrescue.twin.field.page import page
from bmsrescue.twin.field.physics import look_alone
from bmsrescue.twin.field.truth import Truth, look_at_flash, truth_of


def _first(wanted: str, *, alone: bool = True) -> Case:
    """The first case whose history it is, with nothing else wrong."""
    for seed in range(3000):
        case = generate(seed)
        if case.history.kind == wanted and not (alone and case.faults):
            return case
    raise AssertionError(f"no {wanted} in 3,000 seeds")


def _cells(case: Case) -> bytes:
    return bytes(case.build_unit().chip.flash.data)


@pytest.mark.parametrize("seed", [0, 7, 42, 1001])
def test_a_seed_makes_the_same_unit_and_card_each_time(seed: int) -> None:
    first, second = generate(seed), generate(seed)
    assert first.describe() == second.describe()
    assert card_files(first) == card_files(second)
    assert _cells(first) == _cells(second)


def test_every_card_is_one_that_card_check_takes() -> None:
    for seed in range(150):
        files = card_files(generate(seed))
        check_image(read_job(files)[0], files)


def test_all_that_the_menu_holds_comes_up() -> None:
    cases = [generate(seed) for seed in range(1500)]
    kinds = {fault.kind for case in cases for fault in case.faults}
    assert len(kinds) >= len({group for _n, _w, group, _m in field_faults.MENU})
    assert {"wire-noise", "wire-doubled", "wire-contact", "pcrop", "crystal", "dip", "card-pulled"} <= kinds
    assert {len(case.faults) for case in cases} == {0, 1, 2, 3}
    assert {case.layout.part for case in cases} == {"H7B0", "H730", "H725", "H743"}


def test_a_unit_in_order_is_seen_to_run_and_shows_its_own_build() -> None:
    case = _first("in-order")
    life = look_alone(case.build_unit())
    assert life.runs and life.rails_off
    assert life.shows_mv == case.image.shows
    assert look_at_flash(case, case.build_unit()).holds_image


def test_a_blank_unit_does_nothing_and_a_cured_one_runs() -> None:
    case = _first("blank")
    assert not look_alone(case.build_unit()).runs
    cured = cured_unit(case)
    assert look_at_flash(case, cured).holds_image
    assert look_alone(cured).shows_mv == case.image.shows


def test_a_sister_runs_and_its_bytes_are_not_the_images() -> None:
    case = _first("sister")
    unit = case.build_unit()
    assert not look_at_flash(case, unit).holds_image
    life = look_alone(unit)
    assert life.runs and life.shows_mv != case.image.shows


def test_a_dead_crystal_stops_the_image_that_waits_for_it() -> None:
    for seed in range(3000):
        case = generate(seed)
        if case.kinds == {"crystal"} and not case.image.flags & 4:
            assert not look_alone(cured_unit(case)).runs
            return
    raise AssertionError("no such case")


def _truth(case: Case) -> Truth:
    unit = case.build_unit()
    flash = look_at_flash(case, unit)
    return truth_of(case, look_alone(unit), flash, lambda: look_alone(cured_unit(case)))


def test_what_is_true_of_simple_units() -> None:
    in_order = _first("in-order")
    rewrites = in_order.job["policy"]["mode"] == "rewrite"  # type: ignore[index]
    assert _truth(in_order).right == ({"NO_FAULT_FOUND", "RECOVERED"} if rewrites else {"NO_FAULT_FOUND"})
    assert _truth(_first("blank")).right == {"RECOVERED"}
    assert "RECOVERED" not in _truth(replace(_first("sister"), consent=frozenset())).right


class _Helper:
    """In place of the agent: leaves the unit as it is and says what it is told to say."""

    outcome = "RECOVERED"

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.flash = bytearray(1)

    def run(self) -> object:
        record = {"outcome": self.outcome, "diagnosis": {"cause": "blank", "sentence": "", "next_step": ""}}
        return field_judge.RunResult(
            "ended", 0, "", [(0, "record", record)], None, None, 1000, 0, 1, False, 0.1  # type: ignore[arg-type]
        )  # fmt: skip


def _judged(monkeypatch: pytest.MonkeyPatch, case: Case, outcome: str) -> Verdict:
    monkeypatch.setattr(_Helper, "outcome", outcome)
    monkeypatch.setattr(field_judge, "VirtualHelper", _Helper)
    return field_judge.judge(case)


def test_a_lie_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = _first("blank")
    assert _judged(monkeypatch, blank, "RECOVERED").kind == "wrong bytes called good"
    assert _judged(monkeypatch, blank, "NO_FAULT_FOUND").kind == "false green"
    assert _judged(monkeypatch, blank, "NOT_FIRMWARE").kind == "false scrap"
    assert _judged(monkeypatch, blank, "TOOL_ERROR").kind == "tool error"
    assert _judged(monkeypatch, blank, "WRONG_TARGET").kind == "wrong outcome"
    assert _judged(monkeypatch, blank, "").kind == "hang"
    in_order = _first("in-order")
    assert _judged(monkeypatch, in_order, "NO_FAULT_FOUND").kind == "wrong cause", "it is not blank"


def test_a_tally_counts_by_kind_and_shows_the_first_seeds() -> None:
    tally = Tally()
    press = Press("ended", "RECOVERED", "blank", "", 1)
    for seed, kind in ((5, "right"), (9, "false green"), (7, "false green"), (1, "weak")):
        tally.add(Verdict(seed, kind, "", (press,), (), "", 0.5))
    lines = "\n".join(tally.lines())
    assert tally.wrong == 2 and "7 9" in lines and "50.00 %" in lines


def test_a_campaign_that_was_stopped_goes_on_with_the_units_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "field.log"
    log = Log(path)
    press = Press("ended", "RECOVERED", "blank", "", 1)
    log.add(Verdict(200_007, "weak", "", (press,), ("a board",), "", 0.5, "1234567"))
    with path.open("a") as file:
        file.write('{"seed": 200008, "kind": "ri')
    tally = run_many([200_007], 1, log=log)
    assert (tally.units, dict(tally.kinds), tally.commits) == (1, {"weak": 1}, {"1234567": 1}), "nothing was run"
    log = Log(path)
    tally = run_many([200_007, 200_008], 1, log=log)
    assert (tally.units, tally.kinds["weak"], tally.kinds["right"]) == (2, 1, 1)
    assert {seed: verdict.kind for seed, verdict in log.read().items()} == {200_007: "weak", 200_008: "right"}
    assert "2 units" in page(tally, 200_007) and "1234567 (1)" in page(tally, 200_007)


def test_what_went_wrong_at_another_commit_is_run_again_and_the_page_says_so(tmp_path: Path) -> None:
    log = Log(tmp_path / "field.log")
    press = Press("ended", "RECOVERED", "blank", "", 1)
    log.add(Verdict(200_008, "false green", "", (press,), ("a board",), "", 0.5, "1234567"))
    tally = run_many([200_008], 1, log=log)
    assert (tally.units, tally.wrong, tally.mended) == (1, 0, {200_008: "false green"})
    assert "first run, 1 of these went wrong (false green 1)" in page(tally, 200_008)
